"""What every photo of a batch shall become: named wishes, from a file or from the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import expanded
from ..lists import checked, read_rows
from ..texts import parse_json, read_text
from .jobs import check_name

BASELINE = "unchanged"
"""The name of the wish that changes nothing."""


def read_wishes(path: str | Path, check: Callable[[Any], Any]) -> dict[str, Any]:
    """Names and wishes, in the order of the file.

    A .txt file has a wish in each line, "AU12=3" or "smile: AU12=3"; .csv and .jsonl files have the columns `wish`, and
    if one likes `name`; a .json file is a list of wishes, or names with their wishes.

    Args:
        path: of the file.
        check: raises an InputError for what is no wish.

    Raises:
        InputError: the file cannot be used; its wrong lines are named.
    """
    path = expanded(path)
    found: dict[str, Any] = {}

    def named(row: tuple[Any, Any]) -> None:
        name, wish = row
        check(wish)
        name = check_name(str(name or slug(wish)))
        if name in found:
            raise InputError(f"The wish {name!r} stands twice.")
        found[name] = wish

    checked(path, _rows(path), named)
    if not found:
        raise InputError(f"There is no wish in {path}.")
    return found


def slug(wish: Any) -> str:
    """A wish as a name: "AU6=2,AU12=3", or what its JSON leaves of letters."""
    text = wish if isinstance(wish, str) else json.dumps(wish)
    return re.sub(r"[^\w.+=,-]+", "-", text).strip("-., ")[:80] or BASELINE


def _rows(path: Path) -> Iterable[tuple[int, tuple[Any, Any]]]:
    if path.suffix == ".txt":
        return list(_lines(path))
    if path.suffix == ".json":
        try:
            found = parse_json(read_text(path))
        except (OSError, ValueError) as error:
            raise InputError(f"Cannot read the wishes {path}: {error}") from error
        if not isinstance(found, (list, Mapping)):
            raise InputError(f"{path} must be a list of wishes, or names with wishes; got {type(found).__name__}.")
        pairs = found.items() if isinstance(found, Mapping) else ((None, wish) for wish in found)
        return list(enumerate(pairs, 1))
    if path.suffix not in (".csv", ".jsonl"):
        raise InputError(f"Wishes are a .txt, .csv, .jsonl or .json file; got {path}.")
    return [(line, _pair(line, row)) for line, row in read_rows(path)]


def _pair(line: int, row: Any) -> tuple[Any, Any]:
    if not isinstance(row, Mapping) or "wish" not in row:
        raise InputError(f"Line {line} has no `wish`; got {row!r}.")
    return row.get("name"), row["wish"]


def _lines(path: Path) -> Iterable[tuple[int, tuple[Any, Any]]]:
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read the wishes {path}: {error}") from error
    for line, each in enumerate(text.splitlines(), 1):
        wish = each.partition("#")[0].strip()
        if wish:
            name, colon, rest = wish.partition(": ")  # "angry:0.7" is a share of a word
            yield line, (name.strip(), rest.strip()) if colon else (None, wish)
