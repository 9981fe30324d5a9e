"""What failed and why; the same reason about another photo is the same reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ..run import FAILED
from .gather import Edits, Row

EDIT, MEASUREMENT = "edit", "measurement"
_PATH = re.compile(r"(?:[\w.~-]*[/\\])+[^\s:;,]+")
_NUMBER = re.compile(r"(?<![\w.])(?:0x[0-9a-f]+|-?\d+(?:\.\d+)?)\b")


@dataclass(frozen=True)
class Failure:
    """One.

    Attributes:
        place: of the edit among the rows.
        what: `EDIT` or `MEASUREMENT`.
        why: the first line of the error; of the photo's path the name, for pages travel.
        reason: the same without the photo's name and without numbers.
    """

    place: int
    what: str
    photo: str
    request: str
    why: str
    reason: str


def failures(edits: Edits) -> list[Failure]:
    """Edits that were not made, then those that were made and could not be measured."""
    found = []
    for place, (row, score) in enumerate(zip(edits.rows, edits.scores)):
        what = EDIT if row["state"] == FAILED else MEASUREMENT if score.get("error") else None
        if what:
            why = _line(row.get("error") if what == EDIT else score["error"], row)
            found.append(Failure(place, what, edits.photos[place], edits.requests[place], why, _reason(why, row)))
    return sorted(found, key=lambda failure: failure.what != EDIT)


def reasons(found: Sequence[Failure]) -> list[tuple[str, str, int]]:
    """What failed, why, and how often; the commonest first."""
    counts = Counter((failure.what, failure.reason) for failure in found)
    return [(what, why, count) for (what, why), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def general(text: str) -> str:
    """A sentence without what is of one picture alone: numbers and names of files."""
    return _NUMBER.sub("N", _PATH.sub("FILE", text))


def _line(error: Any, row: Row) -> str:
    line = next(iter(str(error or "").strip().splitlines()), "no reason was given")
    photo = str(row.get("photo") or "")
    return (line.replace(photo, PurePath(photo).name) if photo else line)[:500]


def _reason(why: str, row: Row) -> str:
    name = PurePath(str(row.get("photo") or "")).name
    return general(why.replace(name, "PHOTO") if name else why)
