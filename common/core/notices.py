"""What is printed: a command's own notices, each once, and errors; other libraries are quiet meanwhile."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Generator
from typing import Any

VERBOSITY = {"transformers": "TRANSFORMERS_VERBOSITY", "diffusers": "DIFFUSERS_VERBOSITY"}
"""Library -> the environment variable that it takes its level from when it is imported."""
_OURS = ("common", "magicface", "rigface", "fineface", "microexpression", "surveillance")
_NOISE = (b"INFO: ", b"WARNING: All log messages before absl::InitializeLog() is called", b"[W:onnxruntime:")


@contextlib.contextmanager
def importing() -> Generator[None]:
    """Libraries that are imported meanwhile say nothing but errors, unless the user has set their level."""
    ours = [name for name, variable in VERBOSITY.items() if name not in sys.modules and variable not in os.environ]
    os.environ.update({VERBOSITY[name]: "error" for name in ours})
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(VERBOSITY[name], None)
            logging.getLogger(name).setLevel(logging.WARNING)  # the default of both


@contextlib.contextmanager
def loading() -> Generator[None]:
    """Transformers loads weights without a progress bar of its own."""
    from transformers.utils import logging as host

    shown = host.is_progress_bar_enabled()
    host.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            host.enable_progress_bar()


@contextlib.contextmanager
def native() -> Generator[None]:
    """What C++ code writes to standard error meanwhile, all but its notices, comes afterwards."""
    try:
        kept = os.dup(2)
    except OSError:  # a process without standard error
        yield
        return
    with tempfile.TemporaryFile() as file:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            for line in file:
                if not any(mark in line for mark in _NOISE):
                    os.write(2, line)


class _Notices(logging.StreamHandler):  # pyright: ignore[reportMissingTypeArgument] - it has none in Python 3.10
    """Prints our own notices, equal ones once per run, and errors; other libraries' notices are not shown."""

    def __init__(self, quiet: bool) -> None:
        super().__init__(sys.stderr)  # pyright: ignore[reportUnknownMemberType] - as above
        self.least = logging.ERROR if quiet else logging.INFO
        self._shown: set[str] = set()

    def filter(self, record: logging.LogRecord) -> Any:
        """Whether a record is shown."""
        least = self.least if record.name.partition(".")[0] in _OURS else logging.ERROR
        text = record.getMessage()
        if record.levelno < least or text in self._shown:
            return False
        self._shown.add(text)
        return super().filter(record)


def listen(quiet: bool) -> None:
    """Prints what is logged, or errors alone, to standard error from now on, until the command ends; see `guarded`."""
    stop_listening()
    root = logging.getLogger()
    root.addHandler(_Notices(quiet))
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)  # as records of a library
    for name, variable in VERBOSITY.items():  # whose handlers are their own
        os.environ.setdefault(variable, "error")
        logging.getLogger(name).setLevel(logging.ERROR)


def stop_listening() -> None:
    """Undoes `listen`."""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _Notices)]:
        root.removeHandler(handler)
        root.setLevel(logging.WARNING)
        logging.captureWarnings(False)
