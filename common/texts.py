"""Texts and JSON that others wrote: whatever is in them, reading them ends, and fails in two ways alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DEEPEST = 64
"""Levels of lists and tables in a JSON text; ours have five."""


def check_regular(path: Path) -> None:
    """Raises an OSError for what is there but no file of bytes: a pipe or a device would be waited for without end."""
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
        ValueError: it is none, gives a name twice, or is nested deeper than any that the toolkit reads.
    """
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels") from None
    level = [found]
    for _ in range(DEEPEST + 1):
        tables = [value for value in level if isinstance(value, (list, dict))]
        if not tables:
            return found
        level = [item for each in tables for item in (each.values() if isinstance(each, dict) else each)]
    raise ValueError(f"it is nested deeper than {DEEPEST} levels")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all given once: of two values JSON would silently keep the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ValueError(f"the name {twice!r} is given twice")
    return found
