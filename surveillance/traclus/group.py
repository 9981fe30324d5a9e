"""Segments grouped by density, with parameters chosen by entropy (Lee, Han & Whang 2007, sections 4.2 and 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NOISE = -1


@dataclass(frozen=True, eq=False)
class Choice:
    """How near is near, and how many are many.

    Attributes:
        eps: in pixels.
        least: segments within it, itself among them, that make a core.
        tried: (E,) all that were tried.
        entropy: (E,) bits of each: low where some segments have many neighbours and others few.
    """

    eps: float
    least: int
    tried: np.ndarray
    entropy: np.ndarray


def choose(distances: np.ndarray, tried: Sequence[float]) -> Choice:
    """The eps with the least entropy, the first of several, and the mean number of neighbours there, rounded up.

    `distances` (S, S) are between segments, `tried` eps in pixels, in their order.
    """
    ordered = np.sort(distances, axis=1)
    counts = np.stack([(ordered <= eps).sum(1) for eps in tried])  # (E, S)
    shares = counts / counts.sum(1, keepdims=True)
    entropy = -(shares * np.log2(shares)).sum(1)
    best = int(entropy.argmin())
    return Choice(float(tried[best]), int(np.ceil(counts[best].mean())), np.asarray(tried, float), entropy)


def group(distances: np.ndarray, track: np.ndarray, choice: Choice) -> list[np.ndarray]:
    """Rows of the segments of each cluster, in their order, by distances (S, S) and the track (S,) of each.

    DBSCAN, in the order of the rows; the first neighbourhood of a new cluster takes what lay at the border of earlier
    ones. A cluster of fewer tracks than `choice.least` is none.
    """
    near = distances <= choice.eps
    core = near.sum(1) >= choice.least
    label, unknown = np.full(len(near), NOISE), np.ones(len(near), bool)
    count = 0
    for row in range(len(near)):
        if not unknown[row]:
            continue
        unknown[row] = False
        if not core[row]:
            continue
        label[near[row]] = count
        waiting = [other for other in np.flatnonzero(near[row]) if other != row]
        unknown[near[row]] = False
        while waiting:
            here = waiting.pop()
            if core[here]:
                free = near[here] & (label == NOISE)
                waiting += list(np.flatnonzero(free & unknown))
                label[free], unknown[free] = count, False
        count += 1
    groups = (np.flatnonzero(label == number) for number in range(count))
    return [rows for rows in groups if len(np.unique(track[rows])) >= choice.least]
