"""How far two segments are from each other (Lee, Han & Whang 2007, definitions 1 to 3).

Everything takes arrays of any leading shape, (..., 2) in pixels; the first segment is the one that is looked along.
"""

from __future__ import annotations

import numpy as np

CHUNK = 1 << 14
"""Pairs at once: what a processor holds nearby, and little memory however many there are."""


def perpendicular(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """(...): the Lehmer mean of the distances of c and d from the line through a and b; 0 where both lie on it."""
    one, two = (_norm(point - a - _along(a, b, point)[..., None] * (b - a)) for point in (c, d))
    total = one + two
    return np.divide(one**2 + two**2, total, out=np.zeros_like(total), where=total > 0)


def parallel(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """(...): how far c and d, laid on the line through a and b, are from its nearer end; the smaller of the two."""
    length = _norm(b - a)
    shares = [_along(a, b, point) for point in (c, d)]
    return np.minimum(*(length * np.abs(np.where(share < 0.5, share, 1 - share)) for share in shares))


def angular(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, *, blind: bool = False) -> np.ndarray:
    """(...): the length of a segment cd times the sine of its angle to ab; its whole length from 90 degrees on, unless
    it is `blind`, so that what goes back lies beside what comes.
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
