"""Which days were unusual, as people say."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from common.errors import InputError
from common.records import decode

from .reading import DATE


def read_truth(path: str | Path) -> pd.Series:
    """Day -> True where it is said to be unusual.

    Args:
        path: lines of a name with a date in it, and 0 or 1: "001_20120131 1", or "2012-01-31,1".

    Raises:
        InputError: lines that are something else, with their numbers, or a day that is said twice and differently.
    """
    found: dict[pd.Timestamp, bool] = {}
    faults = []
    try:
        lines = decode(Path(path).read_bytes())[0].removeprefix("\ufeff").splitlines()
    except ValueError as error:
        raise InputError(f"{path} cannot be used: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip(",; \t"):
            continue
        fields = re.split(r"[,;\s]+", line.replace('"', "").strip(",; \t"))
        match, flag = DATE.search(line), fields[-1]
        if number == 1 and match is None and not any(letter.isdigit() for letter in line):
            continue  # a header
        if match is None or flag not in ("0", "1"):
            faults.append(f"line {number}: {line.strip()[:40]!r} is no date with 0 or 1")
            continue
        try:
            day = pd.Timestamp("-".join(match.groups()))
        except ValueError:
            faults.append(f"line {number}: {match[0]} is no day")
            continue
        if found.setdefault(day, flag == "1") != (flag == "1"):
            faults.append(f"line {number}: {day:%Y-%m-%d} is 0 and 1")
    if faults or not found:
        raise InputError("\n  ".join([f"{path} cannot be used:", *(faults[:10] or ["no lines"])]))
    return pd.Series(found).sort_index()
