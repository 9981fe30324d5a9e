"""Days on which people are elsewhere than usual: location shares (fractions of a day's points in the pools) compared
with those of the days before.

Volume is not an anomaly here: a busy day with the usual ways is a usual day. Weekdays, labels and later days are not
used.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from tqdm import tqdm

from common.core.errors import InputError

PAST, LEAST = 60, 21
"""Recorded days that a day is compared with: at most, and at least."""


def location_shares(pools: pd.DataFrame) -> pd.DataFrame:
    """Square roots of the fractions of each day's points in each pool, so that distances are Hellinger's times sqrt(2);
    nan on days without points.
    """
    return np.sqrt(pools.div(pools.sum(axis=1).replace(0, np.nan), axis=0))


def score_days(
    pools: pd.DataFrame,
    detector: str = "neighbours",
    *,
    past: int = PAST,
    least: int = LEAST,
    seed: int = 0,
    progress: bool = True,
) -> pd.Series:
    """How far each day of `maps.day_pools` is from the days before it, by a detector of `DETECTORS`; larger is farther,
    nan for the first days, with fewer than `least` of at most `past` before, 5 <= least <= past.

    Raises InputError: an unknown detector (code "unknown"), least or past out of range ("range"), or too few days
    ("count").
    """
    if detector not in DETECTORS:
        raise InputError("The detector is unknown.", code="unknown", expected=", ".join(DETECTORS), actual=detector)
    if not 5 <= least <= past:
        raise InputError("The window is out of range.", code="range", expected="5 <= least <= past", actual=least)
    if len(pools) <= least:
        raise InputError("Too few days to compare.", code="count", expected=f"more than {least}", actual=len(pools))
    values = location_shares(pools).to_numpy()
    found = np.full(len(values), np.nan)
    for row in tqdm(range(least, len(values)), desc="Location shares", unit="day", disable=not progress):
        before = values[max(0, row - past) : row]
        before = before[np.isfinite(before).all(1)]
        if len(before) >= least and np.isfinite(values[row]).all():
            found[row] = DETECTORS[detector](before, values[row : row + 1], seed)
    return pd.Series(found, pools.index)


def _median(before: np.ndarray, day: np.ndarray, _: int) -> float:
    return float(np.linalg.norm(day - np.median(before, 0)))


def _neighbours(before: np.ndarray, day: np.ndarray, _: int) -> float:
    near = NearestNeighbors(n_neighbors=max(3, len(before) // 4)).fit(before)
    return float(near.kneighbors(day)[0][0, -1])


def _local(before: np.ndarray, day: np.ndarray, _: int) -> float:
    found = LocalOutlierFactor(n_neighbors=max(3, len(before) // 4), novelty=True).fit(before)
    return float(-found.score_samples(day)[0])


def _forest(before: np.ndarray, day: np.ndarray, seed: int) -> float:
    return float(-IsolationForest(n_estimators=100, random_state=seed).fit(before).score_samples(day)[0])


_Detector = Callable[[np.ndarray, np.ndarray, int], float]
DETECTORS: dict[str, _Detector] = {"median": _median, "neighbours": _neighbours, "local": _local, "forest": _forest}
"""Hellinger distance from the median; from the nearest quarter; local outlier factor; isolation forest."""
