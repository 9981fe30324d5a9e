"""TraClus (Lee, Han & Whang 2007, "Trajectory clustering: a partition-and-group framework"): what many tracks have in
common, as a few lines.

Tracks are cut into straight segments by their description length (section 3.3). Segments are grouped by density, with
parameters chosen by entropy (4.2, 4.4). Each group's mean, swept along its direction, is its line (4.3). Distances of
segments are those of section 3.2: points are arrays (..., 2) in pixels of any leading shape, and distances are taken
along the first segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from common.core.errors import InputError

CHUNK = 1 << 14
"""Pairs computed at once: few enough for the processor's cache."""


def perpendicular(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """(...): the Lehmer mean of the distances of c and d from the line through a and b; 0 where both lie on it."""
    one, two = (_norm(point - a - _along(a, b, point)[..., None] * (b - a)) for point in (c, d))
    total = one + two
    return np.divide(one**2 + two**2, total, out=np.zeros_like(total), where=total > 0)


def parallel(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """(...): how far c and d, laid on the line through a and b, are from its nearer end; the smaller of the two."""
    length = _norm(b - a)
    places = [_along(a, b, point) for point in (c, d)]
    return np.minimum(*(length * np.abs(np.where(place < 0.5, place, 1 - place)) for place in places))


def angular(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, *, blind: bool = False) -> np.ndarray:
    """(...): the length of a segment cd times the sine of its angle to ab; its whole length from 90 degrees on, unless
    `blind`, which ignores the direction of travel.
    """
    one, two = b - a, d - c
    length, product = _norm(two), _norm(one) * _norm(two)
    cosine = np.divide(_dot(one, two), product, out=np.ones_like(product), where=product > 0).clip(-1, 1)
    found = length * np.sqrt(1 - cosine**2)
    return found if blind else np.where(cosine <= 0, length, found)


def distance(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, *, blind: bool = False) -> np.ndarray:
    """(...): the sum of the three, along the longer segment; along cd where they are equally long."""
    first = (_norm(b - a) > _norm(d - c))[..., None]
    along = np.where(first, a, c), np.where(first, b, d)
    other = np.where(first, c, a), np.where(first, d, b)
    parts = perpendicular(*along, *other), parallel(*along, *other), angular(*along, *other, blind=blind)
    return parts[0] + parts[1] + parts[2]


def distances(start: np.ndarray, end: np.ndarray, *, blind: bool = False) -> np.ndarray:
    """(S, S) between all segments (S, 2); symmetrical, 0 along the diagonal."""
    found = np.zeros((len(start), len(start)))
    pairs = np.triu_indices(len(start), 1)
    for first in range(0, len(pairs[0]), CHUNK):
        one, two = (rows[first : first + CHUNK] for rows in pairs)
        found[one, two] = found[two, one] = distance(start[one], end[one], start[two], end[two], blind=blind)
    return found


def _dot(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    return one[..., 0] * two[..., 0] + one[..., 1] * two[..., 1]  # many times quicker than a sum along an axis of two


def _norm(vectors: np.ndarray) -> np.ndarray:
    return np.hypot(vectors[..., 0], vectors[..., 1])


def _along(a: np.ndarray, b: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Where a point lies along a line: 0 at a, 1 at b; 0 for lines without length."""
    way = b - a
    squared = _dot(way, way)
    return np.divide(_dot(point - a, way), squared, out=np.zeros_like(squared), where=squared > 0)


ADVANTAGE = 25
"""Bits by which a cut must shorten the description, as in the authors' own program."""


@dataclass(frozen=True, eq=False)
class Segments:
    """Straight pieces of tracks: `start` and `end` (S, 2) in pixels, and the number of each one's track (S,)."""

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
        """The segments of these rows, or where a mask is true."""
        return Segments(self.start[rows], self.end[rows], self.track[rows])


def corners(tracks: Sequence[np.ndarray], *, blind: bool = False) -> list[np.ndarray]:
    """Rows of each track's characteristic points, (C,) each: the first, those at cuts, the last. Tracks are (N, 2)
    each, in pixels, in the order of time, N at least 2.

    A track is cut where the line from its last cut describes it worse than its own steps do; all tracks are walked at
    once, a point at a time. `blind`: see `angular`.
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
    """Rows of `segments` with chords, by the rows of `corners`: each track's pieces, its chord, and its pieces again.
    The program behind the released results cuts each track twice by mistake and groups both.
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


@dataclass(frozen=True, eq=False)
class Choice:
    """Parameters of the clustering: radius `eps` of a neighbourhood in pixels, and the least number of segments in that
    of a core, itself included; with all radii tried (E,) and the entropy of their neighbourhoods (E,) in bits.
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
    fractions = counts / counts.sum(1, keepdims=True)
    entropy = -(fractions * np.log2(fractions)).sum(1)
    best = int(entropy.argmin())
    return Choice(float(tried[best]), int(np.ceil(counts[best].mean())), np.asarray(tried, float), entropy)


def group(distances: np.ndarray, track: np.ndarray, choice: Choice) -> list[np.ndarray]:
    """Rows of the segments of each cluster, in their order, by distances (S, S) and the track (S,) of each.

    DBSCAN; the neighbourhood of a cluster's first core takes border segments from earlier clusters, as in the authors'
    program, where scikit-learn's takes none. Clusters of fewer tracks than `choice.least` are left out.
    """
    near = distances <= choice.eps
    cores = np.flatnonzero(near.sum(1) >= choice.least)
    count, cluster = connected_components(near[np.ix_(cores, cores)])
    label = np.full(len(near), -1)  # -1 is noise
    for number in range(count):
        own = cores[cluster == number]
        label[near[own].any(0) & (label < 0)] = number
        label[near[own[0]]] = number
    groups = (np.flatnonzero(label == number) for number in range(count))
    return [rows for rows in groups if len(np.unique(track[rows])) >= choice.least]


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
        here, starting, ended = float(places[order[at]]), [], []
        while True:
            segment = int(order[at]) // 2
            if segment in active:
                ended.append(segment)
            else:
                starting.append(segment)
                active.add(segment)
            at += 1
            if at >= count or places[order[at]] != here:
                break
        # Where a track's segment begins at which another one of it ends, the two count once: the ended one goes now.
        tracks = set(segments.track[starting].tolist())
        gone = [row for row in ended if row in starting or segments.track[row] in tracks]
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


SHORTEST = 50.0
"""Pixels; shorter segments are ignored."""
TRIED, TRIED_BY_RELEASE = range(5, 61), range(20, 41)
"""Pixels that eps is chosen from."""
GAP = SHORTEST / 1.414


@dataclass(frozen=True, eq=False)
class Clusters:
    """Clusters of segments that run alike: the representative (P, 2) of each in pixels, the numbers of its tracks, from
    0, and the parameters.
    """

    lines: list[np.ndarray]
    tracks: list[list[int]]
    choice: Choice


def traclus(
    tracks: Sequence[np.ndarray], *, compat: bool = False, rows: Sequence[np.ndarray] | None = None
) -> Clusters:
    """Clusters of tracks.

    Args:
        tracks: (N, 2) each, in pixels, in the order of time.
        compat: as the program behind the released results: every piece of a track twice, opposite directions alike, eps
            from 20 to 40 px, first and last points of lines left out.
        rows: of `corners` for these tracks; computed by default.

    Raises:
        InputError: no tracks or one with fewer than two points (code "shape"); no segment is long enough ("empty").
    """
    if not tracks or any(np.ndim(track) != 2 or len(track) < 2 or np.shape(track)[1] != 2 for track in tracks):
        raise InputError("TraClus needs tracks of two points (x, y) or more.", code="shape")
    rows = corners(tracks, blind=compat) if rows is None else rows
    pieces = segments(tracks, rows)
    pieces = pieces.take(pieces.length >= SHORTEST)
    if not len(pieces):
        raise InputError(f"No track has a straight piece of {SHORTEST:g} pixels.", code="empty")
    between = distances(pieces.start, pieces.end, blind=compat)
    choice = choose(between, TRIED_BY_RELEASE if compat else TRIED)
    if compat:  # what the program behind the released results groups; each distance is computed once
        every, chosen = segments(tracks, rows, chords=True), doubled(rows)
        kept = every.length >= SHORTEST
        between, place = distances(every.start[kept], every.end[kept], blind=True), np.cumsum(kept) - 1
        chosen = chosen[kept[chosen]]
        pieces, between = every.take(chosen), between[np.ix_(place[chosen], place[chosen])]
    found = Clusters([], [], choice)
    for own in group(between, pieces.track, choice):
        part = pieces.take(own)
        line = representative(part, choice.least, GAP, compat=compat)
        if len(line) >= 2:
            found.lines.append(line)
            found.tracks.append(np.unique(part.track).tolist())
    return found
