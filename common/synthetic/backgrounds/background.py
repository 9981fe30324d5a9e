"""What is behind a person: fourteen kinds of places, from a plain wall to a city at night, out of focus."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ...core.errors import InputError
from ..scene.factors import Background
from .painting import defocus
from .places import bookshelf, city, clutter, foliage, room, sky, window
from .surfaces import brick, curtains, gradient, studio, wall, wallpaper, wood

Painter = Callable[[np.random.Generator, int, np.ndarray, np.ndarray], np.ndarray]
"""(what draws, side in pixels, main colour, other colour) -> (side, side, 3) float32 linear light."""

BRIGHTEST = 1.5
# Painter, how many pixels a side it needs for each of the picture's, and how far out of focus it is at the least.
_PAINTERS: dict[str, tuple[Painter, int, float]] = {
    "wall": (wall, 1, 0.0),
    "gradient": (gradient, 1, 0.0),
    "studio": (studio, 1, 0.0),
    "wallpaper": (wallpaper, 1, 0.0),
    "brick": (brick, 1, 0.0),
    "wood": (wood, 1, 0.0),
    "curtains": (curtains, 1, 0.0),
    "bookshelf": (bookshelf, 2, 0.003),
    "window": (window, 2, 0.004),
    "room": (room, 2, 0.003),
    "foliage": (foliage, 1, 0.014),
    "sky": (sky, 1, 0.002),
    "city": (city, 1, 0.004),
    "clutter": (clutter, 2, 0.003),
}
KINDS = tuple(_PAINTERS)
"""What `Background.kind` may be, from plain to cluttered."""


def background(factors: Background, size: int) -> np.ndarray:
    """Paint a background for a square picture of `size` pixels, 8 or more.

    Returns (size, size, 3) float32 linear light in [0, 1.5]; the same bytes for the same input, and the same picture at
    every size. Raises InputError for an unknown kind, or a size that is too small.
    """
    if factors.kind not in _PAINTERS:
        raise InputError("The background is unknown.", code="unknown", expected=KINDS, actual=factors.kind)
    if size < 8:
        raise InputError("The background is too small.", code="range", expected="8 pixels or more", actual=size)
    painter, fine, least = _PAINTERS[factors.kind]
    fine = fine if size < 320 else 1  # from there on the lens alone smooths the edges
    rng = np.random.default_rng(np.random.SeedSequence([factors.pattern]))
    colour, second = np.array(factors.colour, np.float32), np.array(factors.second, np.float32)
    picture = np.maximum(painter(rng, size * fine, colour, second), 0).astype(np.float32)
    if fine > 1:
        picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    return np.clip(defocus(picture, max(factors.blur, least)), 0, BRIGHTEST)
