"""A line for each cluster of segments: their mean, swept along their common direction (Lee, Han & Whang 2007, 4.3)."""

from __future__ import annotations

import numpy as np

from .partition import Segments


def representative(segments: Segments, least: int, gap: float, *, compat: bool = False) -> np.ndarray:
    """The line (P, 2) in pixels of one cluster's segments; fewer than two points where they have no common way.

    A point needs `least` segments that are there, and points are `gap` pixels apart at least along the common
    direction. `compat`, as the program behind the released results: the first point must be as far from 0, and the very
    last end is not looked at.
    """
    x, y = (segments.end - segments.start).mean(0)  # the common direction: the mean of all segments as vectors
    length = float(np.hypot(x, y))
    cosine, sine = (float(x) / length, float(y) / length) if length else (1.0, 0.0)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    start, end = segments.start @ turn, segments.end @ turn  # (S, 2): along the direction, and across it
    places = np.stack([start[:, 0], end[:, 0]], 1).ravel()  # of a segment, its start and its end stand together
    order = np.argsort(places, kind="stable")
    active: set[int] = set()
    points, before, at = [], 0.0 if compat else -np.inf, 0
    count = len(order) - compat
    while at < count:
        here, begun, ended = float(places[order[at]]), [], []
        while True:
            segment = int(order[at]) // 2
            if segment in active:
                ended.append(segment)
            else:
                begun.append(segment)
                active.add(segment)
            at += 1
            if at >= count or places[order[at]] != here:
                break
        # Where a track's segment begins at which another one of it ends, the two count once: the ended one goes now.
        tracks = {segments.track[row] for row in begun}
        gone = [row for row in ended if row in begun or segments.track[row] in tracks]
        active.difference_update(gone)
        ended = [row for row in ended if row not in gone]
        if len(active) >= least and abs(here - before) > gap:
            points.append((here, np.mean([_across(start[row], end[row], here) for row in active])))
            before = here
        active.difference_update(ended)
    return np.array(points).reshape(-1, 2) @ turn.T


def _across(start: np.ndarray, end: np.ndarray, here: float) -> float:
    length = end[0] - start[0]
    return float(start[1] + (here - start[0]) / length * (end[1] - start[1])) if length else float(start[1])
