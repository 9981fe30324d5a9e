"""Things before a face, drawn by chance: masks, dark glasses, hands, hair, cups, and shapes of any colour."""

from __future__ import annotations

import cv2
import numpy as np

Drawn = tuple[np.ndarray, np.ndarray]
"""A picture (H, W, 3) uint8, and what hides it (H, W) float32 in [0, 1]."""


def occlude(picture: np.ndarray, landmarks: np.ndarray, rng: np.random.Generator) -> Drawn:
    """Draw one thing before a face.

    Args:
        picture: (H, W, 3) uint8, RGB.
        landmarks: (68, 2) of the face in it.
        rng: chance.
    """
    left, right = landmarks[36:42].mean(0), landmarks[42:48].mean(0)
    across = right - left
    axes = np.stack([across, [-across[1], across[0]]])
    drawers = (_mask, _mask, _glasses, _glasses, _hand, _hand, _strands, _cup, _blob)
    shape = drawers[rng.integers(len(drawers))](landmarks, axes, rng, picture.shape[:2])
    hides = cv2.GaussianBlur(shape, (0, 0), max(0.5, rng.uniform(0.005, 0.03) * float(np.linalg.norm(across))))
    colours = _paint(picture, landmarks, shape, float(np.linalg.norm(across)), rng)
    mixed = picture + hides[..., None] * (colours - picture)
    return np.rint(mixed.clip(0, 255)).astype(np.uint8), hides


