"""Records in files that others wrote: CSV, TSV and JSONL, as spreadsheets and scripts write them.

Encoding, separator and decimal comma of a table are recognised, and reported; problems are reported by line.
"""

from __future__ import annotations

import codecs
import csv
import io
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from .errors import InputError
from .jsonio import check_regular, parse_json, read_text

log = logging.getLogger(__name__)

SUFFIXES = (".csv", ".tsv", ".tab")
_SHEETS = (".xlsx", ".xls", ".ods", ".numbers")
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte-order marks; that of UTF-16 begins that of UTF-32, which is tried first."""
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f]")
_REQUEST = re.compile(r"\s*AU_?\d+\w*\s*=", re.IGNORECASE)
_DECIMAL = re.compile(r"(?:^|[=:] ?)[+-]?\d+,\d+ ?(?=$|[,;\s])")
_IN_TEXT = re.compile(r"([=:] ?[+-]?\d+),(\d+)(?= ?(?:$|[,;\s]))")
_HINT = re.compile(r"sep=([,;|\t])\s*", re.IGNORECASE)
_HEAD = 1 << 16
"""Bytes that tell what a file is."""
Cells = dict[str, str]


@dataclass(frozen=True)
class Dialect:
    """How a table is written; `hinted` where its first line is Excel's `sep=;` and not a header."""

    encoding: str = "utf-8"
    separator: str = ","
    decimal: str = "."
    hinted: bool = False

    def notes(self) -> list[str]:
        """What is not as in plain CSV."""
        found: list[str] = []
        if self.separator != ",":
            found.append(f"fields separated by {_SEPARATORS.get(self.separator, repr(self.separator))}")
        if self.encoding not in ("utf-8", "utf-8-sig"):
            found.append(f"encoding {self.encoding.upper()}")
        if self.decimal == ",":
            found.append("decimal commas")
        return found


@dataclass(frozen=True)
class Table:
    """A table that was read.

    Attributes:
        columns: the header's names, without spaces around them; none of an empty file.
        rows: line number, from 1, and cells by their column, "" for empty ones; or the reason why a row cannot be used.
            Empty rows are left out.
        dialect: how it was written.
    """

    columns: tuple[str, ...]
    rows: list[tuple[int, Cells | InputError]]
    dialect: Dialect


def is_table(path: Path) -> bool:
    """Whether a file is a table by its suffix, or a .txt that Excel wrote: the first line has tabs and no request."""
    suffix = path.suffix.lower()
    if suffix != ".txt":
        return suffix in SUFFIXES
    if not path.is_file():  # nothing waits for a pipe
        return False
    try:
        with open(path, "rb") as file:
            first = decode(_whole_lines(file.read(_HEAD)))[0].partition("\n")[0]
    except (OSError, ValueError):
        return False
    return "\t" in first.strip() and "=" not in first


def decode(content: bytes) -> tuple[str, str]:
    """The text of a file, and its encoding: that of its byte-order mark, else UTF-8, else Windows-1252.

    Raises a ValueError for none of them, or control characters.
    """
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    for name in [encoding] if encoding else ["utf-8", *_utf16(content), "cp1252"]:
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        if not _CONTROLS.search(text):
            return text, name
    raise ValueError("it is not text in UTF-8, UTF-16 or Windows-1252")


def sniff(content: bytes) -> Dialect:
    """How a table is written, by the first 64 KiB of its file; raises a ValueError where it is not text."""
    text, encoding = decode(_whole_lines(content[:_HEAD]))
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and (hint := _HINT.fullmatch(lines[0].strip("\ufeff"))):
        return Dialect(encoding, hint[1], _decimal(hint[1], lines[1:]), hinted=True)
    first = lines[0] if lines else ""
    try:
        counts = {separator: len(next(csv.reader([first], delimiter=separator), ())) for separator in _SEPARATORS}
    except csv.Error as error:  # a field of more than 131072 letters
        raise ValueError(str(error)) from error
    separator = max(counts, key=lambda each: counts[each])  # the first of equal ones: the comma
    return Dialect(encoding, separator, _decimal(separator, lines))


