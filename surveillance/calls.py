"""From a day's score to a word: is this day unusual? By thresholds that know the past alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from common.errors import InputError

SIGMA = 1.4826
"""Times the median absolute deviation: the standard deviation, of normal values."""


def spread(values: np.ndarray) -> float:
    """A robust standard deviation of values that are there; nan of none."""
    there = values[np.isfinite(values)]
    return float(SIGMA * np.median(np.abs(there - np.median(there)))) if len(there) else np.nan


def threshold(
    scores: pd.Series, *, deviations: float = 3.0, past: int = 12, least: int = 6, weekly: bool = False
) -> pd.Series:
    """The threshold of each day: the median of the scores before it, and so many robust deviations more.

    Args:
        scores: of days in their order; larger is more unusual.
        deviations: see above.
        past: scores that it looks back on.
        least: fewer of them give no threshold (nan).
        weekly: look back on the same weekday only.

    Raises:
        InputError: numbers that make no threshold.
    """
    if past < least or least < 2 or deviations < 0:
        raise InputError(f"Expected past >= least >= 2, deviations >= 0; got {past}, {least}, {deviations}.")
    days, values = pd.DatetimeIndex(scores.index), scores.to_numpy(float)
    found = np.full(len(values), np.nan)
    for row, day in enumerate(days):
        before = np.flatnonzero((days.day_of_week == day.weekday()) if weekly else np.ones(len(days), bool))
        seen = values[before[before < row]]
        seen = seen[np.isfinite(seen)][-past:]
        if len(seen) >= least:
            found[row] = np.median(seen) + deviations * spread(seen)
    return pd.Series(found, index=scores.index)


def call(scores: pd.Series, **options: float) -> pd.Series:
    """True on unusual days, False on others and on those without a threshold; options as of `threshold`."""
    return scores > threshold(scores, **options)  # type: ignore[arg-type]
