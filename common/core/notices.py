"""What a command prints while it runs: our notices, each once, and errors."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from .foreign import VERBOSITY

_OURS = ("common", "magicface", "rigface", "fineface", "microexpression", "surveillance")


class _Notices(logging.StreamHandler):  # pyright: ignore[reportMissingTypeArgument] - it has none in Python 3.10
    """Prints our own notices, equal ones once per run, and errors; other libraries' notices are not shown."""

    def __init__(self, quiet: bool) -> None:
        super().__init__(sys.stderr)  # pyright: ignore[reportUnknownMemberType] - as above
        self.least = logging.ERROR if quiet else logging.INFO
        self._told: set[str] = set()

    def filter(self, record: logging.LogRecord) -> Any:
        """Whether a record is shown."""
        least = self.least if record.name.partition(".")[0] in _OURS else logging.ERROR
        text = record.getMessage()
        if record.levelno < least or text in self._told:
            return False
        self._told.add(text)
        return super().filter(record)


def listen(quiet: bool) -> None:
    """Prints what is logged to standard error from now on, until the command ends; see `guarded`.

    Args:
        quiet: errors alone.
    """
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
