"""Days that are alike, and weekdays that are not.

Days are clustered by what their pools hold. Is there a weekday on which the place is used in another way, as on market
days? That is found from where people are, without being told: weekdays are compared by the pseudo-F of Anderson's
permutational analysis of variance (2001, Austral Ecology 26) on location shares: how far the mean of one weekday's days
is from that of all others, beside how much days differ anyhow. What chance gives is seen by shuffling the days of each
week. Weekdays with fewer points than the median day are not asked: a quiet Sunday is another use too, but none that
anybody would call an event.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster import hierarchy

from common.core.errors import InputError

from .calls import PAST

DRAWS, CHANCE = 199, 0.02
"""Shuffles, and how seldom they may do as well."""
WEEK = 7
LEAST = 4 * WEEK
"""Recorded days from which on it is asked."""

CUT = 3000.0
"""Height at which the tree of days is cut, for raw sums of a year."""


@dataclass(frozen=True, eq=False)
class DayTree:
    """Days merged step by step.

    `tree` is (D - 1, 4) of scipy's `linkage`: which two, at which height, how many days then.
    """

    days: pd.DatetimeIndex
    tree: np.ndarray

    def cut(self, height: float = CUT) -> pd.Series:
        """The cluster of each day, from 1, where merges above a height are undone."""
        return pd.Series(hierarchy.fcluster(self.tree, height, "distance"), index=self.days)

    def into(self, count: int) -> pd.Series:
        """The cluster of each day, from 1, where there are so many clusters."""
        return pd.Series(hierarchy.fcluster(self.tree, count, "maxclust"), index=self.days)


def cluster_days(pools: pd.DataFrame) -> DayTree:
    """Ward's clustering of days by what their pools hold (rows: days, columns: pools), by Euclidean distance. Raises
    InputError: fewer than two days.
    """
    if len(pools) < 2:
        raise InputError(f"Clustering needs two days or more; got {len(pools)}.")
    return DayTree(pd.DatetimeIndex(pools.index), hierarchy.linkage(pools.to_numpy(float), "ward"))


def odd_weekday(shares: pd.DataFrame, points: pd.Series, *, chance: float = CHANCE, seed: int = 0) -> int | None:
    """The weekday (0 is Monday) whose days differ most from the others; None where chance does as well, in more than a
    share `chance` of shuffles.

    `shares` of `shares.location_shares` has rows of days, `points` says how many each of them has. Raises InputError
    for a chance that is none.
    """
    if not 0 < chance < 1:
        raise InputError(f"chance must lie in (0, 1); got {chance}.")
    there = shares.notna().all(axis=1)
    shares, points = shares[there], points[there]
    days = pd.DatetimeIndex(shares.index)
    weekday, week = days.day_of_week.to_numpy(), (days - pd.Timestamp("2000-01-03")).days.to_numpy() // WEEK
    median = points.groupby(weekday).median()
    asked = [day for day in median.index[median >= points.median()] if (weekday == day).sum() >= 3]
    if not asked:
        return None
    values = shares.to_numpy() - shares.to_numpy().mean(0)
    gram = values @ values.T
    found = _pseudo_f(gram, weekday, asked)
    rng = np.random.default_rng(seed)
    drawn = [_pseudo_f(gram, weekday[np.lexsort((rng.random(len(week)), week))], asked).max() for _ in range(DRAWS)]
    if (np.sum(np.array(drawn) >= found.max()) + 1) / (DRAWS + 1) > chance:
        return None
    return int(asked[int(found.argmax())])


def odd_weekdays(
    shares: pd.DataFrame, points: pd.Series, *, past: int = PAST, least: int = LEAST, seed: int = 0
) -> pd.Series:
    """True on days of the weekday that the days before them, at most `past` and from `least` on, show to be odd, see
    `odd_weekday`, asked anew each week.
    """
    days = pd.DatetimeIndex(shares.index)
    found, known, asked = np.zeros(len(days), bool), None, None
    for row, day in enumerate(days):
        week = (day - pd.Timestamp("2000-01-03")).days // WEEK
        if row >= least and week != asked:
            before = slice(max(0, row - past), row)
            known, asked = odd_weekday(shares.iloc[before], points.iloc[before], seed=seed), week
        found[row] = known == day.weekday()
    return pd.Series(found, days)


def _pseudo_f(gram: np.ndarray, weekday: np.ndarray, asked: list[int]) -> np.ndarray:
    """(A,) of each weekday asked for, by inner products (D, D) of centred rows."""
    own = (weekday[:, None] == np.array(asked)).astype(float)  # (D, A)
    size, count = own.sum(0), len(weekday)
    between = np.einsum("da,de,ea->a", own, gram, own, optimize=True) * count / (size * (count - size))
    return between / np.maximum(np.trace(gram) - between, 1e-12) * (count - 2)
