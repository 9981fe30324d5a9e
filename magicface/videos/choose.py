"""Which frames make pairs: enough change of expression, little turning, every action unit alike."""

from __future__ import annotations

import numpy as np

from .settings import Settings

AT_MOST = 600  # frames of a video that are paired with each other: 360,000 pairs


def candidates(units: np.ndarray, angles: np.ndarray, settings: Settings) -> np.ndarray:
    """All pairs of frames that could be taken, (P, 2) int: source, target.

    `units` are (N, 12) intensities, `angles` (N, 3) degrees.
    """
    found = [np.empty((0, 2), int)]
    for i in range(len(units)):
        enough = (np.abs(units - units[i]) >= settings.min_difference).any(1)
        still = (np.abs((angles - angles[i] + 180) % 360 - 180) <= settings.max_turn).all(1)
        targets = np.flatnonzero(enough & still)
        found.append(np.column_stack([np.full_like(targets, i), targets]))
    return np.concatenate(found)


def choose(units: np.ndarray, angles: np.ndarray, settings: Settings, key: int = 0) -> list[tuple[int, int]]:
    """Up to `settings.pairs` pairs (source, target), for which every action unit rises and falls as often as can be.

    Each turn goes to the unit and direction with the fewest pairs so far, and takes the pair whose frames were used
    least; the seed decides among equals.

    `units` are (N, 12) intensities, `angles` (N, 3) degrees; `key` tells videos apart, so that they do not all draw
    alike.
    """
    rng = np.random.default_rng([settings.seed, key])
    frames = np.sort(rng.permutation(len(units))[:AT_MOST])
    pairs = frames[candidates(units[frames], angles[frames], settings)]
    change = units[pairs[:, 1]] - units[pairs[:, 0]]
    least = settings.min_difference
    kinds = np.concatenate([change >= least, change <= -least], 1)  # (P, 24): which units rise, which fall
    order = rng.random(len(pairs))
    free, used, covered = np.ones(len(pairs), bool), np.zeros(len(units), int), np.zeros(24, int)
    chosen: list[tuple[int, int]] = []
    while len(chosen) < settings.pairs and free.any():
        left = kinds[free].any(0)
        rows = np.flatnonzero(free & kinds[:, np.where(left, covered, len(pairs) + 1).argmin()])
        best = rows[np.argmin(used[pairs[rows]].sum(1) + order[rows])]
        free[best] = False
        covered += kinds[best]
        used[pairs[best]] += 1
        chosen.append((int(pairs[best, 0]), int(pairs[best, 1])))
    return chosen
