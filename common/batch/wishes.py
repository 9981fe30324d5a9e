"""What every photo of a batch shall become: named wishes, from a file or from the command line."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..action_units import facs
from ..errors import InputError
from ..files import expanded
from ..jsonio import check_regular, parse_json, read_text
from ..records import checked, decode, is_table, read_rows
from .names import Names, check_name, given_name

log = logging.getLogger(__name__)

_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")

COLUMNS = ("name", "wish")
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

    names = Names()

    def keep(row: tuple[Any, Any]) -> None:
        name, wish = row
        check(wish)
        name = given_name(str(name)) if name else slug(wish)
        if name in names:
            raise InputError(f"The wish {name!r} stands twice.")
        found[names.free(name)] = wish

    checked(path, _rows(path), keep)
    if not found:
        raise InputError(f"There is no wish in {path}.")
    return found


def slug(wish: Any) -> str:
    """A wish as a name: "AU6=2,AU12=3", or what its JSON leaves of letters."""
    text = wish if isinstance(wish, str) else json.dumps(wish)
    return check_name(re.sub(r"[^\w.+=,-]+|[.]{2,}", "-", text).strip("-+=., ")[:80].rstrip("-+=., ") or BASELINE)


def _rows(path: Path) -> Iterable[tuple[int, Any]]:
    if is_table(path) or path.suffix.lower() in (".jsonl", ".ndjson"):
        rows = read_rows(path, COLUMNS)
        if is_table(path):
            _check_header(path, rows)
        return [(line, row if isinstance(row, InputError) else _pair(row)) for line, row in rows]
    if path.suffix.lower() == ".txt":
        return list(_lines(path))
    if path.suffix.lower() != ".json":
        raise InputError(f"Wishes are a .txt, .csv, .tsv, .jsonl or .json file; got {path}.")
    try:
        found = parse_json(read_text(path))
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read the wishes {path}: {error}") from error
    if not isinstance(found, (list, Mapping)):
        raise InputError(f"{path} must be a list of wishes, or names with wishes; got {type(found).__name__}.")
    if isinstance(found, Mapping):
        return list(enumerate(found.items(), 1))
    pairs = [_pair(row) if isinstance(row, Mapping) and "wish" in row else (None, row) for row in found]
    return list(enumerate(pairs, 1))


def _check_header(path: Path, rows: Sequence[tuple[int, Any]]) -> None:
    """A table without the column of wishes is one fault, and not one of each row."""
    header = next((list(row) for _, row in rows if isinstance(row, Mapping)), None)
    if header is not None and "wish" not in header:
        raise InputError(f"{path} has no column `wish`; it has {', '.join(header)}.")
    if others := [name for name in header or () if name not in COLUMNS]:
        log.warning("%s: columns left out: %s", path, ", ".join(others))


def _pair(row: Any) -> Any:
    if not isinstance(row, Mapping) or row.get("wish") in (None, ""):
        return InputError(f"the row has no `wish`; got {row!r}")
    return row.get("name"), row["wish"]


def _lines(path: Path) -> Iterable[tuple[int, Any]]:
    try:
        check_regular(path)
        text, encoding = decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read the wishes {path}: {error}") from error
    if encoding not in ("utf-8", "utf-8-sig"):
        log.warning("%s is read with encoding %s", path, encoding.upper())
    for line, each in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        wish = each.partition("#")[0].strip()
        if wish:
            name, colon, rest = wish.partition(": ")  # "angry:0.7" is a share of a word
            if colon and facs.read(name) and _NUMBER.fullmatch(rest.strip()):
                yield line, InputError(f"{wish!r} has a colon in place of =; write {name.strip()}={rest.strip()}")
                continue
            yield line, (name.strip(), rest.strip()) if colon else (None, wish)