def _paint(
    picture: np.ndarray, landmarks: np.ndarray, shape: np.ndarray, unit: float, rng: np.random.Generator
) -> np.ndarray:
    """Colours (H, W, 3) of what hides: plain, skin-coloured, patterned, shaded."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    kind = rng.choice(["plain", "grey", "skin", "pattern", "noise"], p=[0.25, 0.2, 0.2, 0.2, 0.15])
    inside = np.clip(np.rint(landmarks[[27, 30, 2, 14]]).astype(int), 0, [width - 1, height - 1])
    skin = np.median(picture[inside[:, 1], inside[:, 0]].astype(np.float32), 0)
    base = {"grey": np.full(3, rng.choice([15, 30, 60, 200, 235])), "skin": skin * rng.uniform(0.75, 1.15)}.get(
        str(kind), rng.uniform(10, 245, 3)
    )
    colours = np.broadcast_to(base.astype(np.float32), picture.shape).copy()
    if kind == "pattern":
        angle, period = rng.uniform(0, np.pi), rng.uniform(0.05, 0.3) * unit
        wave = np.sin(2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / period)
        wave = (
            wave * np.sin(2 * np.pi * (np.cos(angle) * y - np.sin(angle) * x) / period) if rng.random() < 0.5 else wave
        )
        colours += rng.uniform(10, 100, 3) * np.sign(wave)[..., None]
    if kind == "noise":
        noise = cv2.GaussianBlur(
            rng.normal(0, 1, picture.shape).astype(np.float32), (0, 0), rng.uniform(0.02, 0.15) * unit
        )
        colours += rng.uniform(10, 60) * noise / noise.std()
    deep = cv2.distanceTransform((shape > 0.5).astype(np.uint8), cv2.DIST_L2, 5) / unit
    slope = rng.normal(0, 0.12, 2) @ np.stack([(x - width / 2).ravel(), (y - height / 2).ravel()]) / unit
    shade = 1 + slope.reshape(height, width) - rng.uniform(0, 0.35) * np.exp(-deep / rng.uniform(0.03, 0.15))
    for _ in range(rng.integers(0, 4)):  # folds
        angle, place = rng.uniform(0, np.pi), rng.uniform(-1, 1)
        off = (np.cos(angle) * (x - landmarks[33, 0]) + np.sin(angle) * (y - landmarks[33, 1])) / unit - place
        shade = shade * (1 - rng.uniform(0, 0.25) * np.exp(-((off / rng.uniform(0.02, 0.08)) ** 2)))
    grain = rng.normal(0, rng.uniform(0, 4), picture.shape)
    return (colours * shade[..., None] + grain).astype(np.float32)


def _filled(polygons: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    shape = np.zeros(size, np.float32)
    for polygon in polygons:
        cv2.fillPoly(shape, [np.rint(polygon * 16).astype(np.int32)], 1.0, cv2.LINE_AA, shift=4)
    return shape


def _oval(centre: np.ndarray, wide: float, tall: float, axes: np.ndarray, power: float = 2.0) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 48)
    x, y = (np.sign(f(angle)) * np.abs(f(angle)) ** (2 / power) for f in (np.cos, np.sin))
    return centre + np.stack([wide * x, tall * y], 1) @ axes


def _mask(points: np.ndarray, axes: np.ndarray, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    top = points[27] + rng.uniform(0.2, 0.75) * (points[33] - points[27])
    side = points[[1, 15]] + rng.normal(0, 0.06, (2, 2)) @ axes
    low = points[2:15] + (points[2:15] - points[30]) * rng.uniform(-0.25, 0.1)
    return _filled([np.concatenate([[side[0], top, side[1]], low[::-1]])], size)


def _glasses(points: np.ndarray, axes: np.ndarray, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    wide, tall, power = rng.uniform(0.32, 0.48), rng.uniform(0.2, 0.36), rng.uniform(1.8, 5)
    eyes = [points[36:42].mean(0), points[42:48].mean(0)]
    ovals = [_oval(eye + rng.uniform(0, 0.08) * axes[1], wide, tall, axes, power) for eye in eyes]
    bridge = np.array([(0.2, -0.05), (0.8, -0.05), (0.8, 0.02), (0.2, 0.02)]) @ axes + eyes[0]
    return _filled([*ovals, bridge], size)


def _hand(points: np.ndarray, axes: np.ndarray, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    target = points[[slice(36, 42), slice(42, 48), slice(48, 68), slice(30, 36)][rng.integers(4)]].mean(0)
    angle = rng.uniform(-np.pi, np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) @ axes
    shape, thick = np.zeros(size, np.float32), rng.uniform(0.18, 0.26)
    for number in range(rng.integers(3, 6)):
        tip = target + np.array([(number - 1.7) * thick * 0.95, -rng.uniform(0.35, 0.6)]) @ turn
        foot = target + np.array([(number - 1.7) * thick * 0.8, 1.6]) @ turn
        ends = [tuple(int(v) for v in np.rint(16 * each)) for each in (tip, foot)]
        cv2.line(shape, ends[0], ends[1], 1.0, max(1, round(thick * float(np.linalg.norm(axes[0])))), cv2.LINE_AA, 4)
    return shape


def _strands(points: np.ndarray, axes: np.ndarray, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    eye = points[[slice(36, 42), slice(42, 48)][rng.integers(2)]].mean(0)
    shape = np.zeros(size, np.float32)
    for _ in range(rng.integers(60, 160)):
        x = rng.uniform(-0.4, 0.4)
        line = eye + np.array([(x, -1.1), (x + rng.normal(0, 0.03), -0.2), (0.9 * x, rng.uniform(0.4, 1))]) @ axes
        width = max(1, round(rng.uniform(0.02, 0.05) * float(np.linalg.norm(axes[0]))))
        cv2.polylines(shape, [np.rint(16 * line).astype(np.int32)], False, 1.0, width, cv2.LINE_AA, 4)
    return shape


def _cup(points: np.ndarray, axes: np.ndarray, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    mouth = points[48:68].mean(0)
    if rng.random() < 0.5:
        return _filled([_oval(mouth + 0.1 * axes[1], rng.uniform(0.3, 0.5), rng.uniform(0.3, 0.5), axes)], size)
    wide, top = rng.uniform(0.32, 0.6), rng.uniform(0.2, 0.4)
    return _filled([mouth + np.array([(-wide, -top), (wide, -top), (0.9 * wide, 1), (-0.9 * wide, 1)]) @ axes], size)


def _blob(points: np.ndarray, axes: np.ndarray, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    target = points[[slice(36, 42), slice(42, 48), slice(48, 68), slice(30, 36)][rng.integers(4)]].mean(0)
    corners = _oval(target, rng.uniform(0.35, 1.0), rng.uniform(0.3, 0.9), axes, rng.uniform(1.2, 8))
    return _filled([corners + (rng.normal(0, 0.08, 2) @ axes)], size)
