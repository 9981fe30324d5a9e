"""Backgrounds that are one surface: walls, backdrops, panels, cloth. For the arguments see `background.Painter`."""

from __future__ import annotations

import math

import numpy as np

from .painting import blend, grid, lit, noise, rgb, step, tint


def wall(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A painted wall; some have a corner, some a lower half in another colour."""
    y, x = grid(n)
    corner, dado = rng.random() < 0.35, rng.random() < 0.25
    edge, height, side = rng.uniform(0.05, 0.95), rng.uniform(0.5, 0.85), bool(rng.integers(2))
    shade = lit(rng, n) * (1 + 0.025 * noise(rng, n, 40, 2) + 0.04 * noise(rng, n, 3, 2))
    picture = tint(shade, colour)
    if dado:
        picture = blend(picture, tint(shade, 0.5 * (second + colour)), step(y, height, height + 0.004) + 0 * x)
        rail = np.exp(-(((y - height) / 0.008) ** 2))
        picture *= (1 + 0.35 * rail * np.sign(height - y))[..., None]
    if corner:
        away = (x - edge) if side else (edge - x)
        dark = 1 - 0.42 * step(away, -0.004, 0.004) - 0.14 * np.exp(-np.abs(away) / 0.06)
        picture *= (dark + 0 * y)[..., None]
    return picture


def gradient(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A smooth backdrop that goes from one colour to the other."""
    y, x = grid(n)
    angle, centre, width = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.15), rng.uniform(0.5, 1.1)
    along = (x - 0.5) * math.cos(angle) + (y - 0.5) * math.sin(angle) + 0.03 * noise(rng, n, 2, 2)
    fraction = step(along - centre, -width / 2, width / 2)
    return blend(colour, 0.6 * second + 0.4 * colour, fraction) * lit(rng, n, 0.25)[..., None]


