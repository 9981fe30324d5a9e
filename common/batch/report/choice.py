"""What failed and why, and which edits are shown: few of many, the same ones each time, and the worst among them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TypeVar

import numpy as np

from ..run import FAILED
from .gather import Edits, Row, engine_of, natural

EDIT, MEASUREMENT = "edit", "measurement"
_PATH = re.compile(r"(?:[\w.~-]*[/\\])+[^\s:;,]+")
_NUMBER = re.compile(r"(?<![\w.])(?:0x[0-9a-f]+|-?\d+(?:\.\d+)?)\b")


@dataclass(frozen=True)
class Failure:
    """An edit that failed, or that could not be measured.

    Attributes:
        place: of the edit among the rows.
        what: `EDIT` or `MEASUREMENT`.
        why: the first line of the error, with the photo's name in place of its path.
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
    """A sentence with N for numbers and FILE for names of files, so that those of several pictures are equal."""
    return _NUMBER.sub("N", _PATH.sub("FILE", text))


def _line(error: Any, row: Row) -> str:
    line = next(iter(str(error or "").strip().splitlines()), "no reason was given")
    photo = str(row.get("photo") or "")
    return (line.replace(photo, PurePath(photo).name) if photo else line)[:500]


def _reason(why: str, row: Row) -> str:
    name = PurePath(str(row.get("photo") or "")).name
    return general(why.replace(name, "PHOTO") if name else why)


PHOTOS, COLUMNS, EXTREMES, REQUESTS, FAILURES = 8, 8, 8, 24, 12
"""At most: rows and columns of the sheet; best, middle and worst edits; requests; photos of failures."""

T = TypeVar("T")


@dataclass(frozen=True)
class Choice:
    """Edits to show, by their places among the rows.

    Attributes:
        columns: names of requests.
        sheet: photo -> its edits, one for each column; None where it has none.
        extremes: engine -> "best", "middle", "worst" of its edits by intensity error -> edits.
        requests: for each of some requests, the edit with the middle intensity error.
    """

    columns: list[str]
    sheet: dict[str, list[int | None]]
    extremes: dict[str, dict[str, list[int]]]
    requests: list[int]
    failures: list[int]

    @property
    def edits(self) -> set[int]:
        """All that are shown and were made."""
        shown = [place for row in self.sheet.values() for place in row if place is not None]
        extreme = [place for ranks in self.extremes.values() for own in ranks.values() for place in own]
        return {*shown, *self.requests, *extreme}


def choose(edits: Edits, failed: Sequence[Failure]) -> Choice:
    """Evenly over photos and requests, by rank in intensity error, and a failure of every reason."""
    done = np.flatnonzero(edits.done)
    columns = _evenly(_strongest(edits, done), COLUMNS)
    photos = _evenly(sorted({edits.photos[place] for place in done}, key=natural), PHOTOS)
    at = {(edits.photos[place], edits.requests[place]): int(place) for place in done}
    sheet = {photo: [at.get((photo, request)) for request in columns] for photo in photos}
    ranked = {engine: _extremes(edits.of(engine)) for engine in edits.engines}
    extremes = {engine: ranks for engine, ranks in ranked.items() if ranks}
    return Choice(columns, sheet, extremes, _requests(edits, done), _failures(failed))


def _evenly(items: Sequence[T], most: int) -> list[T]:
    if len(items) <= most:
        return list(items)
    return [items[round(place)] for place in np.linspace(0, len(items) - 1, most)]


def _strongest(edits: Edits, done: np.ndarray) -> list[str]:
    """By name, of each unit the request that asks most of it, and those that ask for none."""
    most: dict[int, tuple[float, str]] = {}
    none: set[str] = set()
    for place in done.tolist():
        much = np.abs(np.nan_to_num(edits.wanted[place]))
        unit, name = int(much.argmax()), edits.requests[place]
        if not much.any():
            none.add(name)
        elif unit not in most or much[unit] > most[unit][0]:
            most[unit] = float(much[unit]), name
    return sorted({*none, *(name for _, name in most.values())}, key=natural)


def _extremes(edits: Edits) -> dict[str, list[int]]:
    known = np.flatnonzero(np.isfinite(edits.errors) & edits.done)
    if not len(known):
        return {}
    order = known[np.argsort(edits.errors[known], kind="stable")].tolist()
    few = min(EXTREMES, max(len(order) // 3, 1))
    middle = (len(order) - few) // 2
    return {"best": order[:few], "middle": order[middle : middle + few], "worst": order[::-1][:few]}


def _requests(edits: Edits, done: np.ndarray) -> list[int]:
    """Of each request and engine; without scores, of each request the photo that is its turn, so that many are seen."""
    own: dict[tuple[str, str], list[int]] = {}
    for place in done.tolist():
        own.setdefault((edits.requests[place], engine_of(edits.rows[place])), []).append(place)
    found = []
    for turn, request in enumerate(_evenly(sorted(own, key=lambda key: (natural(key[0]), key[1])), REQUESTS)):
        known = sorted(
            (place for place in own[request] if np.isfinite(edits.errors[place])), key=edits.errors.__getitem__
        )
        found.append(known[len(known) // 2] if known else own[request][turn % len(own[request])])
    return found


def _failures(found: Sequence[Failure]) -> list[int]:
    """One of each reason, then one more of each; a photo once."""
    turns: dict[str, int] = {}
    order, seen = [], set()
    for failure in found:
        if failure.what == EDIT and failure.photo not in seen:
            seen.add(failure.photo)
            turns[failure.reason] = turns.get(failure.reason, 0) + 1
            order.append((turns[failure.reason], failure.place))
    return [place for _, place in sorted(order)[:FAILURES]]
