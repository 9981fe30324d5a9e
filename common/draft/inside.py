"""The inside of a mouth after the lips have moved: the photo's own teeth, and paint where it shows nothing.

A row of teeth moves as one piece: what lies above the dark line between the rows, or all of it where there is none,
stays with the skull, and what lies below goes with the lower lip. What more of the mouth comes to light is the nearest
that the photo shows, drawn out; where that would be too much, it is painted.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face3d.fit_light import to_srgb
from .lips import COLUMNS, Lips, Parted, least_path, smoothed

_ROWS = 32
_GAP = 0.45  # of the brightness of teeth: what is darker is between the rows
_MIDDLE = 0.1  # of the same: a gap in the middle is likelier by so much
_RIM = 0.015  # of a mouth's width above the lower lip's edge, which is not known better: it stays with that lip
_LIP = 0.12  # of a mouth's width: so far from its edges there is lip or skin
_SHOWN = 0.04  # of a mouth's width: a mouth that is open less shows nothing of its inside
_DRAWN_OUT = (2.0, 4.0)  # times; between these, what is drawn out goes over into paint
_NARROW = 0.03  # of a mouth's width
_EDGE = 1.0  # pixels
_FLESH = np.array([0.05, 0.012, 0.010], np.float32)  # linear, beside the lips
_ENAMEL = np.array([0.50, 0.44, 0.36], np.float32)
_DIM, _DEEP = 0.05, 0.2  # of a mouth's width, over which it gets dark behind the lips; what light is left then
_LIP_SHADE = 0.03  # of a mouth's width, over which an upper lip shades the teeth
_TOOTH, _BREADTH = 0.055, 0.16  # of a mouth's width: upper teeth below the line of closed lips; breadth of one


@dataclass(frozen=True, eq=False)
class Inside:
    """What is seen inside a mouth, at places (h, w, 2).

    Attributes:
        sources: (h, w, 2) in the axes of `Lips`, where the photo shows it.
        painted: (h, w) in [0, 1], where it does not.
        paint: (h, w, 3) display values in [0, 1].
    """

    sources: np.ndarray
    painted: np.ndarray
    paint: np.ndarray


def inside_of(lips: Lips, bitten: np.ndarray, white: np.ndarray, parted: Parted, places: np.ndarray) -> Inside:
    """Look into the mouth.

    Args:
        lips: their edges in the photo.
        bitten: (COLUMNS,) where the upper teeth end in it, see `bite`.
        white: (3,) how bright it shows a white surface, linear.
        parted: the lips' edges after the change.
        places: (h, w, 2) in the axes of `Lips`, seen from the skull.
    """
    x = places[..., 0].clip(parted.x[0], parted.x[-1])
    now_top, now_bottom = (np.interp(x, parted.x, y) for y in (parted.upper, parted.lower))
    y = np.minimum(np.maximum(places[..., 1], now_top), now_bottom)
    # The middle stays where it is; towards the corners of a mouth that widens, its inside is drawn out.
    right, left = (_drawn_out(sign * x, sign * end, sign * was) for sign, end, was in (
        (1, parted.x[-1], lips.shown[1]), (-1, parted.x[0], lips.shown[0])))  # fmt: skip
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
    return Inside(sources, painted.astype(np.float32), _paint(lips, white, x, y, now_top, now_bottom))


def bite(picture: np.ndarray, lips: Lips) -> np.ndarray:
    """The line under the upper row of teeth, y (COLUMNS,) in the mouth's axes; the lower lip's edge where no gap is
    seen between the rows.

    Args:
        picture: (S, S, 3) uint8, the window.
        lips: in it.
    """
    heights = lips.upper + np.linspace(0, 1, _ROWS)[:, None] * (lips.lower - lips.upper)
    if not shows(lips):
        return lips.lower
    places = lips.window(np.stack([np.broadcast_to(lips.x, heights.shape), heights], 2)).astype(np.float32)
    bright = cv2.remap(picture, places[..., 0], places[..., 1], cv2.INTER_LINEAR).astype(np.float32).mean(2)
    beside = np.stack([lips.upper - _LIP * lips.width, lips.lower + _LIP * lips.width])
    beside = lips.window(np.stack([np.broadcast_to(lips.x, beside.shape), beside], 2)).astype(np.float32)
    lit = float(cv2.remap(picture, beside[..., 0], beside[..., 1], cv2.INTER_LINEAR).mean())
    share = np.linspace(-1, 1, _ROWS)[:, None]
    cost = bright / max(float(np.quantile(bright, 0.9)), lit, 1.0) + _MIDDLE * share**2
    cost[-1] = np.where(bright.mean() > _GAP * lit, _GAP, 1)
    line = heights[least_path(cost, 0.05, 2), np.arange(COLUMNS)]
    line = np.minimum(smoothed(line, 2.0), lips.lower - _RIM * lips.width)
    return np.maximum(line, lips.upper)


def shows(lips: Lips) -> bool:
    """Whether lips are open so far that a photo shows what is between them."""
    return bool((lips.lower - lips.upper).mean() > _SHOWN * lips.width)


def _drawn_out(distance: np.ndarray, now: np.ndarray | float, was: np.ndarray | float) -> np.ndarray:
    """From distances now to those before: such that `now` was `was`, where that is less, and less drawn out near 0."""
    share = (np.maximum(was, 1e-3) / np.maximum(now, 1e-3)).clip(None, 1)
    bent = 1 / (1 + (1 / share - 1) * (distance / np.maximum(now, 1e-3)).clip(0, 1))
    return distance * (share + bent) / 2


def _paint(
    lips: Lips, white: np.ndarray, x: np.ndarray, y: np.ndarray, top: np.ndarray, bottom: np.ndarray
) -> np.ndarray:
    """Colours of a mouth's inside at places x, y (h, w) between its edges top and bottom: display values (h, w, 3).

    Under an upper lip that has been closed, the upper teeth come to light, which reach a little below where the lips
    met; the rest is dark flesh.
    """
    deep = (np.minimum(y - top, bottom - y) / (_DIM * lips.width)).clip(0, None)
    colour = _FLESH * (_DEEP + (1 - _DEEP) * np.exp(-deep))[..., None]
    if not shows(lips):
        along = x / (lips.width / 2)
        tips = np.interp(x, lips.x, lips.upper) + _TOOTH * lips.width * (1 - along**2).clip(0, None)
        number = np.abs(x) / (_BREADTH * lips.width)
        between = np.exp(-(((number - np.rint(number)) / 0.07) ** 2))
        tips = tips - 0.12 * _TOOTH * lips.width * (2 * np.abs(number - np.floor(number) - 0.5)) ** 4
        share = ((tips - y) / _EDGE).clip(0, 1) * (1 - along**4).clip(0, 1)
        shade = (1 - np.exp(-(y - top).clip(0, None) / (_LIP_SHADE * lips.width))) * (1 - 0.6 * along**2).clip(0, 1)
        tooth = _ENAMEL * ((0.35 + 0.65 * shade) * (1 - 0.25 * between))[..., None]
        colour = colour + share[..., None] * (tooth - colour)
    return to_srgb((white * colour).clip(0, 1)).astype(np.float32)
