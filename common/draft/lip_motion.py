"""Lips that move: their edges as the photo shows them go where the fitted head's lips go, and nothing crosses them.

The fitted head's own mouth hardly ever lies to a pixel where the photo's does. A motion that was read off the head
alone would take strips of lips into the mouth and teeth onto the lips. So, round the mouth, the head says by how much
each place of the lips' edges moves, and the photo says where the edges are.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .field import extend, fade
from .heads import Placed
from .inside import inside_of
from .layers import Layers
from .lips import COLUMNS, LIPS, Lips, Parted, opening, smoothed
from .mouth import at
from .seen import Seen

_REACH = 0.35  # of a mouth's width, over which the lips' own motion goes over into the face's
_MARGIN = 1.0  # pixels beside an edge of the lips that may show what is on its other side
_BEYOND = 3.0  # pixels beyond a corner, where the face's motion is read
_AROUND = 0.8  # of a mouth's width, beside it: what is computed here
_STILL = 1e-3  # pixels
_SOFT = 0.04  # of a mouth's width: light does not change faster than that beside the lips


def with_lips(drawn: Layers, seen: Seen, after: Placed, rest: Placed, light: np.ndarray) -> Layers:
    """What is drawn, with the mouth's motion as the photo's lips have it.

    Args:
        drawn: the whole head.
        seen: the head in the photo.
        after: the head after the change.
        rest: the head after its turn alone.
        light: (3,) how many times as bright the inside of the mouth gets, display values.

    Returns:
        The same layers; inside the mouth they show what the photo shows there, moved with the upper teeth or the lower
        lip, and what is painted where it shows nothing.
    """
    lips, crop = seen.lips, seen.crop
    skull = _skull(seen, rest)
    parted = _parted(lips, _marks(seen, after) - _marks(seen, rest), skull)
    reach = _REACH * lips.width
    x0, y0, x1, y1 = _rectangle(lips, parted, skull, crop.size)
    columns, rows = np.meshgrid(np.arange(x0, x1, dtype=np.float64), np.arange(y0, y1, dtype=np.float64))
    here = np.stack([columns, rows], 2)
    # All that follows is in the axes of the mouth, and as seen from the skull: upper teeth do not move there.
    places = lips.local(_through(skull, here))
    shift, near = _motion(lips, parted, drawn.shift[y0:y1, x0:x1], here, places, reach, skull)
    back = _inverse(skull)
    upper, lower = (_through(back, lips.window(np.stack([parted.x, y], 1))) for y in (parted.upper, parted.lower))
    mask = opening(upper, lower, crop)[y0:y1, x0:x1]
    mouth = inside_of(lips, seen.bite, seen.white, parted, places)
    gain = drawn.gain[y0:y1, x0:x1]
    even = cv2.GaussianBlur(gain, (0, 0), max(1.0, _SOFT * lips.width))
    whole = replace(
        drawn,
        shift=_pasted(drawn.shift, shift, x0, y0),
        gain=_pasted(drawn.gain, gain + near * (even - gain), x0, y0),
    )
    share = mask[..., None]
    inner = lips.window(mouth.sources) - here
    twin_hidden = drawn.twin_hidden[y0:y1, x0:x1]
    return replace(
        whole,
        hidden=_pasted(drawn.hidden, np.maximum(drawn.hidden[y0:y1, x0:x1] * (1 - near[..., 0]), mask), x0, y0),
        twin_shift=_pasted(drawn.twin_shift, np.where(share > 0, inner, drawn.twin_shift[y0:y1, x0:x1]), x0, y0),
        twin_gain=_pasted(drawn.twin_gain, np.where(share > 0, light, drawn.twin_gain[y0:y1, x0:x1]), x0, y0),
        twin_hidden=_pasted(drawn.twin_hidden, np.where(mask > 0, mouth.painted, twin_hidden), x0, y0),
        fill=_pasted(drawn.fill, np.where(share > 0, mouth.paint * light, drawn.fill[y0:y1, x0:x1]), x0, y0),
    )


def _parted(lips: Lips, steps: np.ndarray, skull: np.ndarray) -> Parted:
    """Where the edges go, by the steps (468, 2) of the landmarks, window pixels."""
    before = np.stack(lips.edges())
    moved = []
    for edge, rows, spots in zip(before, lips.marks, lips.spots):
        step = steps[rows] @ skull[:, :2].T
        step = np.stack([np.interp(lips.x, spots, step[:, axis]) for axis in (0, 1)], 1)
        moved.append(lips.local(edge + smoothed(step, COLUMNS / 32)))
    corners = (moved[0][[0, -1]] + moved[1][[0, -1]]) / 2  # the same for both lips
    x = np.linspace(corners[0, 0], max(corners[1, 0], corners[0, 0] + 1), COLUMNS)
    heights, sources = [], []
    for edge, local in zip(before, moved):
        local[[0, -1]] = corners
        along = np.maximum.accumulate(local[:, 0]) + 1e-6 * np.arange(COLUMNS)
        heights.append(np.interp(x, along, local[:, 1]))
        sources.append(np.stack([np.interp(x, along, edge[:, axis]) for axis in (0, 1)], 1))
    upper, lower = heights
    middle, half = (upper + lower) / 2, (lower - upper).clip(0) / 2  # lips that would cross touch
    return Parted(x, middle - half, middle + half, np.stack(sources))


def _motion(
    lips: Lips, parted: Parted, shift: np.ndarray, here: np.ndarray, places: np.ndarray, reach: float, skull: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The motion (h, w, 2) of what is not inside the mouth, and how near the lips that is, (h, w, 1) in [0, 1].

    Args:
        lips: before.
        parted: after.
        shift: (h, w, 2) of the drawn head.
        here: (h, w, 2) window pixels.
        places: (h, w, 2) the same in the mouth's axes, as seen from the skull.
        reach: pixels from the edges over which their motion goes over into the face's.
        skull: (2, 3) affine of the window, from after to before.
    """
    x = places[..., 0].clip(parted.x[0], parted.x[-1])
    beside = places[..., 0] - x
    upper, lower = (np.interp(x, parted.x, y) for y in (parted.upper, parted.lower))
    above = places[..., 1] < (upper + lower) / 2
    old = lips.local(here + shift)
    old_x = old[..., 0].clip(lips.x[0], lips.x[-1])
    old_edges = [np.interp(old_x, lips.x, y) for y in (lips.upper, lips.lower)]
    aside = (old[..., 0] < lips.x[0]) | (old[..., 0] > lips.x[-1])
    back = _inverse(skull)
    ends = [_through(back, lips.window(np.array([x, (top + low) / 2]))) for x, top, low in (
        (parted.x[0] - _BEYOND, parted.upper[0], parted.lower[0]),
        (parted.x[-1] + _BEYOND, parted.upper[-1], parted.lower[-1]))]  # fmt: skip
    moved, near = np.zeros_like(shift), np.zeros(shift.shape[:2])
    for own, edge, heights, old_edge, sign, sources in (
        (above, upper, parted.upper, old_edges[0], -1, parted.sources[0]),
        (~above, lower, parted.lower, old_edges[1], 1, parted.sources[1]),
    ):
        inside = np.where(sign * (places[..., 1] - edge) < 0, 0, places[..., 1] - edge)
        far = np.hypot(beside, inside)
        told = (sign * (places[..., 1] - edge) > _MARGIN) & (sign * (old[..., 1] - old_edge) > _MARGIN)
        told = own & (told | ((beside != 0) & aside) | (far > reach))
        face = extend(shift, told)[0] if told.any() else shift
        spots = _through(back, lips.window(np.stack([parted.x, heights], 1)))
        on_edge = at(face, spots - here[0, 0])
        on_edge[[0, -1]] = at(shift, np.stack(ends) - here[0, 0])  # the same for both lips
        missing = smoothed(sources - spots - on_edge, 1.0)
        missing = np.stack([np.interp(x, parted.x, missing[:, axis]) for axis in (0, 1)], 2)
        weight = fade(far, reach)
        moved = np.where(own[..., None], face + weight * missing, moved)
        near = np.where(own, weight[..., 0], near)
    return moved.astype(np.float32), near[..., None].astype(np.float32)


