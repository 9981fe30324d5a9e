"""Reads untrusted text and JSON; raises only OSError or ValueError, and `read_config` a CheckpointError."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from .errors import CheckpointError

DEEPEST = 64
"""Levels of lists and tables in a JSON text; ours have five."""


def check_regular(path: Path) -> None:
    """Raises an OSError for a folder, pipe or device in a file's place: a pipe would be waited for without end."""
    if path.exists() and not path.is_file():
        raise OSError(f"it is a {'folder' if path.is_dir() else 'device or a pipe'}, not a file")


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, with a byte-order mark or without.

    Raises:
        OSError: no file, or none that can be read.
        ValueError: another encoding.
    """
    check_regular(path)
    return path.read_text(encoding="utf-8-sig")


def parse_json(text: str | bytes) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: not valid JSON, a name given twice, or nesting deeper than `DEEPEST`.
    """
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels") from None
    level: list[object] = [found]
    for _ in range(DEEPEST + 1):
        tables = [cast("list[object] | dict[str, object]", each) for each in level if isinstance(each, (list, dict))]
        if not tables:
            return found
        level = [item for each in tables for item in (each.values() if isinstance(each, dict) else each)]
    raise ValueError(f"it is nested deeper than {DEEPEST} levels")


def read_config(path: Path, cure: str = "delete it and fetch it again") -> dict[str, Any]:
    """A JSON file that holds an object; `cure` is the error's hint where it is damaged.

    Raises:
        CheckpointError: damaged, or not a JSON object (code "unreadable").
    """
    try:
        config = parse_json(read_text(path))
    except (OSError, ValueError) as error:
        raise CheckpointError.unreadable(path, error, cure) from error
    if not isinstance(config, dict):
        kind = type(config).__name__
        raise CheckpointError(f"{path} holds a {kind}, not a JSON object.", code="unreadable", hint=cure)
    return cast("dict[str, Any]", config)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all given once: of two values JSON would silently keep the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ValueError(f"the name {twice!r} is given twice")
    return found