def studio(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A painter's canvas with a pool of light behind the sitter."""
    y, x = grid(n)
    across, down, reach = rng.normal(0.5, 0.14), rng.normal(0.5, 0.12), rng.uniform(0.28, 0.5)
    pool = np.exp(-((x - across) ** 2 + ((y - down) / 1.15) ** 2) / (2 * reach**2))
    mottle = noise(rng, n, 4, 5)
    fraction = np.clip(0.25 + 0.18 * mottle, 0, 0.7)
    shade = (0.10 + 0.9 * pool) * (1 + 0.10 * mottle + 0.05 * noise(rng, n, 18, 3))
    return blend(colour, 0.4 * second, fraction) * shade[..., None]


def wallpaper(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Paper with a repeated figure: stripes, dots, diamonds, ornaments, zigzags or leaves."""
    y, x = grid(n)
    count, kind, strength = rng.uniform(4, 11), int(rng.integers(6)), rng.uniform(0.35, 0.9)
    turn = math.radians(rng.normal(0, 1.5))
    u = (x * math.cos(turn) + y * math.sin(turn) + rng.random()) * count
    v = (y * math.cos(turn) - x * math.sin(turn) + rng.random()) * count
    row = np.floor(v)
    p, q = np.abs((u + 0.5 * (row % 2)) % 1 - 0.5), v % 1 - 0.5  # mirrored across; every other row shifted
    soft = 0.5 * count / 128  # half a pixel of a small picture, so that edges look alike at all sizes
    if kind == 0:
        figure = step(np.abs(u % 1 - 0.5), 0.25 - soft, 0.25 + soft)
    elif kind == 1:
        figure = step(0.22 - np.hypot(p, q), -soft, soft)
    elif kind == 2:
        figure = step(np.abs(np.abs(u % 1 - 0.5) + np.abs(v % 1 - 0.5) - 0.5), 0.05, 0.05 + 2 * soft)
    elif kind == 3:
        curve = np.cos(7 * p) * np.cos(6.3 * q) + 0.6 * np.cos(19 * p + 5 * q) * np.cos(9 * q)
        curve = curve + 0.4 * np.cos(25 * np.hypot(p, q + 0.2))
        figure = step(curve, 0.35, 0.35 + 8 * soft)
    elif kind == 4:
        figure = step(np.abs((v + 0.8 * np.abs(u % 1 - 0.5)) % 1 - 0.5), 0.25 - soft, 0.25 + soft)
    else:
        leaf = p / (0.20 * np.sqrt(np.clip(1 - (2.2 * q) ** 2, 1e-3, None)))
        figure = step(1 - leaf, 0, 0.15 + 4 * soft) * step(np.abs(p - 0.012), 0.0, 0.02)
    paper = lit(rng, n) * (1 + 0.02 * noise(rng, n, 48, 2) + 0.02 * noise(rng, n, 3, 2))
    return blend(colour, (1 - strength) * colour + strength * second, figure) * paper[..., None]


def brick(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A brick wall in running bond, each brick of its own shade."""
    y, x = grid(n)
    rows, painted = rng.uniform(9, 18), rng.random() < 0.25
    if not painted and colour[0] > 2 * colour[2]:  # burnt clay is duller than paint
        colour = colour * np.float32(0.6) + rgb(0.10, 0.055, 0.04) * np.float32(colour.mean() / 0.12) ** 0.7
    ragged = 0.012 * noise(rng, n, 30, 2)
    skew = rng.normal(0, 0.05)
    v = (y + skew * (x - 0.5) + rng.random()) * rows
    row = np.floor(v).astype(int)
    u = (x + rng.random()) * rows / 3.1 + 0.5 * (row % 2)
    column = np.floor(u).astype(int)
    shades = np.exp(rng.normal(0, 0.06 if painted else 0.25, (64, 64, 1)) + rng.normal(0, 0.06, (64, 64, 3)))
    own = shades.astype(np.float32)[row % 64, column % 64]
    across, down = np.abs(u % 1 - 0.5) * 3.1, np.abs(v % 1 - 0.5)
    inside = np.minimum(1.55 - across, 0.5 - down) + ragged  # distance to the middle of the joint, in rows
    face = step(inside, 0.05, 0.11)
    bevel = step(inside, 0.08, 0.2)
    rough = 1 + 0.10 * noise(rng, n, 44, 3) + 0.05 * noise(rng, n, 5, 2)
    joint = colour * 0.8 if painted else 0.25 * second + np.float32(0.75 * 0.32)
    under = np.where(v % 1 < 0.5, 1.12, 0.88) * (1 - bevel) + bevel  # light from above on rounded edges
    picture = blend(joint * np.float32(0.65), colour * own * under[..., None], face)
    return picture * (lit(rng, n) * rough)[..., None]


def wood(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Planks with grain, upright or lying; `second` is not used."""
    del second
    y, x = grid(n)
    planks, upright = rng.uniform(4, 10), rng.random() < 0.65
    u = x * planks + rng.random()
    plank = np.floor(u).astype(int)
    shade = np.exp(rng.normal(0, 0.16, 32)).astype(np.float32)[plank % 32]
    phase = rng.uniform(0, 40, 32).astype(np.float32)[plank % 32]
    warp = noise(rng, n, (3, 12), 2)
    rings = np.sin(phase + 9 * (u % 1) + 1.8 * warp + 2.5 * y)
    grain = noise(rng, n, (4, 90), 2)
    edge = 0.5 - np.abs(u % 1 - 0.5)
    gap = step(edge, 0.004, 0.03) * (0.85 + 0.15 * step(edge, 0.03, 0.12))
    figure = shade * (1 + 0.10 * rings + 0.08 * grain) * (0.08 + 0.92 * gap)
    if not upright:
        figure = figure.T
    return tint(figure, colour) * lit(rng, n)[..., None]


def curtains(rng: np.random.Generator, n: int, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cloth in folds; some have a hem or stripes in the other colour."""
    y, x = grid(n)
    folds, sheer, striped = rng.uniform(3.5, 9), rng.random() < 0.3, rng.random() < 0.2
    sway = 0.5 * noise(rng, n, (1, 5), 2) * (0.4 + 0.4 * y)
    phase = 2 * math.pi * folds * x + rng.uniform(0, 6.28) + sway
    other = 1.7 * phase + rng.uniform(0, 6.28) + 0.5 * sway
    height = np.sin(phase) + 0.35 * np.sin(other)
    slope = np.cos(phase) + 0.55 * np.cos(other)
    side = float(rng.choice([-1, 1]))
    if sheer:
        shade = 0.95 + 0.16 * height + 0.06 * slope
    else:
        shade = 0.55 + 0.17 * height + 0.20 * side * slope - 0.25 * np.clip(-0.8 - height, 0, 1)
    shade = shade * (1 + 0.02 * noise(rng, n, (50, 90), 1)) * (1.25 if sheer else 1.05)
    cloth = np.broadcast_to(colour, (n, n, 3))
    if striped:
        band = step(np.sin(2 * math.pi * rng.uniform(2, 5) * y + 0.1 * height), 0.2, 0.35)
        cloth = blend(cloth, 0.5 * (colour + second), band)
    return cloth * (np.clip(shade, 0.03, None) * lit(rng, n, 0.4))[..., None]
