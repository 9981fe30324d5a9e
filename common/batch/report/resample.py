"""How sure a number is: whole photos are drawn again, because the edits of one photo resemble each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

DRAWS = 1000
FEWEST = 5
"""Photos from which an interval is told; fewer say too little about others."""
_AT_ONCE = 50

Interval = tuple[float, float]


def interval(
    photos: Sequence[str], terms: np.ndarray, value: Callable[[np.ndarray], np.ndarray]
) -> list[Interval | None]:
    """Percentile bootstrap over photos, 95 %, always with the same draws.

    Args:
        photos: (N,) of which photo each edit is.
        terms: (N, K) what the numbers are sums of, such as x, y and xy.
        value: from sums (D, K) to numbers (D, M); NaN where there is none.

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
