"""Values with names, in whatever holds them: mappings, rows of data frames, named tuples, records of numpy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...core.errors import InputError

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def read_number(value: Any) -> float:
    """A value as a float; a text may have a decimal comma, "3,5".

    Raises:
        TypeError, ValueError, OverflowError: it is no number.
    """
    if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value.strip()):
        value = value.replace(",", ".")
    if isinstance(value, str) and "_" in value:
        raise ValueError(f"{value!r} is not a number")  # Python alone reads 1_0 as 10
    return float(value)


def items_of(value: Any) -> list[tuple[Any, Any]] | None:
    """Names and values of a single object that names its values; None for one that does not.

    Args:
        value: a mapping; a pandas Series; a named tuple; a record of a structured numpy array; or an object with
            `keys()` and item access, such as a row of sqlite3. The labels 0, 1, 2, ... that pandas gives by itself are
            no names.

    Raises:
        InputError: a Series whose labels are numbers in another order, so that neither names nor places are known.
    """
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, tuple):
        return list(value._asdict().items()) if hasattr(value, "_asdict") else None  # type: ignore[attr-defined]
    if (names := getattr(getattr(value, "dtype", None), "names", None)) and getattr(value, "ndim", 0) == 0:
        return list(zip(names, value.item()))
    if not hasattr(value, "keys") or getattr(value, "ndim", 1) != 1:
        return None
    if not hasattr(value, "items"):
        return [(name, value[name]) for name in value.keys()]  # noqa: SIM118 - a row of sqlite3 iterates over values
    found = list(value.items())
    return _named([name for name, _ in found], found)


def rows_of(value: Any) -> list[Any] | None:
    """The rows of a table, each with its names: a data frame of pandas or polars, a structured numpy array (N,).

    None for what is no table. Columns called 0, 1, 2, ... have no names; each row is then a list of values.

    Raises:
        InputError: a name stands over two columns.
    """
    if (names := getattr(getattr(value, "dtype", None), "names", None)) and getattr(value, "ndim", 0) == 1:
        return [dict(zip(names, row)) for row in value.tolist()]
    if not hasattr(value, "columns"):
        return None
    if hasattr(value, "iter_rows"):  # polars
        rows = value.iter_rows()
    elif hasattr(value, "itertuples"):  # pandas
        rows = value.itertuples(index=False, name=None)
    else:
        return None
    names = list(value.columns)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"The table has two columns {twice!r}; keep one.")
    return [row if _named(names, pairs) is None else dict(pairs) for row in rows for pairs in [list(zip(names, row))]]


def check_labels(*values: Any) -> None:
    """Raises an InputError where two Series or data frames that are compared by place have different labels."""
    for labels in ("index", "columns"):
        known = [list(getattr(value, labels)) for value in values if hasattr(value, "iloc") and hasattr(value, labels)]
        if any(each != known[0] for each in known[1:]):
            raise InputError(f"The {labels} of truth and predictions differ; bring them to one order: .reindex_like()")


def _named(names: list[Any], items: list[tuple[Any, Any]]) -> list[tuple[Any, Any]] | None:
    """The items, if their labels are names; None for the labels 0, 1, 2, ..."""
    if any(isinstance(name, str) for name in names) or not names:
        return items
    if names == list(range(len(names))):
        return None
    raise InputError(
        f"The values are labelled {', '.join(map(str, names[:4]))}, ...: these are neither names nor 0, 1, 2, ...\n"
        '  give names such as "AU12", or the values alone: .to_numpy()'
    )
