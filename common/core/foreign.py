"""Keeps other libraries from talking while we import, load or call them; afterwards they speak as before."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Generator

VERBOSITY = {"transformers": "TRANSFORMERS_VERBOSITY", "diffusers": "DIFFUSERS_VERBOSITY"}
"""Library -> the environment variable that it takes its level from when it is imported."""
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
