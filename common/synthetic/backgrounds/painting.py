"""Brushes for backgrounds: every one works in parts of the picture's side, so size changes detail alone."""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import ArrayLike

_SHIFT = 4  # bits of a pixel's fraction in OpenCV's polygons


def grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Place the pixels: y (n, 1) and x (1, n) of the pixels' centres in [0, 1], float32."""
    line = (np.arange(n, dtype=np.float32) + np.float32(0.5)) / n
    return line[:, None], line[None]


def noise(rng: np.random.Generator, n: int, cells: int | tuple[int, int], octaves: int = 3) -> np.ndarray:
    """Cloudy noise (n, n) float32 of mean 0 and deviation about 1; how much is drawn does not depend on n.

    `cells` are the lumps over the side, or (down, across); each of the octaves is twice as fine and half as strong as
    the one before.
    """
    rows, columns = (cells, cells) if isinstance(cells, int) else cells
    small = n // 4 if n % 4 == 0 else n
    coarse, fine, power = np.zeros((small, small), np.float32), np.zeros((n, n), np.float32), 0.0
    for octave in range(octaves):
        height, width, gain = rows << octave, columns << octave, 0.5**octave
        table = gain * rng.standard_normal((height + 2, width + 2), np.float32)
        power += gain * gain * 0.6
        if 4 * max(height, width) <= small:  # smooth: a small picture will do
            # The table's outer ring lies outside the picture, where interpolation would run flat.
            across, down = small / width, small / height
            scale = np.array([[across, 0, -across / 2 - 0.5], [0, down, -down / 2 - 0.5]])
            coarse += cv2.warpAffine(table, scale, (small, small), None, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
        else:
            table = table[1:-1, 1:-1]
            if height > n or width > n:  # finer than the pixels: their mean
                table = cv2.resize(table, (min(width, n), min(height, n)), interpolation=cv2.INTER_AREA)
            fine += cv2.resize(table, (n, n), interpolation=cv2.INTER_CUBIC)
    fine += coarse if small == n else cv2.resize(coarse, (n, n), interpolation=cv2.INTER_CUBIC)
    return fine / np.float32(power**0.5)


def step(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below low, 1 above high, smooth between."""
    t = np.clip((x - low) * (1 / (high - low)), 0, 1)
    return t * t * (3 - 2 * t)


def lit(rng: np.random.Generator, n: int, depth: float = 0.6) -> np.ndarray:
    """Light on a wall (n, n) float32: brightest, 1, near some place, falling off by up to `depth`."""
    y, x = grid(n)
    across, down, reach = rng.uniform(-0.2, 1.2), rng.uniform(-0.4, 0.7), rng.uniform(0.7, 1.3)
    square = ((x - across) ** 2 + (y - down) ** 2) / reach**2
    light = 1 / (1 + square)
    return (1 - depth + depth * light / light.max()).astype(np.float32)


def rgb(red: float, green: float, blue: float) -> np.ndarray:
    """A colour (3,) float32."""
    return np.array([red, green, blue], np.float32)


def tint(shade: np.ndarray, colour: ArrayLike) -> np.ndarray:
    """Shades (n, n) of one colour, (n, n, 3) float32."""
    return shade[..., None] * np.asarray(colour, np.float32)


def blend(first: ArrayLike, second: ArrayLike, fraction: np.ndarray) -> np.ndarray:
    """The first picture or colour with a fraction (n, n) of the second."""
    start = np.asarray(first, np.float32)
    return start + fraction[..., None] * (np.asarray(second, np.float32) - start)


def fill(canvas: np.ndarray, points: ArrayLike, colour: Iterable[float]) -> None:
    """Fill a polygon with corners (x, y) in place."""
    n = len(canvas)
    corners = np.rint((np.asarray(points) * n - 0.5) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(canvas, [corners], tuple(map(float, colour)), shift=_SHIFT)


def box(canvas: np.ndarray, left: float, top: float, right: float, bottom: float, colour: Iterable[float]) -> None:
    """Fill a rectangle in place."""
    fill(canvas, [(left, top), (right, top), (right, bottom), (left, bottom)], colour)


def disc(
    canvas: np.ndarray, x: float, y: float, radius: float, colour: Iterable[float], angle: float = 0, flat: float = 1
) -> None:
    """Fill an ellipse in place, `flat` times as high as wide, turned by an angle in degrees."""
    n = len(canvas)
    turns = np.linspace(0, 2 * np.pi, 12 + int(radius * n), endpoint=False)
    a, b = radius * np.cos(turns), radius * flat * np.sin(turns)
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    fill(canvas, np.stack([x + a * cos - b * sin, y + a * sin + b * cos], -1), colour)


def shadow(canvas: np.ndarray, points: ArrayLike, blur: float, depth: float) -> None:
    """Darken a polygon in place, its edge as soft as `blur`, in parts of the side."""
    n = len(canvas)
    corners = np.asarray(points)
    left, top = np.maximum(((corners.min(0) - 3 * blur) * n).astype(int), 0)
    right, bottom = np.minimum(((corners.max(0) + 3 * blur) * n).astype(int) + 2, n)
    if left >= right or top >= bottom:
        return
    mask = np.zeros((bottom - top, right - left), np.float32)
    pixels = np.rint((corners * n - 0.5 - (left, top)) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(mask, [pixels], (depth,), shift=_SHIFT)
    mask = cv2.GaussianBlur(mask, (0, 0), max(blur * n, 0.5))
    canvas[top:bottom, left:right] *= 1 - mask[..., None]


def defocus(picture: np.ndarray, radius: float) -> np.ndarray:
    """What a lens out of focus sees of linear light (n, n, 3) float32: each point becomes a disc of a radius in parts
    of the side.
    """
    n = len(picture)
    pixels, small = radius * n, n
    if pixels < 0.35:
        return picture
    while pixels > 6 and small % 2 == 0:  # large discs need no fine pixels
        small, pixels = small // 2, pixels / 2
    work = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA) if small < n else picture
    reach = int(np.ceil(pixels))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(pixels + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    work = cv2.filter2D(work, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    return cv2.resize(work, (n, n), interpolation=cv2.INTER_CUBIC) if small < n else work
