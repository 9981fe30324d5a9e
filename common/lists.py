"""Lists of pictures, as CSV or JSONL: read, checked, and what is wrong told by line."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from .errors import InputError, MissingDependencyError
from .image_files import opened, reason
from .table_files import is_table, read_table
from .texts import check_regular, parse_json, read_text

REPORTED = 8
Row = TypeVar("Row")


def read_rows(path: Path, columns: Sequence[str] = ()) -> list[tuple[int, Any]]:
    """Line numbers, from 1, and rows of a table (`common.table_files`) or a .jsonl file.

    Args:
        path: of the list.
        columns: names that the caller knows; other spellings of them (`Photo`) are brought to theirs.

    Returns:
        Of a table, each row's cells by its columns. A row that cannot be used is the InputError that says why; see
        `checked`.

    Raises:
        InputError: another kind of file, one that cannot be read, or a line that is no JSON.
    """
    if is_table(path):
        return list(read_table(path, columns).rows)
    if path.suffix.lower() not in (".jsonl", ".ndjson"):
        sheet = "; save the sheet as CSV" if path.suffix.lower() in (".xlsx", ".xls", ".ods") else ""
        raise InputError(f"A list is a .csv, .tsv or .jsonl file; got {path}{sheet}.")
    try:
        lines = io.StringIO(read_text(path), newline="")
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read the list {path}: {error}") from error
    rows = []
    for line, text in enumerate(lines, 1):
        if text.strip():
            try:
                rows.append((line, named(parse_json(text), columns)))
            except ValueError as error:
                raise InputError(f"{path}, line {line} is no JSON: {error}") from error
    return rows


def named(row: Any, columns: Sequence[str]) -> Any:
    """A row whose keys have the known columns' spelling, where they differ in case or in spaces around them.

    A row that has a column in two spellings comes as an InputError, as rows of `read_rows` do.
    """
    if not isinstance(row, dict):
        return row
    known = {name.casefold(): name for name in columns}
    pairs = [(known.get(str(key).strip().casefold(), key), value) for key, value in row.items()]
    if len(found := dict(pairs)) < len(pairs):
        return InputError(f"the row has a column twice: {', '.join(map(str, row))}")
    return found


def usable(row: Any) -> Any:
    """A row of `read_rows` as it came; raises the InputError that stands in the place of a row."""
    if isinstance(row, InputError):
        raise row
    return row


def checked(path: Path, rows: Iterable[tuple[int, Any]], check: Callable[[Any], Row]) -> list[Row]:
    """What `check` makes of every row.

    Raises:
        InputError: `check` raised one, another ValueError or an OSError; the first such lines are named together. What
            is wrong with every line is said once.
    """
    found: list[Row] = []
    problems: list[tuple[int, str]] = []
    for line, row in rows:
        try:
            found.append(check(usable(row)))
        except (ValueError, OSError) as error:  # an InputError is a ValueError
            problems.append((line, str(error).replace("\n", "\n  ")))
        if len(problems) == REPORTED:
            break
    if len(problems) > 1 and not found and len({why for _, why in problems}) == 1:
        raise InputError(f"{path} cannot be used:\n  every line from {problems[0][0]} on: {problems[0][1]}")
    if problems:
        raise InputError("\n".join([f"{path} cannot be used:", *(f"  line {line}: {why}" for line, why in problems)]))
    return found


def identified(listed: Any, found: Path | Image.Image) -> tuple[Any, ...]:
    """What tells a picture from another one, of the same name even; no folder, which may be named in several ways."""
    if isinstance(found, Image.Image):
        return found.size, hashlib.sha256(found.tobytes()).hexdigest()
    status = found.stat()
    return str(listed), status.st_size, status.st_mtime_ns


def picture_size(picture: Path | Image.Image) -> tuple[int, int]:
    """Width and height, of a file from its head alone.

    Raises:
        InputError: no picture.
        MissingDependencyError: HEIC, and pillow-heif is not installed.
    """
    if isinstance(picture, Image.Image):
        return picture.size
    try:
        check_regular(picture)
        with open(picture, "rb") as file, opened(file) as image:
            return image.size
    except MissingDependencyError:
        raise
    except Exception as error:  # decoders raise whatever they meet in a damaged file
        raise InputError(f"{picture} is no picture: {reason(error)}") from error
