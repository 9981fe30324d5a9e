"""How far the action units of the edits follow the requests, unit by unit, and how sure the numbers are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...evaluation.metrics import response
from ...facs.action_units import ACTION_UNITS
from .gather import Edits

LEVELS = 12
"""Levels of a request that are distinguished; more are rounded to whole intensities."""
DRAWS = 1000
FEWEST = 5
"""Min photos for an interval; fewer say too little about others."""
_AT_ONCE = 50

Interval = tuple[float, float]


@dataclass(frozen=True)
class Level:
    """Edits that request the same of a unit: means of both, their count, and the 95 % interval of the second mean."""

    wanted: float
    mean: float
    count: int
    sure: Interval | None


@dataclass(frozen=True, eq=False)
class Dose:
    """Requested vs measured intensity of a unit; 95 % intervals are None with too few photos.

    Attributes:
        requested: number of edits that were made and request the unit.
        missing: how many of these were not measured.
        controls: measured edits that request no unit at all, the dose 0.
        wanted: (M,) of the measured edits and the controls.
        measured: (M,) likewise.
        slope: of the least-squares line; None where all request the same.
        pearson: correlation; None likewise.
        error: mean of |measured - wanted| where the unit is requested.
        off: mean of |measured| of the units that the same edits do not request.
    """

    unit: str
    meaning: str
    requested: int
    missing: int
    controls: int
    wanted: np.ndarray
    measured: np.ndarray
    slope: float | None
    slope_sure: Interval | None
    pearson: float | None
    pearson_sure: Interval | None
    error: float | None
    off: float | None
    levels: tuple[Level, ...]

    def numbers(self) -> dict[str, Any]:
        """All but the arrays, as plain values."""
        plain = {name: value for name, value in vars(self).items() if name not in ("wanted", "measured")}
        return {**plain, "levels": [vars(level) for level in self.levels]}


def doses(edits: Edits) -> list[Dose]:
    """Of the units that any edit requests."""
    places = np.flatnonzero(edits.requested[edits.done].any(0))
    return [_dose(edits, int(place), name) for place, name in enumerate(ACTION_UNITS) if place in places]


def crosstalk(edits: Edits) -> np.ndarray:
    """(12, 12) mean measured response of each unit (columns) per unit of request, where one alone (rows) is requested.

    NaN where nothing was measured.
    """
    found = np.full((len(ACTION_UNITS),) * 2, np.nan)
    alone = edits.done & (edits.requested.sum(1) == 1)
    for place in range(len(ACTION_UNITS)):
        own = alone & edits.requested[:, place]
        answers = edits.measured[own] / edits.wanted[own, place][:, None]
        found[place] = [_mean(column, np.nan) for column in answers.T]
    return found


def near(wanted: np.ndarray) -> np.ndarray:
    """What is requested, by whole intensities where there are more than `LEVELS`; NaN stays."""
    fine = np.round(wanted, 2)
    return fine if len(np.unique(fine[np.isfinite(fine)])) <= LEVELS else np.round(wanted)


def out_of_reach(edits: Edits) -> int:
    """How many requests of a unit lead out of the scale 0 to 5 from where the photo is."""
    target = edits.wanted if edits.absolute else edits.wanted + edits.before
    return int((edits.requested & ((target < 0) | (target > 5)))[edits.done].sum())


def interval(
    photos: Sequence[str], terms: np.ndarray, value: Callable[[np.ndarray], np.ndarray]
) -> list[Interval | None]:
    """Percentile bootstrap over photos, 95 %, always with the same draws: the edits of one photo resemble each other.

    `photos` (N,) says of which photo each edit is. Numbers follow from sums of `terms` (N, K), such as x, y and xy:
    `value` takes sums (D, K) to numbers (D, M), NaN where there is none.

    Returns:
        M intervals; None where there are too few photos.
    """
    names, group = np.unique(np.asarray(photos, object).astype(str), return_inverse=True)
    sums = np.stack([np.bincount(group, column, len(names)) for column in terms.T], 1)
    if len(names) < FEWEST:
        return [None] * value(sums.sum(0, keepdims=True)).shape[1]
    rng, found = np.random.default_rng(0), []
    for _ in range(0, DRAWS, _AT_ONCE):
        drawn = rng.integers(len(names), size=(_AT_ONCE, len(names)))
        flat = (drawn + len(names) * np.arange(_AT_ONCE)[:, None]).ravel()
        times = np.bincount(flat, minlength=_AT_ONCE * len(names)).reshape(_AT_ONCE, -1)
        found.append(value(times @ sums))
    return [_ends(column) for column in np.concatenate(found).T]


def _ends(column: np.ndarray) -> Interval | None:
    known = column[np.isfinite(column)]
    if len(known) < 0.95 * len(column):  # a value that few of the draws have
        return None
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)


def _dose(edits: Edits, place: int, unit: str) -> Dose:
    requesting = edits.done & edits.requested[:, place]
    known = np.isfinite(edits.measured[:, place])
    controls = edits.done & known & (edits.wanted == 0).all(1)
    used = (requesting & known) | controls
    wanted, measured = edits.wanted[used, place], edits.measured[used, place]
    photos = [photo for photo, each in zip(edits.photos, used) if each]
    found = response(wanted, measured)
    slope_sure, pearson_sure = _line_sure(photos, wanted, measured) if found["slope"] is not None else (None, None)
    left = edits.measured[requesting & known][~edits.requested[requesting & known]]
    return Dose(
        unit,
        ACTION_UNITS[unit],
        int(requesting.sum()),
        int((requesting & ~known).sum()),
        int(controls.sum()),
        wanted,
        measured,
        found["slope"],
        slope_sure,
        found["pearson"],
        None if found["pearson"] is None else pearson_sure,
        _mean(np.abs(measured - wanted)[wanted != 0]),
        _mean(np.abs(left)),
        _levels(photos, wanted, measured),
    )


def _line_sure(photos: list[str], x: np.ndarray, y: np.ndarray) -> tuple[Interval | None, ...]:
    x, y = x - x.mean(), y - y.mean()  # sums of small numbers keep their digits

    def line(sums: np.ndarray) -> np.ndarray:
        n, sx, sy, sxx, syy, sxy = sums.T
        both, across, up = sxy - sx * sy / n, sxx - sx**2 / n, syy - sy**2 / n
        across, up = (np.where(part > 1e-9, part, np.nan) for part in (across, up))
        return np.stack([both / across, both / np.sqrt(across * up)], 1)

    return tuple(interval(photos, np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], 1), line))


def _levels(photos: list[str], wanted: np.ndarray, measured: np.ndarray) -> tuple[Level, ...]:
    dose = near(wanted)
    member = (dose[:, None] == np.unique(dose)).astype(float)
    if not len(member):
        return ()

    def means(sums: np.ndarray) -> np.ndarray:
        count, total = np.split(sums, 2, 1)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    sure = interval(photos, np.concatenate([member, member * measured[:, None]], 1), means)
    return tuple(
        Level(float(wanted[own].mean()), float(measured[own].mean()), int(own.sum()), each)
        for own, each in zip(member.T > 0, sure)
    )


def _mean(values: np.ndarray, nothing: Any = None) -> Any:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else nothing
