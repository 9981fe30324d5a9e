"""The inside of a mouth where a photo does not show it: upper teeth that stay with the skull, lower ones that move with
the jaw, the tongue behind them, and what is dark behind all.

Lengths are in mouth widths, between the corners of the lips, after the proportions of adults: a mouth 50 mm wide shows
upper incisors of 8.5 and 6.5 mm, 10 mm high (Magne, Gallucci & Belser 2003, J Prosthet Dent 89(5), rounded).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_UPPER_ENDS = np.array([0.0, 0.165, 0.285, 0.375, 0.445, 0.5])  # where upper teeth meet, from the midline on
_LOWER_ENDS = np.array([0.0, 0.10, 0.20, 0.295, 0.37, 0.43])
_HIGH, _LOW = 0.19, 0.15  # heights of the rows
REST, BEHIND = 0.055, 0.02  # upper tips below the line of closed lips; lower tips above those
_ROUND = 0.012  # by which the edges of a tooth are shorter than its middle
_MEET, _DEPTH = 0.007, 0.30  # half the breadth of the line between two teeth, and how dark it is
_SOFT = 0.7  # pixels of blur
_LIP_SHADE = 0.05  # over which a lip shades what is behind it
_TONGUE, _TONGUE_HIGH = 0.34, 0.16  # half its breadth, and how far it rises above the lower tips at most
_SEEN = (0.06, 0.16)  # gaps over which the tongue comes to light

# Linear, of a white surface.
_ENAMEL = np.array([0.60, 0.53, 0.44], np.float32)
_GUM = np.array([0.30, 0.105, 0.095], np.float32)
_FLESH = np.array([0.085, 0.022, 0.018], np.float32)
_MEAT = np.array([0.26, 0.085, 0.08], np.float32)
_BACK = 0.30  # brightness of what lies deepest, over that behind the lips


@dataclass(frozen=True, eq=False)
class Jaws:
    """Where the rows of teeth end, in the axes of a mouth as seen from the skull, at x (N,) along it.

    Attributes:
        x: (N,) pixels from the middle of the mouth.
        upper: (N,) y of the upper tips.
        lower: (N,) y of the lower tips.
    """

    x: np.ndarray
    upper: np.ndarray
    lower: np.ndarray


def painted(jaws: Jaws, width: float, x: np.ndarray, y: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Colours of a mouth's inside at places x, y (h, w) between its edges, top and bottom (h, w): (h, w, 3) linear, of
    what a white surface sends. `width` is the mouth's, in pixels.
    """
    unit = max(width, 1.0)
    far = np.abs(x) / unit
    along = (far / 0.5).clip(0, 1)
    inside_top, inside_bottom = ((y - top) / unit).clip(0, None), ((bottom - y) / unit).clip(0, None)
    gap = ((bottom - top) / unit).clip(0, None)
    upper = np.interp(x, jaws.x, jaws.upper)
    lower = np.interp(x, jaws.x, jaws.lower)

    deep = 1 - np.exp(-np.minimum(inside_top, inside_bottom) / 0.06)
    found = _FLESH * (1 - (1 - _BACK) * deep)[..., None]

    rise = ((gap - _SEEN[0]) / (_SEEN[1] - _SEEN[0])).clip(0, 1) * _TONGUE_HIGH
    arch = np.sqrt((1 - (far / _TONGUE) ** 2).clip(0, 1))
    over = (y - (lower - unit * (rise * arch - 0.02))) / unit
    lit = 0.45 + 0.55 * (over / 0.12).clip(0, 1)
    furrow = 1 - 0.15 * np.exp(-((far / 0.02) ** 2))
    found = _laid(found, _MEAT * (lit * furrow)[..., None], (over * unit + 0.5).clip(0, 1) * (far < _TONGUE))

    for tips, sign, ends, height, bright in (
        (lower, -1.0, _LOWER_ENDS, _LOW, 0.78),
        (upper, 1.0, _UPPER_ENDS, _HIGH, 1.0),
    ):
        tooth, crown = _row(far, sign * (tips - y) / unit, ends, height)
        dim = bright * (1 - 0.5 * along**2)
        colour = _ENAMEL * (dim * crown)[..., None]
        gum = _GUM * (0.9 * dim)[..., None]
        gums = (unit * (sign * (tips - y) / unit - height) + 0.5).clip(0, 1)
        found = _laid(found, _laid(colour, gum, gums), (tooth * unit + 0.5).clip(0, 1) * (1 - along**6))

    shade = (1 - 0.75 * np.exp(-inside_top / _LIP_SHADE)) * (1 - 0.35 * np.exp(-inside_bottom / _LIP_SHADE))
    return cv2.GaussianBlur((found * shade[..., None]).astype(np.float32), (0, 0), _SOFT)


def _row(far: np.ndarray, into: np.ndarray, ends: np.ndarray, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Of a row of teeth at places so far from the midline and so far into the row from its tips, in mouth widths: how
    far into a tooth they lie (negative outside), and how bright it is there, 0 to 1.
    """
    number = (np.searchsorted(ends, far, side="right") - 1).clip(0, len(ends) - 2)
    left, right = ends[number], ends[number + 1]
    across = ((far - left) / (right - left)).clip(0, 1)
    rounded = _ROUND * (2 * across - 1) ** 4
    nearest = np.minimum(far - left, right - far)
    nearest = np.where(number == 0, np.minimum(far, right - far), nearest)
    line = 1 - _DEPTH * np.exp(-((nearest / _MEET) ** 2))
    curved = 1 - 0.22 * (2 * across - 1) ** 2
    neck = 1 - 0.18 * (into / height).clip(0, 1)
    return into - rounded, line * curved * neck


def _laid(under: np.ndarray, over: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    return under + fraction[..., None] * (over - under)
