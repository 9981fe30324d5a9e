"""Lips that move: their edges as the photo shows them go where the fitted head's lips go, and nothing crosses them.

The fitted head's own mouth hardly ever lies to a pixel where the photo's does. A motion that was read off the head
alone would take strips of lips into the mouth and teeth onto the lips. So, round the mouth, the head says by how much
each place of the lips' edges moves, and the photo says where the edges are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..face3d.fitting.light import to_srgb
from . import teeth
from .extrapolate import at, extend, fade
from .fitted_face import Seen
from .layers import Layers
from .lips import COLUMNS, LIPS, Lips, Parted, opening, shows, smoothed
from .placement import Placed

_DRAWN_OUT = (2.0, 4.0)  # times; between these, what is drawn out goes over into paint
_NARROW = 0.03  # of a mouth's width
_EDGE = 1.0  # pixels
# By which power of the photo's pixels in one of the window's grain is lost when it is spread, and at most how often.
_LOST, _COARSEST = 3.2, 3.0
_SHARPEST, _BLURS = 1.3, (0.7, 1.0, 1.5, 2.2)  # times the photo's grain; pixels
_NOISE = 0.28  # deviation of a noise whose Laplacian's mean size is 1
_RIM = 0.02  # of a mouth's width, from the lower lip's edge: an end of teeth nearer to it is none
_CHIN = 152  # of the mesh

_REACH = 0.35  # of a mouth's width, over which the lips' own motion goes over into the face's
_MARGIN = 1.0  # pixels beside an edge of the lips that may show what is on its other side
_BEYOND = 3.0  # pixels beyond a corner, where the face's motion is read
_AROUND = 0.8  # of a mouth's width, beside it: what is computed here
_STILL = 1e-3  # pixels
_UNMOVED = 0.05  # pixels: lips that move less stay as the photo shows them
_SOFT = 0.04  # of a mouth's width: light does not change faster than that beside the lips


def with_lips(drawn: Layers, seen: Seen, after: Placed, rest: Placed, light: np.ndarray) -> Layers:
    """The layers with the mouth's motion as the photo's lips have it; inside, they show the photo's own mouth, or
    paint.

    `rest` is the head after its turn alone; `light` (3,) is how many times as bright the inside of the mouth gets, in
    display values. What moves inside goes with the upper teeth or with the lower lip.
    """
    lips, crop = seen.lips, seen.crop
    skull = _skull(seen, rest)
    steps = _marks(seen, after) - _marks(seen, rest)
    if np.abs(steps[LIPS]).max() < _UNMOVED and np.abs(skull - np.eye(2, 3)).max() < _STILL:
        return drawn
    parted = _parted(lips, steps, skull)
    drop = float((lips.local(lips.middle + steps[_CHIN] @ skull[:, :2].T) - lips.local(lips.middle))[1])
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
    mouth = inside_of(lips, seen.bite, seen.white, parted, places, drop)
    coarse = max(1.0, 1 / abs(float(crop.matrix[0, 0])))  # photo pixels a window pixel is spread over
    paint = _grained(mouth.paint, mask > 0, seen.grain * min(coarse**_LOST, _COARSEST))
    gain = drawn.gain[y0:y1, x0:x1]
    even = cv2.GaussianBlur(gain, (0, 0), max(1.0, _SOFT * lips.width))
    whole = replace(
        drawn, shift=_pasted(drawn.shift, shift, x0, y0), gain=_pasted(drawn.gain, gain + near * (even - gain), x0, y0)
    )
    fraction = mask[..., None]
    inner = lips.window(mouth.sources) - here
    twin_hidden = drawn.twin_hidden[y0:y1, x0:x1]
    return replace(
        whole,
        hidden=_pasted(drawn.hidden, np.maximum(drawn.hidden[y0:y1, x0:x1] * (1 - near[..., 0]), mask), x0, y0),
        twin_shift=_pasted(drawn.twin_shift, np.where(fraction > 0, inner, drawn.twin_shift[y0:y1, x0:x1]), x0, y0),
        twin_gain=_pasted(drawn.twin_gain, np.where(fraction > 0, light, drawn.twin_gain[y0:y1, x0:x1]), x0, y0),
        twin_hidden=_pasted(drawn.twin_hidden, np.where(mask > 0, mouth.painted, twin_hidden), x0, y0),
        fill=_pasted(drawn.fill, np.where(fraction > 0, paint * light, drawn.fill[y0:y1, x0:x1]), x0, y0),
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

    `shift` (h, w, 2) is the drawn head's; `here` (h, w, 2) are window pixels, and `places` the same in the mouth's axes
    as seen from the skull, an affine (2, 3) of the window from after to before; `reach` are the pixels from the edges
    over which their motion goes over into the face's.
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
    middles = (parted.upper + parted.lower) / 2
    corners = [(parted.x[0] - _BEYOND, middles[0]), (parted.x[-1] + _BEYOND, middles[-1])]
    ends = [_through(back, lips.window(np.array(corner))) for corner in corners]
    moved, near = np.zeros_like(shift), np.zeros(shift.shape[:2])
    for own, edge, heights, old_edge, sign, sources in (
        (above, upper, parted.upper, old_edges[0], -1, parted.sources[0]),
        (~above, lower, parted.lower, old_edges[1], 1, parted.sources[1]),
    ):
        inside = np.where(sign * (places[..., 1] - edge) < 0, 0, places[..., 1] - edge)
        far = np.hypot(beside, inside)
        known = (sign * (places[..., 1] - edge) > _MARGIN) & (sign * (old[..., 1] - old_edge) > _MARGIN)
        known = own & (known | ((beside != 0) & aside) | (far > reach))
        face = extend(shift, known)[0] if known.any() else shift
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


@dataclass(frozen=True, eq=False)
class Inside:
    """What is seen inside a mouth, at places (h, w, 2)."""

    sources: np.ndarray  # (h, w, 2) in the axes of `Lips`, where the photo shows it
    painted: np.ndarray  # (h, w) in [0, 1], where it does not
    paint: np.ndarray  # (h, w, 3) display values in [0, 1]


def inside_of(
    lips: Lips, bitten: np.ndarray, white: np.ndarray, parted: Parted, places: np.ndarray, drop: float
) -> Inside:
    """Look into the mouth at places (h, w, 2) in the axes of `Lips`, seen from the skull.

    `lips` are the edges in the photo, `parted` those after the change; `bitten` (COLUMNS,) is where the upper teeth
    end, see `bite`; `white` (3,) is how bright the photo shows a white surface, linear; `drop` are the pixels by which
    the jaw goes down.
    """
    x = places[..., 0].clip(parted.x[0], parted.x[-1])
    now_top, now_bottom = (np.interp(x, parted.x, y) for y in (parted.upper, parted.lower))
    y = np.minimum(np.maximum(places[..., 1], now_top), now_bottom)
    # The middle stays where it is; towards the corners of a mouth that widens, its inside is drawn out.
    first, last = lips.shown
    right = _drawn_out(x, parted.x[-1], last)
    left = _drawn_out(-x, -parted.x[0], -first)
    old_x = np.where(x > 0, right, -left)
    top, bottom = (np.interp(old_x, lips.x, edge) for edge in (lips.upper, lips.lower))
    gap = np.interp(old_x, lips.x, bitten)
    gap = np.minimum(np.maximum(gap, top), bottom)
    more = now_bottom - bottom
    upper = gap - _drawn_out(gap - y, gap - now_top, gap - top)
    lower = bottom - _drawn_out(now_bottom - y, now_bottom - gap, bottom - gap)
    lower = np.where(more > 0, lower, y)
    below = y > gap
    least = _NARROW * lips.width  # a narrower strip is the edge of a lip, which may well be drawn out
    longer = np.where(below, (now_bottom - gap) / (bottom - gap).clip(least), (gap - now_top) / (gap - top).clip(least))
    stretch = np.where(below & (more <= 0), 1, longer)
    painted = ((stretch - _DRAWN_OUT[0]) / (_DRAWN_OUT[1] - _DRAWN_OUT[0])).clip(0, 1)
    painted = np.where(below, painted * ((y - gap) / _EDGE).clip(0, 1), painted)
    if not shows(lips):
        painted = np.ones_like(painted)
    sources = np.stack([old_x, np.where(below, lower, upper)], 2)
    inside = teeth.painted(_jaws(lips, bitten, drop), lips.width, x, y, now_top, now_bottom)
    return Inside(sources, painted.astype(np.float32), to_srgb((white * inside).clip(0, 1)).astype(np.float32))


def _grained(paint: np.ndarray, seen: np.ndarray, grain: float) -> np.ndarray:
    """Paint (h, w, 3), of which a part (h, w) bool is seen, as sharp as the photo is round it: softened where it is
    sharper, else with grain, which is the same noise in every edit.
    """
    soft, own = paint, _detail(paint, seen)
    for sigma in _BLURS:
        if own <= _SHARPEST * grain:
            break
        soft = cv2.GaussianBlur(paint, (0, 0), sigma)
        own = _detail(soft, seen)
    noise = np.random.default_rng(0).standard_normal(paint.shape[:2]).astype(np.float32)
    return soft + (max(grain - own, 0.0) * _NOISE * noise)[..., None]


def _detail(paint: np.ndarray, seen: np.ndarray) -> float:
    """Mean absolute Laplacian of what is seen (h, w) of a picture (h, w, 3) of display values."""
    found = np.abs(cv2.Laplacian(cv2.cvtColor(paint, cv2.COLOR_RGB2GRAY), cv2.CV_32F))
    return float(found[seen].mean()) if seen.any() else float(found.mean())


def _jaws(lips: Lips, bitten: np.ndarray, drop: float) -> teeth.Jaws:
    """Where the rows of teeth end after the jaw went down by `drop` pixels.

    Upper teeth reach a little below the line where lips meet, or end where the photo shows their end; lower ones stand
    behind the lower lip.
    """
    bow = (1 - (2 * lips.x / lips.width) ** 2).clip(0, None)  # tips follow the lower lip's curve
    rest = lips.upper + teeth.REST * lips.width * bow
    upper = np.where(bitten < lips.lower - _RIM * lips.width, np.maximum(bitten, lips.upper), rest)
    if not shows(lips):
        upper = rest
    lower = np.maximum(rest - teeth.BEHIND * lips.width, lips.lower - _RIM * lips.width) + max(drop, 0.0)
    return teeth.Jaws(lips.x, upper, lower)


def _drawn_out(distance: np.ndarray, now: np.ndarray | float, was: np.ndarray | float) -> np.ndarray:
    """From distances now to those before: such that `now` was `was`, where that is less, and less drawn out near 0."""
    fraction = (np.maximum(was, 1e-3) / np.maximum(now, 1e-3)).clip(None, 1)
    bent = 1 / (1 + (1 / fraction - 1) * (distance / np.maximum(now, 1e-3)).clip(0, 1))
    return distance * (fraction + bent) / 2