def read_head(path: Path) -> tuple[Dialect, list[list[str]]]:
    """As `read_table`, of a large table: how it is written, and the fields of its header and of the row below."""
    try:
        check_regular(path)
        with open(path, "rb") as file:
            head = _whole_lines(file.read(_HEAD))
        dialect = sniff(head)
        rows = [fields for _, fields in zip(range(2), (fields for _, fields in _records(decode(head)[0], dialect)))]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"Cannot read the table {path}: {error}", code="unreadable") from error
    _log_notes(path, dialect.notes())
    return dialect, rows


def _log_notes(path: Path, notes: Sequence[str]) -> None:
    if notes:
        log.warning("%s is read with %s", path, "; ".join(notes))


def read_table(path: Path, columns: Sequence[str] = ()) -> Table:
    """A table with a header, whatever its suffix. What is not plain CSV (commas, UTF-8) is logged in one line.

    Raises:
        InputError: it cannot be read, is not text, or names a column twice.
    """
    try:
        check_regular(path)
        content = path.read_bytes()
        dialect = sniff(content)
        text = content.decode(dialect.encoding)
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read the table {path}: {error}", code="unreadable", hint=_sheet_hint(path)) from error
    lines = _records(text, dialect)
    rows: list[tuple[int, Cells | InputError]] = []
    unnamed = False
    try:
        names, notes = _header(path, next(lines, (0, list[str]()))[1], columns)
        for line, fields in lines:
            rows.append((line, _cells(fields, names, dialect)))
            unnamed |= any(field.strip() for field, name in zip(fields, names) if not name)
    except csv.Error as error:  # such as a field of more than 131072 letters
        raise InputError(f"{path} is not a table: {error}", code="format") from error
    if unnamed:
        notes.append("columns without a name left out")
    _log_notes(path, [*dialect.notes(), *notes])
    return Table(tuple(name for name in names if name), rows, dialect)


def _records(text: str, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and fields of what is not empty."""
    spaced = re.search(rf'{re.escape(dialect.separator)} +"', text[:_HEAD]) is not None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.separator, skipinitialspace=spaced)
    hinted = dialect.hinted
    for fields in reader:
        if not any(field.strip() for field in fields):
            continue
        if hinted:
            hinted = False
            continue
        yield reader.line_num, fields


def _header(path: Path, header: Sequence[str], columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names of the columns, and what was assumed of them."""
    known = {name.casefold(): name for name in columns}
    written = [" ".join(name.split()) for name in header]
    names = [known.get(name.casefold(), name) for name in written]
    if twice := [name for place, name in enumerate(names) if name and name in names[:place]]:
        raise InputError(f"{path} has two columns {twice[0]!r}; keep one.", code="duplicate")
    renamed = [f"{old} as the column {new}" for old, new in zip(written, names) if old != new]
    return names, renamed


def _cells(fields: list[str], names: Sequence[str], dialect: Dialect) -> Cells | InputError:
    """A row by its columns, those without a name left out."""
    while len(fields) > len(names) and not fields[-1].strip():
        fields = fields[:-1]
    if len(fields) > len(names):
        shown = ", ".join(name or "''" for name in names)
        return InputError(
            f"the row has {len(fields)} fields, and the header {len(names)} ({shown}); quote a field that holds "
            f"{_SEPARATORS.get(dialect.separator, 'separators')}: {_quoted(fields, len(names), dialect.separator)}",
            code="count",
        )
    if spilled := _spilled(fields, names):
        return InputError(
            f"{spilled!r} stands outside of the column `request`; quote a request that holds commas: "
            f'"{fields[names.index("request")].strip()},{spilled}"',
            code="format",
        )
    cells = [field if field.strip() else "" for field in fields] + [""] * (len(names) - len(fields))
    if dialect.decimal == ",":
        cells = [_IN_TEXT.sub(r"\1.\2", cell) for cell in cells]
    return {name: cell for name, cell in zip(names, cells) if name}


def _spilled(fields: Sequence[str], names: Sequence[str]) -> str | None:
    """A field of another column that reads as a part of the row's request: one whose comma was not quoted.

    A name may repeat its request.
    """
    request = fields[names.index("request")].strip() if "request" in names[: len(fields)] else ""
    if not request or request.startswith("{"):
        return None
    others = [field.strip() for field, name in zip(fields, names) if name != "request"]
    return next((field for field in others if _REQUEST.match(field) and field not in request), None)


def _quoted(fields: Sequence[str], count: int, separator: str) -> str:
    """The row as it may have been meant: of neighbouring fields that make it too long, one with the most requests."""
    width = len(fields) - count + 1
    place = max(range(count), key=lambda each: (sum("=" in field for field in fields[each : each + width]), each))
    joined = [*fields[:place], separator.join(fields[place : place + width]), *fields[place + width :]]
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="").writerow(joined)
    return text.getvalue()


