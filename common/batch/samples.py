"""What was done, a line of JSON after each edit: written so that a process that dies at any moment loses none of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import replace_file
from ..jsonio import parse_json

FILE = "samples.jsonl"
PARTS = "samples-*.jsonl"
"""Of several processes, each writes lines of its own; they go into the one file at the end, see `settle`."""


class Samples:
    """The lines of a run, by the key of their edit; the last one counts.

    Those of processes that were killed before they could settle are among them.

    Args:
        folder: of the run. A line that was cut off when the last process died is taken away.
        file: its name.

    Raises:
        InputError: a line in the middle is damaged, or the file is a link or no file: what is appended stays here.
    """

    def __init__(self, folder: Path, file: str = FILE) -> None:
        self.path = folder / file
        self.rows: dict[str, dict[str, Any]] = {}
        _check_own(self.path)
        if self.path.is_file():
            self._mend()
            self.rows = _read(self.path)
        if file == FILE:
            self.rows |= _parted(folder)

    def append(self, row: Mapping[str, Any]) -> None:
        """Keeps one, on disk before this returns; it has a "key"."""
        text = json.dumps(row, allow_nan=False) + "\n"
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self.rows[row["key"]] = dict(row)

    def _mend(self) -> None:
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with open(self.path, "r+b") as file:
                file.truncate(whole)


def parts(folder: Path) -> list[Path]:
    """The lines of single processes that are not in the one file yet; raises an InputError where one is a link."""
    found = sorted(folder.glob(PARTS))
    for path in found:
        _check_own(path)
    return found


def settle(folder: Path, old: Sequence[Path], order: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Takes lines of single processes into the one file: a line for each edit, in the order of the plan.

    Nobody may write to any of these files meanwhile. Killed in the middle, it is done again and loses nothing.

    Args:
        folder: of the run.
        old: of `parts`.
        order: keys of the plan; what is not in it comes first.

    Returns:
        All rows of the one file, by their key.
    """
    known = _read(folder / FILE) if (folder / FILE).is_file() else {}
    for part in old:
        known |= _read(part)
    planned = dict.fromkeys(order)
    rows = {key: row for key, row in known.items() if key not in planned}
    rows |= {key: known[key] for key in planned if key in known}

    def write(path: Path) -> None:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, allow_nan=False) + "\n" for row in rows.values())
            file.flush()
            os.fsync(file.fileno())

    replace_file(folder / FILE, write)
    for part in old:
        part.unlink()
    return rows


def _check_own(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InputError(f"{path} must be a file of this run's own, no folder and no link; take it away.")


def _parted(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows of single processes, of which one may finish meanwhile: its file then has another name."""
    while True:
        rows = {}
        try:
            for part in parts(folder):
                rows |= _read(part)
            return rows
        except FileNotFoundError:
            continue


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """The whole lines of a file; one that is being written, or was cut off, is none."""
    rows = {}
    content = path.read_bytes()
    for line, text in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), 1):
        try:
            row = parse_json(text)
            if not isinstance(row["key"], str):
                raise TypeError(f"the key {row['key']!r} is no text")
            rows[row["key"]] = row
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}, line {line} is damaged: {error}\n  take the line away; it is made again"
            ) from error
    return rows
