"""Days that are alike: clustering of what their pools hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster import hierarchy

from common.errors import InputError

CUT = 3000.0
"""Height at which the tree of days is cut, for raw sums of a year."""


@dataclass(frozen=True, eq=False)
class DayTree:
    """Days merged step by step.

    Attributes:
        days: that were clustered.
        tree: (D - 1, 4) of scipy's `linkage`: which two, at which height, how many days then.
    """

    days: pd.DatetimeIndex
    tree: np.ndarray

    @property
    def heights(self) -> np.ndarray:
        """(D - 1,) of the merges, rising."""
        return self.tree[:, 2]

    def cut(self, height: float = CUT) -> pd.Series:
        """The cluster of each day, from 1, where merges above a height are undone."""
        return pd.Series(hierarchy.fcluster(self.tree, height, "distance"), index=self.days)

    def into(self, count: int) -> pd.Series:
        """The cluster of each day, from 1, where there are so many clusters."""
        return pd.Series(hierarchy.fcluster(self.tree, count, "maxclust"), index=self.days)


def cluster_days(pools: pd.DataFrame) -> DayTree:
    """Ward's clustering of days by what their pools hold (rows: days, columns: pools), by Euclidean distance.

    Raises:
        InputError: fewer than two days.
    """
    if len(pools) < 2:
        raise InputError(f"Clustering needs two days or more; got {len(pools)}.")
    return DayTree(pd.DatetimeIndex(pools.index), hierarchy.linkage(pools.to_numpy(float), "ward"))
