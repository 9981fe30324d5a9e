"""Spreadsheets as rows of texts and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.records import checked, read_table

from ..extras import library

Row = dict[str, Any]


def read_sheet(path: Path, header: int = 0) -> list[Row]:
    """The rows below a spreadsheet's header, by the header's words; empty cells are None. Empty rows are left out.

    Args:
        path: .xlsx, .xls or a text table (`common.records`).
        header: rows above it, in a spreadsheet.

    Raises:
        InputError: no such file, or not what its name says.
        MissingDependencyError: pandas, openpyxl (.xlsx) or xlrd (.xls) is not installed.
    """
    if path.suffix.lower() not in (".xlsx", ".xls"):
        return _read_text(path)
    pandas = library("pandas", "spreadsheets")
    engine = {".xlsx": "openpyxl", ".xls": "xlrd"}[path.suffix.lower()]
    library(engine, f"{path.suffix} files")
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    try:
        table = pandas.read_excel(path, header=header, engine=engine, dtype=object)
    except Exception as error:  # damaged spreadsheets fail in many ways
        raise InputError(f"Cannot read {path}: {str(error)[:200]}") from error
    table.columns = [str(name).strip() for name in table.columns]
    table = table.dropna(how="all")
    return [{k: None if pandas.isna(v) else v for k, v in row.items()} for row in table.to_dict("records")]


def _read_text(path: Path) -> list[Row]:
    """The rows of a text table; a row that cannot be used is an error, with its line."""
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    rows = checked(path, read_table(path).rows, dict)
    return [{name: cell or None for name, cell in row.items()} for row in rows]


def column(rows: Sequence[Row], names: Sequence[str], where: Path, *, needed: bool = True) -> str:
    """Which of these names the table has; case and spaces do not count. "" for none of them, where none is needed.

    Raises:
        InputError: none of them.
    """
    plain = {"".join(name.lower().split()): name for name in (rows[0] if rows else ())}
    for name in names:
        if (found := plain.get("".join(name.lower().split()))) is not None:
            return found
    if not needed:
        return ""
    raise InputError(f"{where} lacks a column {' or '.join(map(repr, names))}; it has {', '.join(plain.values())}.")