def _marks(seen: Seen, placed: Placed) -> np.ndarray:
    """The mesh landmarks (468, 2) of a head in the window."""
    return seen.fit.head.embedding.points(placed.points[None], "mesh468")[0, :, :2].double().numpy()


def _skull(seen: Seen, rest: Placed) -> np.ndarray:
    """The affine (2, 3) of the window that takes the place of a mouth on a head that has turned to where it was.

    Lips are rounder on the fitted head than in many photos: turned by themselves they would open or close.
    """
    now, then = (_marks(seen, each)[LIPS] for each in (rest, seen.before))
    if np.abs(now - then).max() < _STILL:
        return np.eye(2, 3)
    full = np.column_stack([now, np.ones(len(now))])
    return np.linalg.lstsq(full, then, rcond=None)[0].T


def _rectangle(lips: Lips, parted: Parted, skull: np.ndarray, side: int) -> tuple[int, int, int, int]:
    """The part of the window in which lips move: x0 y0 x1 y1, the last two exclusive."""
    spots = np.concatenate([np.stack([parted.x, y], 1) for y in (parted.upper, parted.lower)])
    points = np.concatenate([_through(_inverse(skull), lips.window(spots)), *lips.edges()])
    low, high = points.min(0) - _AROUND * lips.width, points.max(0) + _AROUND * lips.width
    x0, y0 = np.floor(low).astype(int).clip(0, side - 2).tolist()
    x1, y1 = np.ceil(high).astype(int).clip(2, side).tolist()
    return x0, y0, max(x1, x0 + 2), max(y1, y0 + 2)


def _through(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ affine[:, :2].T + affine[:, 2]


def _inverse(affine: np.ndarray) -> np.ndarray:
    turn = np.linalg.inv(affine[:, :2])
    return np.column_stack([turn, -turn @ affine[:, 2]])


def _pasted(whole: np.ndarray, part: np.ndarray, x0: int, y0: int) -> np.ndarray:
    """A picture with a part in place of its own."""
    result = whole.copy()
    result[y0 : y0 + len(part), x0 : x0 + part.shape[1]] = part
    return result
