"""From a day's score to a call: is this day unusual? By the days before it alone.

Scores of different kinds have different scales, most of them skewed; therefore a day is ranked among the days before.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from common.core.errors import InputError

SIGMA = 1.4826
"""Times the median absolute deviation: the standard deviation of normal values."""
FRACTION = 0.1
"""Of days assumed to be unusual, the usual default of outlier detectors."""
PAST, LEAST = 365, 14
"""Scores that a day is ranked among: at most, and at least."""


def spread(values: np.ndarray) -> float:
    """A robust standard deviation of the finite values; nan of none."""
    finite = values[np.isfinite(values)]
    return float(SIGMA * np.median(np.abs(finite - np.median(finite)))) if len(finite) else np.nan


def ranks(scores: pd.Series, *, past: int = PAST, least: int = LEAST) -> pd.Series:
    """The fraction of the scores before each day's that are lower, 0 to 1; see `compared`."""
    return compared(scores, lambda seen, score: float((seen < score).mean()), past, least)


def threshold(scores: pd.Series, *, fraction: float = FRACTION, past: int = PAST, least: int = LEAST) -> pd.Series:
    """What a day's score must exceed to be called unusual: a `fraction`, in (0, 1), of the scores before it do; see
    `compared`.
    """
    if not 0 < fraction < 1:
        raise InputError("fraction is out of range.", code="range", expected="in (0, 1)", actual=fraction)
    return compared(scores, lambda seen, _: float(np.quantile(seen, 1 - fraction)), past, least)


def call(scores: pd.Series, *, fraction: float = FRACTION, past: int = PAST, least: int = LEAST) -> pd.Series:
    """True on unusual days, False on others and on those without a `threshold`."""
    return scores > threshold(scores, fraction=fraction, past=past, least=least)


def compared(
    scores: pd.Series, compare: Callable[[np.ndarray, float], float], past: int | None = None, least: int = LEAST
) -> pd.Series:
    """What `compare(scores before, score)` says of each day; scores come in the order of days, larger is more unusual.

    nan without a score, or with fewer than `least`, 2 or more, of at most `past` scores before; None takes all.
    """
    if least < 2 or (past is not None and past < least):
        raise InputError("The window is out of range.", code="range", expected="2 <= least <= past", actual=past)
    values = scores.to_numpy(float)
    found = np.full(len(values), np.nan)
    for row in np.flatnonzero(np.isfinite(values)):
        seen = values[:row][np.isfinite(values[:row])]
        if len(seen) >= least:
            found[row] = compare(seen if past is None else seen[-past:], values[row])
    return pd.Series(found, scores.index)