def _decimal(separator: str, lines: Sequence[str]) -> str:
    """Whether numbers have a decimal comma; where fields are separated by commas they cannot."""
    if separator == ",":
        return "."
    fields = (field for line in lines for field in line.split(separator))
    return "," if any(_DECIMAL.search(field.strip().strip('"')) for field in fields) else "."


def _utf16(content: bytes) -> list[str]:
    """UTF-16 without its mark: every second byte of Latin text is 0."""
    head = content[:_HEAD]
    if len(head) < 4 or head.count(0) < len(head) // 4:
        return []
    return ["utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"]


def _whole_lines(head: bytes) -> bytes:
    """Without a line that was cut off, of any encoding."""
    if len(head) < _HEAD:
        return head
    end = max(head.rfind(b"\n"), head.rfind(b"\r"))
    if end < 0:
        return head
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF32_LE))
    return head[: end + (4 if head.startswith(codecs.BOM_UTF32_LE) else 2 if wide else 1)]


def _sheet_hint(path: Path) -> str | None:
    return "save the sheet as CSV" if path.suffix.lower() in _SHEETS else None


REPORTED = 8
Row = TypeVar("Row")


def read_rows(path: Path, columns: Sequence[str] = ()) -> list[tuple[int, Any]]:
    """Line numbers, from 1, and rows of a table (see `is_table`) or a .jsonl file.

    Other spellings of the known `columns` (`Photo`) become these. Of a table come each row's cells by their columns; a
    row that cannot be used is the InputError that says why; see `checked`.

    Raises:
        InputError: another kind of file, one that cannot be read, or a line that is not valid JSON.
    """
    if is_table(path):
        return list(read_table(path, columns).rows)
    if path.suffix.lower() not in (".jsonl", ".ndjson"):
        expected = ".csv, .tsv or .jsonl"
        raise InputError(f"{path} has another format.", code="format", expected=expected, hint=_sheet_hint(path))
    try:
        lines = io.StringIO(read_text(path), newline="")
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read the list {path}: {error}", code="unreadable") from error
    rows: list[tuple[int, Any]] = []
    for line, text in enumerate(lines, 1):
        if text.strip():
            try:
                rows.append((line, named(parse_json(text), columns)))
            except ValueError as error:
                raise InputError(f"{path}, line {line} is not valid JSON: {error}", code="format") from error
    return rows


def named(row: Any, columns: Sequence[str]) -> Any:
    """A row whose keys have the known columns' spelling; an InputError, not raised, where it has a column twice."""
    if not isinstance(row, dict):
        return row
    known = {name.casefold(): name for name in columns}
    cells = cast("dict[object, Any]", row)
    pairs = [(known.get(str(key).strip().casefold(), key), value) for key, value in cells.items()]
    if len(found := dict(pairs)) < len(pairs):
        return InputError(f"the row has a column twice: {', '.join(map(str, cells))}", code="duplicate")
    return found


def usable(row: Any) -> Any:
    """A row of `read_rows` as it came; raises the InputError that stands in its place."""
    if isinstance(row, InputError):
        raise row
    return row


def checked(path: Path, rows: Iterable[tuple[int, Any]], check: Callable[[Any], Row]) -> list[Row]:
    """What `check` makes of every row.

    Raises InputError (code "lines") with the first lines for which `check` raised a ValueError or an OSError.
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
        line, why = problems[0]
        raise InputError(f"{path} cannot be used:\n  every line from {line} on: {why}", code="lines")
    if problems:
        lines = "\n".join(f"  line {line}: {why}" for line, why in problems)
        raise InputError(f"{path} cannot be used:\n{lines}", code="lines")
    return found
