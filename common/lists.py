"""Lists of pictures, as CSV or JSONL: read, checked, and what is wrong told by line."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from .errors import InputError, MissingDependencyError
from .image_files import opened, reason
from .texts import check_regular, parse_json, read_text

REPORTED = 8
Row = TypeVar("Row")


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers, from 1, and rows of a .csv or .jsonl file.

    Raises:
        InputError: another kind of file, one that cannot be read, or a line that is no CSV or JSON.
    """
    if path.suffix not in (".csv", ".jsonl"):
        raise InputError(f"A list is a .csv or .jsonl file; got {path}.")
    try:
        lines = io.StringIO(read_text(path), newline="")
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read the list {path}: {error}") from error
    if path.suffix == ".csv":
        yield from _table(path, csv.DictReader(lines))
        return
    for line, text in enumerate(lines, 1):
        if text.strip():
            try:
                yield line, parse_json(text)
            except ValueError as error:
                raise InputError(f"{path}, line {line} is no JSON: {error}") from error


def _table(path: Path, reader: csv.DictReader[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        for row in reader:
            yield reader.line_num, {str(key): value for key, value in row.items()}
    except csv.Error as error:  # such as a field of more than 131072 letters
        raise InputError(f"{path}, line {reader.line_num} is no CSV: {error}") from error


def checked(path: Path, rows: Iterable[tuple[int, Any]], check: Callable[[Any], Row]) -> list[Row]:
    """What `check` makes of every row.

    Raises:
        InputError: `check` raised one, another ValueError or an OSError; the first such lines are named together.
    """
    found: list[Row] = []
    problems: list[str] = []
    for line, row in rows:
        try:
            found.append(check(row))
        except (ValueError, OSError) as error:  # an InputError is a ValueError
            problems.append(f"  line {line}: {error}".replace("\n", "\n  "))
        if len(problems) == REPORTED:
            break
    if problems:
        raise InputError("\n".join([f"{path} cannot be used:", *problems]))
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
