"""What a run keeps in its folder: its settings, and a line of JSON for each edit, of which a crash loses none."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.errors import InputError
from ..core.files import replace_file
from ..core.jsonio import parse_json, read_text

FILE = "samples.jsonl"
SHARDS = "samples-*.jsonl"
"""Each process of a run writes one; `merge` takes them into the one file."""
SETTINGS, MADE = "run.json", "made"
"""The file of the settings; its key for date, versions and machines, which may change when a run resumes."""

Row = Mapping[str, Any]


def inside(folder: Path, name: str) -> Path:
    """A file below a folder, by its relative path; links are followed.

    Raises:
        InputError: an absolute path, one that leads out, or none at all.
    """
    path = folder / name
    root = os.path.realpath(folder)
    try:
        leads = os.path.realpath(path)
    except ValueError as error:  # a NUL byte, or half a character
        raise InputError(f"{name!r} is not a path: {error}", code="format", actual=name) from error
    if Path(name).is_absolute() or os.path.commonpath([root, leads]) != root:
        raise InputError("The path leads out of its folder.", code="outside", expected=folder, actual=name)
    return path


def check_run(folder: Path) -> None:
    """Raises an InputError for a folder without a run."""
    if not (folder / FILE).is_file():
        hint = "name the folder that `batch` wrote"
        raise InputError(f"There is no run in {folder}.", code="missing", expected=FILE, hint=hint)


def own_file(path: Path) -> Path:
    """The path of a file to which a run writes; raises an InputError for a link or a folder."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InputError(f"{path} must be a file, not a folder or a link.", code="type", hint="remove it")
    return path


def shard(folder: Path, rank: int = 0) -> Path:
    """The file to which one process of a run writes its lines."""
    return folder / f"samples-{rank}.jsonl"


def read_lines(path: Path) -> dict[str, dict[str, Any]]:
    """Key -> the last whole line with that key; a line that was cut off when its process died does not count.

    Raises:
        InputError: a line is damaged, or the file is a link or no file: a run writes into its own folder alone.
    """
    content = path.read_bytes() if own_file(path).exists() else b""
    rows = {}
    for line, text in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), 1):
        try:
            row = parse_json(text)
            if not isinstance(row["key"], str):
                raise TypeError(f"the key {row['key']!r} is not a text")
            rows[row["key"]] = row
        except (ValueError, KeyError, TypeError) as error:
            why = f"{path}, line {line} is damaged: {error}"
            hint = "delete it; the edit is made again"
            raise InputError(why, code="damaged", hint=hint) from error
    return rows


def write_lines(path: Path, rows: Iterable[Row]) -> None:
    """Replaces a file by these lines, whole or not at all."""

    def write(temporary: Path) -> None:
        with open(temporary, "w", encoding="utf-8") as file:
            file.writelines(_line(row) for row in rows)
            file.flush()
            os.fsync(file.fileno())

    replace_file(path, write)


def append(path: Path, row: Row) -> None:
    """Adds a line, on disk before this returns; it has a "key". The file ends with a whole line."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(_line(row))
        file.flush()
        os.fsync(file.fileno())


def samples(folder: Path) -> dict[str, dict[str, Any]]:
    """The lines of a run by the key of their edit, those of processes that were killed included."""
    rows = read_lines(folder / FILE)
    for path in sorted(folder.glob(SHARDS)):
        rows |= read_lines(path)
    return rows


def merge(folder: Path, order: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """Merges the lines of all processes into the one file, and returns the rows by their key.

    A merge that was killed loses nothing when it is repeated. No process may write to these files meanwhile. The lines
    follow `order`, the keys of the plan; keys that it lacks come first.
    """
    known, planned = samples(folder), dict.fromkeys(order)
    rows = {key: row for key, row in known.items() if key not in planned}
    rows |= {key: known[key] for key in planned if key in known}
    write_lines(folder / FILE, rows.values())
    for path in folder.glob(SHARDS):
        path.unlink()
    return rows


def same_run(folder: Path, settings: Mapping[str, Any], machines: Sequence[Mapping[str, Any]]) -> None:
    """Writes the settings of a new run, plain values without None; checks that a run that resumes has the same ones.

    New `machines` (see `common.core.environment.environment`) are added to the file, under `MADE`.

    Raises:
        InputError: the folder holds a run with other settings, or the file is damaged.
    """
    path = own_file(folder / SETTINGS)
    plain = json.loads(json.dumps({key: value for key, value in settings.items() if value is not None}))
    known = _known(path) if path.exists() else {**plain, MADE: []}
    other = sorted(key for key in {*known, *plain} - {MADE} if known.get(key) != plain.get(key))
    if other:
        expected, actual = ({key: found.get(key) for key in other} for found in (known, plain))
        why = f"{folder} holds a run with other settings."
        raise InputError(why, code="conflict", expected=expected, actual=actual, hint="name another folder")
    made = list(known[MADE])
    for machine in machines:
        if _undated(machine) not in map(_undated, made):
            made.append(machine)
    if made != known[MADE]:
        text = json.dumps({**plain, MADE: made}, indent=1) + "\n"
        replace_file(path, lambda file: file.write_text(text, encoding="utf-8"))


def _known(path: Path) -> dict[str, Any]:
    try:
        known = parse_json(read_text(path))
        if not isinstance(known, dict):
            raise ValueError(f"it holds a {type(known).__name__}")
        made = known.setdefault(MADE, [])
        if not isinstance(made, list) or not all(isinstance(each, dict) for each in made):
            raise ValueError(f"{MADE!r} is not a list of objects")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged: {error}", code="damaged", hint="name another folder") from error
    return known


def _undated(made: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in made.items() if key != "date"}


def _line(row: Row) -> str:
    return json.dumps(row, allow_nan=False) + "\n"
