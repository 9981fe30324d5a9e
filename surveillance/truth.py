"""Which days were unusual, as people say."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from common.errors import InputError
from common.texts import read_text

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
    for number, line in enumerate(read_text(Path(path)).splitlines(), 1):
        if not line.strip():
            continue
        match, flag = DATE.search(line), line.replace(",", " ").split()[-1]
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
