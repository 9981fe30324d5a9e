"""Tracks cut into straight segments by their description length (Lee, Han & Whang 2007, "Trajectory clustering: a
partition-and-group framework", section 3.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .distance import angular, perpendicular

ADVANTAGE = 25
"""By which a cut must shorten the description, as the authors' own program has it; fewer and longer segments."""


@dataclass(frozen=True, eq=False)
class Segments:
    """Straight pieces of tracks.

    Attributes:
        start: (S, 2) in pixels.
        end: (S, 2).
        track: (S,) number of the track of each, from 0.
    """

    start: np.ndarray
    end: np.ndarray
    track: np.ndarray

    def __len__(self) -> int:
        return len(self.track)

    @property
    def length(self) -> np.ndarray:
        """(S,) in pixels."""
        return np.hypot(*(self.end - self.start).T)

    def take(self, rows: np.ndarray) -> Segments:
        """Those of these rows, or where a mask is true."""
        return Segments(self.start[rows], self.end[rows], self.track[rows])


def corners(tracks: Sequence[np.ndarray], *, blind: bool = False) -> list[np.ndarray]:
    """Rows of each track's characteristic points, (C,) each: the first, those at cuts, the last. Tracks are (N, 2)
    each, in pixels, in the order of time, N at least 2.

    All tracks are walked at once, a point at a time: each looks whether the line from its last cut to here describes
    the way worse than the way itself. `blind`: opposite directions have no angular distance, as in the program behind
    the released results.
    """
    points = np.concatenate([np.asarray(track, float) for track in tracks])
    last = np.cumsum([len(track) for track in tracks]) - 1
    first = np.concatenate([[0], last[:-1] + 1])
    steps = np.concatenate([[0], np.cumsum(_bits(np.hypot(*np.diff(points, axis=0).T)))])
    cut = np.zeros(len(points), bool)
    cut[first] = cut[last] = True
    active, begin, here = np.arange(len(tracks)), first.copy(), first + 1
    while len(active := active[here[active] <= last[active]]):
        s, e = begin[active], here[active]
        described = _bits(np.hypot(*(points[e] - points[s]).T)) + _deviation(points, s, e, blind)
        worse = steps[e] - steps[s] + ADVANTAGE < described
        cut[e[worse] - 1] = True
        begin[active] = np.where(worse, e - 1, s)
        here[active] = np.where(worse, e, e + 1)
    return [np.flatnonzero(cut[a : b + 1]) for a, b in zip(first, last)]


def segments(tracks: Sequence[np.ndarray], rows: Sequence[np.ndarray], *, chords: bool = False) -> Segments:
    """The pieces between the characteristic points of `corners`; with `chords`, after each track's pieces, one from its
    end back to its start.
    """
    start, end, owner = [], [], []
    for number, (track, own) in enumerate(zip(tracks, rows)):
        kept = np.asarray(track, float)[np.append(own, own[0]) if chords else own]
        start.append(kept[:-1])
        end.append(kept[1:])
        owner.append(np.full(len(kept) - 1, number))
    return Segments(np.concatenate(start), np.concatenate(end), np.concatenate(owner))


def doubled(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of `segments` with chords: each track's pieces, its chord, and its pieces again, which is what the program
    behind the released results groups, by mistake: it cuts each track twice and keeps both.

    `rows` are those of `corners`.
    """
    found, first = [], 0
    for own in rows:
        pieces = np.arange(first, first + len(own) - 1)
        first += len(own)
        found += [pieces, [first - 1], pieces]
    return np.concatenate(found)


def _bits(values: np.ndarray) -> np.ndarray:
    """Whole bits that a length takes."""
    return np.ceil(np.log2(np.maximum(values, 1)))


def _deviation(points: np.ndarray, s: np.ndarray, e: np.ndarray, blind: bool) -> np.ndarray:
    """Bits that say how the steps from s to e differ from the line between them; one sum for each pair."""
    count = e - s
    pair = np.repeat(np.arange(len(s)), count)
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + s[pair]
    line, own = (points[s][pair], points[e][pair]), (points[step], points[step + 1])
    bits = _bits(perpendicular(*line, *own)) + _bits(angular(*line, *own, blind=blind))
    return np.bincount(pair, bits, len(s))
