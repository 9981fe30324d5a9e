"""Clusters of similar days, and the weekday that differs from the others.

Days are clustered by the points in their pools. A weekday on which the place is used in another way, such as a market
day, is found without labels: weekdays are compared by the pseudo-F of Anderson's permutational analysis of variance
(2001, Austral Ecology 26) on location shares, the distance of one weekday's mean from that of all others relative to
the spread of days. Its distribution by chance comes from shuffling the days of each week. Weekdays with fewer points
than the median day are left out: a quiet Sunday differs too, but is not an event.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster import hierarchy

from common.core.errors import InputError

from .calls import PAST

DRAWS, CHANCE = 199, 0.02
"""Shuffles, and the largest fraction of them that may do as well."""
WEEK = 7
LEAST = 4 * WEEK
"""Least number of recorded days before."""
CUT = 3000.0
"""Height at which the tree of days is cut, for raw sums of a year."""


@dataclass(frozen=True, eq=False)
class DayTree:
    """Days merged step by step; `tree` is (D - 1, 4), as scipy's `linkage` returns it."""

    days: pd.DatetimeIndex
    tree: np.ndarray

    def cut(self, height: float = CUT) -> pd.Series:
        """The cluster of each day, from 1, without the merges above a height."""
        return pd.Series(hierarchy.fcluster(self.tree, height, "distance"), index=self.days)

    def into(self, count: int) -> pd.Series:
        """The cluster of each day, from 1, for this number of clusters."""
        return pd.Series(hierarchy.fcluster(self.tree, count, "maxclust"), index=self.days)


def cluster_days(pools: pd.DataFrame) -> DayTree:
    """Ward's clustering of days by the points in their pools (rows: days, columns: pools), by Euclidean distance.
    Raises InputError: fewer than two days (code "count").
    """
    if len(pools) < 2:
        raise InputError("Too few days to cluster.", code="count", expected="2 or more", actual=len(pools))
    return DayTree(pd.DatetimeIndex(pools.index), hierarchy.linkage(pools.to_numpy(float), "ward"))


def odd_weekday(shares: pd.DataFrame, points: pd.Series, *, chance: float = CHANCE, seed: int = 0) -> int | None:
    """The weekday (0 is Monday) whose days differ most from the others; None if more than a fraction `chance`, in
    (0, 1), of shuffles do as well.

    `shares` has rows of days, see `shares.location_shares`, and `points` their numbers of points. Raises InputError:
    chance out of range (code "range").
    """
    if not 0 < chance < 1:
        raise InputError("chance is out of range.", code="range", expected="in (0, 1)", actual=chance)
    complete = shares.notna().all(axis=1)
    shares, points = shares[complete], points[complete]
    days = pd.DatetimeIndex(shares.index)
    weekday, week = days.day_of_week.to_numpy(), (days - pd.Timestamp("2000-01-03")).days.to_numpy() // WEEK
    median = points.groupby(weekday).median()
    compared = [day for day in median.index[median >= points.median()] if (weekday == day).sum() >= 3]
    if not compared:
        return None
    values = shares.to_numpy() - shares.to_numpy().mean(0)
    gram = values @ values.T
    found = _pseudo_f(gram, weekday, compared)
    rng = np.random.default_rng(seed)
    drawn = [_pseudo_f(gram, weekday[np.lexsort((rng.random(len(week)), week))], compared).max() for _ in range(DRAWS)]
    if (np.sum(np.array(drawn) >= found.max()) + 1) / (DRAWS + 1) > chance:
        return None
    return int(compared[int(found.argmax())])


def odd_weekdays(
    shares: pd.DataFrame, points: pd.Series, *, past: int = PAST, least: int = LEAST, seed: int = 0
) -> pd.Series:
    """True on days of the weekday that the days before them, at least `least` and at most `past`, show to be odd, see
    `odd_weekday`; computed once a week.
    """
    days = pd.DatetimeIndex(shares.index)
    found, known, last = np.zeros(len(days), bool), None, None
    for row, day in enumerate(days):
        week = (day - pd.Timestamp("2000-01-03")).days // WEEK
        if row >= least and week != last:
            before = slice(max(0, row - past), row)
            known, last = odd_weekday(shares.iloc[before], points.iloc[before], seed=seed), week
        found[row] = known == day.weekday()
    return pd.Series(found, days)


def _pseudo_f(gram: np.ndarray, weekday: np.ndarray, compared: list[int]) -> np.ndarray:
    """(A,) of each of these weekdays, by inner products (D, D) of centred rows."""
    own = (weekday[:, None] == np.array(compared)).astype(float)  # (D, A)
    size, count = own.sum(0), len(weekday)
    between = np.einsum("da,de,ea->a", own, gram, own, optimize=True) * count / (size * (count - size))
    return between / np.maximum(np.trace(gram) - between, 1e-12) * (count - 2)
