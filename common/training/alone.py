"""One training at a time writes to a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import InputError

LOCK = ".training.lock"


@contextmanager
def alone(output: str | Path) -> Iterator[None]:
    """Keeps other trainings out of the folder; it is free again as soon as this process ends, however it ends.

    Raises:
        InputError: another training is at work there.
    """
    if int(os.environ.get("RANK", 0)):  # the first process stands for all that accelerate launched together
        yield
        return
    folder = Path(output).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"Another training is at work in {folder}.\n  wait for it, stop it, or name another output"
        ) from error
    try:
        yield
    finally:
        lock.release()
