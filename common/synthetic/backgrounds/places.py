"""Backgrounds with things in them: rooms, nature, streets. For the arguments see `background.Painter`."""

from __future__ import annotations

import cv2
import numpy as np

from ..scene.colours import NAMED, from_code
from .painting import blend, box, defocus, disc, fill, grid, lit, noise, rgb, shadow, step, tint

_SPINE_CODES = (
    *(0x6B2A26, 0x2C3E5C, 0x35523E, 0x8A6A3A, 0xC9B48A, 0x1F2024),
    *(0xDAD4C6, 0x7A4A2B, 0x4A3550, 0x9C3B2E, 0x4F6F78, 0xB08A3E),
)
_SPINES = np.array([from_code(code) for code in _SPINE_CODES], np.float32)
_LIGHTS = np.array(
    [(1, 0.55, 0.18), (1, 0.75, 0.45), (1, 0.9, 0.75), (0.6, 0.8, 1), (1, 0.18, 0.12), (0.25, 1, 0.55)], np.float32
)


def bookshelf(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Shelves in the main colour, full of books, with gaps and a few vases in the other."""
    canvas = np.empty((n, n, 3), np.float32)
    canvas[:] = colour * np.float32(0.22)
    rows, board = int(rng.integers(3, 6)), rng.uniform(0.012, 0.02)
    pitch, top = 1.12 / rows, -rng.uniform(0.0, 0.12)
    for row in range(rows + 1):
        floor = top + (row + 1) * pitch
        x = -rng.uniform(0, 0.05)
        while x < 1:
            if rng.random() < 0.09:
                x = _between_books(rng, canvas, x, floor, pitch, second)
                continue
            width, height = rng.uniform(0.012, 0.036), pitch * rng.uniform(0.55, 0.86)
            lean = rng.uniform(0.01, 0.03) if rng.random() < 0.06 else 0.0
            spine = _SPINES[int(rng.integers(len(_SPINES)))] * np.float32(np.exp(rng.normal(0, 0.3)))
            corners = [(x + lean, floor - height), (x + lean + width, floor - height), (x + width, floor), (x, floor)]
            fill(canvas, corners, spine)
            shaded = [corners[0], (x + lean + 0.2 * width, floor - height), (x + 0.2 * width, floor), corners[3]]
            fill(canvas, shaded, spine * 0.6)
            if rng.random() < 0.5:
                line = floor - height * rng.uniform(0.6, 0.9)
                box(canvas, x + lean / 2, line, x + lean / 2 + width, line + 0.012, np.minimum(spine * 2.2 + 0.05, 0.8))
            x += width + lean + rng.uniform(0, 0.0025)
        box(canvas, -0.1, floor, 1.1, floor + board, colour)
    for upright in np.arange(rng.uniform(0, 0.5), 1.2, rng.uniform(0.5, 0.8)):
        box(canvas, upright, -0.1, upright + board, 1.1, colour * np.float32(0.9))
    y, _ = grid(n)
    under = ((y - top) % pitch) / pitch  # the board above throws a shadow on each row
    return canvas * (lit(rng, n) * (0.45 + 0.55 * step(under, 0.02, 0.45)))[..., None]


def _between_books(
    rng: np.random.Generator, canvas: np.ndarray, x: float, floor: float, pitch: float, colour: np.ndarray
) -> float:
    """A gap in a row of books, most with a vase; returns where the books continue."""
    width = rng.uniform(0.04, 0.1)
    if rng.random() < 0.7:
        radius, middle = 0.4 * width, x + width / 2
        disc(canvas, middle, floor - 1.1 * radius, radius, colour, flat=1.15)
        neck = floor - min(2.8 * radius, 0.8 * pitch)
        box(canvas, middle - 0.35 * radius, neck, middle + 0.35 * radius, floor - radius, colour)
        disc(canvas, middle - 0.35 * radius, floor - 1.4 * radius, 0.25 * radius, np.minimum(colour * 1.6 + 0.1, 1))
    return x + width


def window(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A window in a wall of the main colour, bright outside; some have curtains in the other."""
    y, x = grid(n)
    left, width = rng.uniform(-0.15, 0.55), rng.uniform(0.4, 0.75)
    top, height = rng.uniform(-0.2, 0.12), rng.uniform(0.6, 0.95)
    right, bottom = left + width, top + height
    outside = _outside(rng, n, top, bottom)
    # Inside: dark beside so much light, brighter where it spills.
    away = np.hypot(np.maximum(np.maximum(left - x, x - right), 0), np.maximum(np.maximum(top - y, y - bottom), 0))
    canvas = tint((0.30 + 0.5 * np.exp(-away / 0.12)) * (1 + 0.03 * noise(rng, n, 30, 2)), colour)
    frame = 0.62 if rng.random() < 0.7 else 0.12
    bar, rim = rng.uniform(0.012, 0.02), rng.uniform(0.025, 0.04)
    box(canvas, left - rim, top - rim, right + rim, bottom + rim, (frame * 0.8,) * 3)
    pane = (x > left) & (x < right) & (y > top) & (y < bottom)
    canvas[pane] = outside[pane]
    for part in range(1, int(rng.integers(2, 4))):
        middle = left + width * part / 2
        box(canvas, middle - bar, top, middle + bar, bottom, (frame,) * 3)
    for line in np.arange(1, int(rng.integers(1, 4))):
        middle = top + height * line / 3
        box(canvas, left, middle - bar / 2, right, middle + bar / 2, (frame,) * 3)
    box(canvas, left - 2 * rim, bottom + rim, right + 2 * rim, bottom + rim + 0.03, (frame * 0.9,) * 3)
    if rng.random() < 0.5:
        folds = 0.6 + 0.3 * np.sin(2 * np.pi * 22 * x + 1.5 * noise(rng, n, (2, 4), 2))
        edge = 0.03 * np.sin(3 * y + rng.uniform(0, 6))
        one = step(left + 0.13 * width - x + edge, -0.004, 0.004) * step(x, left - 0.12, left - 0.11)
        other = step(x - right + 0.13 * width + edge, -0.004, 0.004) * step(right + 0.12 - x, 0, 0.01)
        cloth = np.maximum(one, other) * step(y, top - 0.08, top - 0.07)
        canvas = blend(canvas, tint(folds.astype(np.float32), second), cloth)
    return canvas


def _outside(rng: np.random.Generator, n: int, top: float, bottom: float) -> np.ndarray:
    """What a window shows: bright sky, below it trees or houses, far out of focus."""
    small = n // 4 if n % 4 == 0 else n
    y, _ = grid(small)
    skyline = bottom - (bottom - top) * rng.uniform(0.15, 0.6) + 0.05 * noise(rng, small, 3, 3)
    trees = rgb(0.13, 0.20, 0.09) if rng.random() < 0.6 else rgb(0.36, 0.31, 0.27)
    ground = tint(1.3 * np.exp(0.4 * noise(rng, small, 7, 3)), trees)
    low = np.broadcast_to(step(y, top, bottom), (small, small))
    above = blend(rgb(1.15, 1.25, 1.4), rgb(1.5, 1.5, 1.48), low)
    view = defocus(blend(above, ground, step(y - skyline, -0.03, 0.03)), 0.02)
    return cv2.resize(view, (n, n), interpolation=cv2.INTER_CUBIC)


def room(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The corner of a room, with framed pictures and furniture."""
    y, x = grid(n)
    corner, side = rng.uniform(0.12, 0.35), bool(rng.integers(2))
    canvas = tint(lit(rng, n) * (1 + 0.03 * noise(rng, n, 4, 3)), colour)
    ceiling = rng.uniform(-0.25, 0.12)
    fill(canvas, [(0, -0.1), (1, -0.1), (1, ceiling), (corner, ceiling), (0, ceiling - corner)], (0.6, 0.59, 0.56))
    beside = (x < corner) & (y > ceiling - (corner - x))
    canvas[beside] *= np.float32(0.55)
    canvas *= (1 - 0.2 * np.exp(-np.abs(x - corner) / 0.04) + 0 * y)[..., None]
    for _ in range(int(rng.integers(2, 5))):
        _framed(rng, canvas, rng.uniform(corner + 0.02, 0.85), ceiling + rng.uniform(0.06, 0.4))
    height, left = rng.uniform(0.62, 0.85), rng.uniform(corner, 0.6)
    width = rng.uniform(0.3, 0.6)
    shadow(canvas, [(left, height), (left + width + 0.03, height), (left + width + 0.03, 1.1), (left, 1.1)], 0.03, 0.5)
    body = second * np.float32(0.7)
    box(canvas, left, height, left + width, 1.1, body)
    box(canvas, left, height, left + width, height + 0.015, np.minimum(body * 1.5, 1))
    for drawer in np.linspace(0, 1, int(rng.integers(2, 4)))[1:-1]:
        box(canvas, left + drawer * width - 0.003, height + 0.03, left + drawer * width + 0.003, 1.1, body * 0.5)
    stand = left + width * rng.uniform(0.15, 0.85)
    if rng.random() < 0.5:
        _plant(rng, canvas, stand, height)
    else:
        glow = np.exp(-((x - stand) ** 2 + (y - height + 0.2) ** 2) / 0.045)
        canvas += (0.35 * glow)[..., None] * rgb(1, 0.75, 0.45)
        box(canvas, stand - 0.008, height - 0.13, stand + 0.008, height, (0.05, 0.04, 0.03))
        shade = [(-0.05, -0.27), (0.05, -0.27), (0.08, -0.12), (-0.08, -0.12)]
        fill(canvas, np.add(shade, (stand, height)), (1.4, 1.1, 0.7))
    return canvas if side else np.ascontiguousarray(canvas[:, ::-1])


def _framed(rng: np.random.Generator, canvas: np.ndarray, left: float, top: float) -> None:
    """A framed picture on the wall, with its shadow."""
    width, height, rim = rng.uniform(0.1, 0.26), rng.uniform(0.12, 0.28), rng.uniform(0.008, 0.016)
    right, bottom = left + width, top + height
    cast = [(left, top), (right, top), (right, bottom), (left, bottom)]
    shadow(canvas, np.add(cast, (0.011, 0.017)), 0.008, 0.45)
    frame = [(0.02, 0.02, 0.02), (0.25, 0.13, 0.06), (0.5, 0.36, 0.15), (0.7, 0.7, 0.68)][int(rng.integers(4))]
    box(canvas, left, top, right, bottom, frame)
    mat = rim + rng.uniform(0, 0.025)
    box(canvas, left + rim, top + rim, right - rim, bottom - rim, (0.72, 0.7, 0.66))
    shades = [NAMED[name] for name in rng.choice(list(NAMED), 3)]
    middle = top + height * rng.uniform(0.4, 0.7)
    box(canvas, left + mat, top + mat, right - mat, middle, shades[0])
    box(canvas, left + mat, middle, right - mat, bottom - mat, shades[1])
    disc(canvas, left + width * rng.uniform(0.4, 0.6), middle, 0.22 * min(width, height), shades[2])


def _plant(rng: np.random.Generator, canvas: np.ndarray, x: float, floor: float) -> None:
    """A plant in a pot."""
    pot = NAMED[str(rng.choice(["white", "brown", "orange", "grey", "black"]))]
    for _ in range(26):
        angle, reach = rng.uniform(-160, -20), rng.uniform(0.08, 0.2)
        across, down = 0.5 * reach * np.cos(np.radians(angle)), 0.5 * reach * np.sin(np.radians(angle))
        green = np.array([0.05, 0.13, 0.035]) * np.exp(rng.normal(0, 0.4))
        disc(canvas, x + across, floor - 0.07 + down, reach / 2, green, angle, 0.22)
    fill(canvas, [(x - 0.045, floor - 0.08), (x + 0.045, floor - 0.08), (x + 0.033, floor), (x - 0.033, floor)], pot)


def foliage(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Leaves far out of focus, with sunlight through them; `second` is not used."""
    del second
    y, _ = grid(n)
    bright, horizon = rng.uniform(0.5, 1.1), rng.uniform(0.7, 1.2)
    season = np.exp(rng.normal(0, [0.35, 0.12, 0.3])).astype(np.float32)
    colour = (0.7 * colour + 0.3 * colour.mean()) * season
    shade = np.exp(0.45 * noise(rng, n, int(rng.integers(2, 7)), 4)) * (0.75 + 0.5 * (1 - y))
    canvas = tint(0.8 * shade.astype(np.float32), colour * bright)
    leaves = rng.uniform(0.02, 0.08)
    for _ in range(150):
        radius, x, level = rng.uniform(0.012, leaves), rng.uniform(-0.05, 1.05), rng.uniform(-0.05, 1.05)
        warm, value = rng.uniform(0, 1), np.exp(rng.normal(-0.2 + 0.5 * (1 - level), 0.6))
        leaf = (colour * (1 - 0.5 * warm) + 0.5 * warm * rgb(0.30, 0.32, 0.04)) * np.float32(bright * value)
        disc(canvas, x, level, radius, np.minimum(leaf, 1.1), rng.uniform(0, 180), rng.uniform(0.35, 0.9))
    canvas = defocus(canvas, 0.02)
    for _ in range(int(rng.integers(0, 40))):  # gaps to the sky
        x, level = rng.uniform(0, 1), abs(rng.normal(0, 0.3))
        if level < horizon:
            gap = rgb(1.2, 1.25, 1.1) * np.float32(rng.uniform(0.7, 1.4))
            disc(canvas, x, level, rng.uniform(0.008, 0.02), gap)
    return canvas


def sky(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Open sky over hills, sea or sand; `second` is not used."""
    del second
    y, x = grid(n)
    horizon, cover = rng.uniform(0.62, 0.95), rng.uniform(-0.6, 1.1)
    blue = colour * np.float32(0.75) + rgb(0.05, 0.12, 0.28)
    canvas = blend(blue, rgb(0.78, 0.86, 0.95), (y / horizon).clip(0, 1) ** 1.5 + 0 * x)
    clouds = noise(rng, n, (6, 3), 5)
    body = step(clouds, 1.0 - cover, 2.6 - cover)
    lower = cv2.GaussianBlur(np.roll(clouds, -round(n / 40), 0), (0, 0), n / 50)
    canvas = blend(canvas, rgb(1.15, 1.13, 1.1) * (1 - 0.14 * np.clip(lower, -1, 2))[..., None], 0.9 * body)
    far = rgb(0.42, 0.52, 0.62)
    ground = [(0.07, 0.13, 0.04), (0.12, 0.24, 0.30), (0.45, 0.36, 0.24), (0.16, 0.15, 0.13)]
    near = rgb(*ground[int(rng.integers(4))])
    for layer in range(3):
        fraction = (layer + 1) / 3
        uneven = 0.03 * (1.3 - fraction) * noise(rng, n, (1, 4), 4)[n // 2][None]
        ridge = horizon + (fraction - 0.33) * (1.02 - horizon) + uneven
        land = (
            blend(far, near, np.full((n, n), fraction, np.float32)) * (1 + 0.12 * noise(rng, n, (20, 6), 3))[..., None]
        )
        canvas = blend(canvas, land, step(y - ridge, -0.002, 0.004 + 0.01 * fraction))
    return canvas


def city(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Lights of a street at night, each a disc, many in the main colour."""
    y, x = grid(n)
    level, base = rng.uniform(0.4, 0.7), rng.uniform(0.012, 0.035)
    glow = np.exp(-(((y - level) / 0.25) ** 2)) + 0 * x
    canvas = tint(0.02 + 0.07 * glow * (1 + 0.5 * noise(rng, n, 5, 3)), 0.5 * colour + rgb(0.25, 0.22, 0.3))
    for _ in range(7):  # houses against the sky
        left, roof, width = rng.uniform(-0.1, 1), level - rng.uniform(0, 0.35), rng.uniform(0.06, 0.25)
        box(canvas, left, roof, left + width, 1.1, rgb(0.02, 0.022, 0.03) + np.float32(0.03) * second)
    canvas = defocus(canvas, 0.015)
    light = np.zeros_like(canvas)
    for _ in range(int(rng.integers(60, 130))):
        radius = base * np.exp(rng.normal(0, 0.2))
        hue = colour if rng.random() < 0.4 else _LIGHTS[int(rng.integers(len(_LIGHTS)))]
        hue = hue / hue.max() * np.float32(np.exp(rng.normal(-1.2, 0.8)))
        _bokeh(light, rng.uniform(0, 1), rng.normal(level, 0.16), radius, hue)
    return canvas + light


def _bokeh(light: np.ndarray, x: float, y: float, radius: float, colour: np.ndarray) -> None:
    """Add a lamp out of focus in place: a disc, a little brighter at its rim."""
    n = len(light)
    low_x, low_y = (max(int((c - radius) * n) - 1, 0) for c in (x, y))
    high_x, high_y = (min(int((c + radius) * n) + 2, n) for c in (x, y))
    if low_x >= high_x or low_y >= high_y:
        return
    line_y, line_x = grid(n)
    away = np.hypot(line_x[:, low_x:high_x] - x, line_y[low_y:high_y] - y) / radius
    soft = 1.0 / (radius * n)
    profile = np.clip((1 - away) / soft + 0.5, 0, 1) * (0.75 + 0.4 * np.clip(away, 0, 1) ** 4)
    light[low_y:high_y, low_x:high_x] += profile[..., None] * colour.astype(np.float32)


def clutter(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A crowd of things of all shapes and colours before a wall."""
    canvas = tint(lit(rng, n), 0.7 * colour)
    names = list(NAMED)
    for number in range(34):
        x, y, size = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.03, 0.16)
        shade = second if rng.random() < 0.15 else rgb(*NAMED[names[int(rng.integers(len(names)))]])
        shade = 0.75 * shade + 0.25 * shade.mean()
        shade = np.minimum(shade * np.float32(np.exp(rng.normal(-0.25, 0.35))), 1)
        corners = _thing(rng, x, y, size)
        if number % 2:
            shadow(canvas, corners + np.array([0.012, 0.016]), 0.012, 0.5)
        fill(canvas, corners, shade)
        inner = (corners - corners.mean(0)) * rng.uniform(0.3, 0.8) + corners.mean(0) - 0.1 * size
        fill(canvas, inner, np.minimum(shade * np.float32(rng.choice([0.6, 1.35])), 1.2))
    return canvas * (0.55 + 0.45 * lit(rng, n))[..., None]


def _thing(rng: np.random.Generator, x: float, y: float, size: float) -> np.ndarray:
    """Corners (K, 2) of a box, a bottle, a ball or something with few corners."""
    kind, wide, high = int(rng.integers(4)), rng.uniform(0.35, 1), rng.uniform(0.5, 1.4)
    turn = rng.normal(0, 0.15) if rng.random() < 0.7 else rng.uniform(0, 3)
    if kind == 0:
        points = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    elif kind == 1:
        half = np.array([(0.3, -1.6), (0.3, -0.7), (0.8, -0.3), (0.8, 1)])
        points = np.concatenate([half, half[::-1] * (-1, 1)])
    else:
        around = np.linspace(0, 2 * np.pi, 40 if kind == 2 else int(rng.integers(3, 7)), endpoint=False)
        points = np.stack([np.cos(around), np.sin(around)], -1)
    points = points * (size * wide, size * high)
    cos, sin = np.cos(turn), np.sin(turn)
    return points @ np.array([(cos, sin), (-sin, cos)]) + (x, y)
