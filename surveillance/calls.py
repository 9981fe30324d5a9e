"""From a day's score to a word: is this day unusual? By what the past alone lets expect.

Scores of different kinds have different scales, most of them skewed; therefore a day is placed among the days before.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from common.core.errors import InputError

SIGMA = 1.4826
"""Times the median absolute deviation: the standard deviation, of normal values."""
SHARE = 0.1
"""Of all days that are taken to be unusual, where nobody knows: what detectors of outliers usually assume."""
PAST, LEAST = 365, 14
"""Scores that a day is placed among: at most, and at least."""


def spread(values: np.ndarray) -> float:
    """A robust standard deviation of values that are there; nan of none."""
    there = values[np.isfinite(values)]
    return float(SIGMA * np.median(np.abs(there - np.median(there)))) if len(there) else np.nan


def ranks(scores: pd.Series, *, past: int = PAST, least: int = LEAST) -> pd.Series:
    """Which share of the scores before each day's is lower: 0 to 1; nan without a score, or with fewer than `least` of
    at most `past` before. Scores come in the order of days; larger is more unusual.
    """
    values = scores.to_numpy(float)
    return _each(scores, past, least, lambda seen, row: float((seen < values[row]).mean()))


def threshold(scores: pd.Series, *, share: float = SHARE, past: int = PAST, least: int = LEAST) -> pd.Series:
    """What a day's score must exceed to be called unusual: so that this `share` of the scores before it do; other
    arguments as `ranks`.
    """
    if not 0 < share < 1:
        raise InputError(f"share must lie in (0, 1); got {share}.")
    return _each(scores, past, least, lambda seen, _: float(np.quantile(seen, 1 - share)))


def call(scores: pd.Series, *, share: float = SHARE, past: int = PAST, least: int = LEAST) -> pd.Series:
    """True on unusual days, False on others and on those without a `threshold`."""
    return scores > threshold(scores, share=share, past=past, least=least)


def _each(scores: pd.Series, past: int, least: int, find: Callable[[np.ndarray, int], float]) -> pd.Series:
    if not 2 <= least <= past:
        raise InputError(f"Expected 2 <= least <= past; got {least}, {past}.")
    values = scores.to_numpy(float)
    found = np.full(len(values), np.nan)
    for row in np.flatnonzero(np.isfinite(values)):
        seen = values[:row][np.isfinite(values[:row])][-past:]
        if len(seen) >= least:
            found[row] = find(seen, int(row))
    return pd.Series(found, scores.index)
