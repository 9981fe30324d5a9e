"""What was done, a line of JSON after each edit: written so that a process that dies at any moment loses none of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError

FILE = "samples.jsonl"


class Samples:
    """The lines of a run, by the key of their edit; the last one counts.

    Args:
        folder: of the run. A line that was cut off when the last process died is taken away.
        file: its name.

    Raises:
        InputError: a line in the middle is damaged.
    """

    def __init__(self, folder: Path, file: str = FILE) -> None:
        self.path = folder / file
        self.rows: dict[str, dict[str, Any]] = {}
        if self.path.is_file():
            self._read()

    def append(self, row: Mapping[str, Any]) -> None:
        """Keeps one, on disk before this returns; it has a "key"."""
        text = json.dumps(row, allow_nan=False) + "\n"
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self.rows[row["key"]] = dict(row)

    def _read(self) -> None:
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with open(self.path, "r+b") as file:
                file.truncate(whole)
        for line, text in enumerate(content[:whole].splitlines(), 1):
            try:
                row = json.loads(text)
                self.rows[row["key"]] = row
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{self.path}, line {line} is damaged: {error}\n  take the line away; it is made again"
                ) from error
