"""TraClus (Lee, Han & Whang 2007): what many tracks have in common, as a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common.core.errors import InputError

from .distance import distances
from .group import Choice, choose, group
from .partition import Segments, corners, doubled, segments
from .represent import representative

SHORTEST = 50.0
"""Pixels; shorter segments are left out."""
TRIED, TRIED_BY_RELEASE = range(5, 61), range(20, 41)
"""Pixels that eps is chosen from."""
GAP = SHORTEST / 1.414


@dataclass(frozen=True, eq=False)
class Cluster:
    """Segments that run alike.

    `line` is (P, 2), their representative, in pixels; tracks count from 0.
    """

    line: np.ndarray
    tracks: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Clusters:
    """All of them.

    The clusters come in the order in which they were found; `choice` says how their parameters were chosen.
    """

    clusters: tuple[Cluster, ...]
    choice: Choice
    segments: Segments

    @property
    def lines(self) -> list[np.ndarray]:
        """The representatives alone."""
        return [cluster.line for cluster in self.clusters]


def traclus(
    tracks: Sequence[np.ndarray], *, compat: bool = False, rows: Sequence[np.ndarray] | None = None
) -> Clusters:
    """Clusters of tracks.

    Args:
        tracks: (N, 2) each, in pixels, in the order of time.
        compat: as the program behind the released results: every piece of a track twice, opposite directions alike, eps
            from 20 to 40 px, first and last points of lines left out.
        rows: of `corners` for these tracks, where they are known already.

    Raises:
        InputError: no tracks, one with fewer than two points, or none with a segment that is long enough.
    """
    if not tracks or any(np.ndim(track) != 2 or len(track) < 2 or np.shape(track)[1] != 2 for track in tracks):
        raise InputError("TraClus needs tracks of two points (x, y) or more.")
    rows = corners(tracks, blind=compat) if rows is None else rows
    pieces = segments(tracks, rows)
    pieces = pieces.take(pieces.length >= SHORTEST)
    if not len(pieces):
        raise InputError(f"No track has a straight piece of {SHORTEST:g} pixels; there is nothing to group.")
    between = distances(pieces.start, pieces.end, blind=compat)
    choice = choose(between, TRIED_BY_RELEASE if compat else TRIED)
    if compat:  # what the program behind the released results groups; each distance is computed once
        every, chosen = segments(tracks, rows, chords=True), doubled(rows)
        kept = every.length >= SHORTEST
        between, place = distances(every.start[kept], every.end[kept], blind=True), np.cumsum(kept) - 1
        chosen = chosen[kept[chosen]]
        pieces, between = every.take(chosen), between[np.ix_(place[chosen], place[chosen])]
    found = []
    for own in group(between, pieces.track, choice):
        part = pieces.take(own)
        line = representative(part, choice.least, GAP, compat=compat)
        if len(line) >= 2:
            found.append(Cluster(line, tuple(np.unique(part.track).tolist())))
    return Clusters(tuple(found), choice, pieces)
