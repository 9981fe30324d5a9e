"""Glasses, resting on a person's nose and ears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .layers import Layer, Skull, checked, checked_colour, floats, joined, unit
from .scalp import scale_of, surface

_CORNERS = 44  # points around a lens
_SIDES = 6  # of the frame's cross-section
_Mesh = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Vertices, triangles, normals."""


@dataclass(frozen=True)
class Frame:
    """The shape of a frame; lengths in metres."""

    width: float  # of a lens
    height: float  # of a lens
    square: float  # exponent of the superellipse: 2 is an ellipse, larger has corners
    drop: float = 0.0  # how much lower the lens reaches outside than at the nose
    rim: float = 0.0022  # thickness of the frame; the height of its section is 1.4 times that
    lower: bool = True  # whether the rim runs below the lens too
    opacity: float = 0.1  # of the lenses


_GLASSES: dict[str, Frame | None] = {
    "none": None,
    "round": Frame(0.045, 0.042, 2.0, rim=0.0016),
    "rectangular": Frame(0.051, 0.033, 4.0, rim=0.0030),
    "aviator": Frame(0.055, 0.046, 2.4, drop=0.007, rim=0.0013),
    "half rim": Frame(0.052, 0.032, 3.6, rim=0.0024, lower=False),
    "sun": Frame(0.055, 0.042, 3.0, drop=0.003, rim=0.0034, opacity=0.85),
}
GLASSES = tuple(_GLASSES)


def glasses(kind: str, skull: Skull, rng: np.random.Generator, *, colour: np.ndarray) -> tuple[Layer, ...]:
    """Put glasses of `GLASSES` on a face: the frame and the lenses, of part "eye_g", seen through by their opacity, or
    nothing for "none".

    `rng` draws the size, the thickness of the frame and the tint of the lenses; `colour` (3,) is the frame's albedo in
    linear light, [0, 1]. Raises InputError for an unknown kind, or a colour that cannot be used.
    """
    plan = checked("glasses", kind, _GLASSES)
    colour = checked_colour(colour)
    if plan is None:
        return ()
    size = scale_of(skull) * rng.uniform(0.94, 1.06)
    rim = plan.rim * rng.uniform(0.8, 1.25)
    lens, middle = _lens(plan, skull, size)  # (K, 3) of the person's left eye
    upper = slice(None) if plan.lower else slice(0, _CORNERS // 2 + 1)
    arm, bridge = _arm(lens, skull, middle, size), _bridge(lens, skull, middle)
    tubes = [_tube(lens[upper], rim, rim * 1.4, plan.lower), _tube(arm, rim * 0.8, rim * 1.5, False)]
    tubes += [_mirror(tube, middle) for tube in tubes]
    tubes.append(_tube(bridge, rim * 0.9, rim * 1.3, False))
    vertices, triangles, normals = joined(tubes)
    shade = np.clip(colour * rng.uniform(0.95, 1.05, (len(vertices), 1)), 0, 1).astype(np.float32)
    frame = Layer("eye_g", vertices, triangles, shade, np.ones(len(vertices), np.float32), normals, gloss=0.7)
    disc = _disc(lens)
    vertices, triangles, normals = joined([disc, _mirror(disc, middle)])
    clear = plan.opacity < 0.5
    tint = rng.uniform(0.55, 0.75, 3) if clear else rng.uniform(0.01, 0.04) * rng.uniform(0.6, 1.4, 3)
    opacity = float(plan.opacity * (rng.uniform(0.8, 1.6) if clear else rng.uniform(0.75, 1.12)))
    tints = np.tile(tint.astype(np.float32), (len(vertices), 1))
    return frame, Layer(
        "eye_g", vertices, triangles, tints, np.ones(len(vertices), np.float32), normals, None, 1.0, opacity
    )


def _lens(plan: Frame, skull: Skull, size: float) -> tuple[np.ndarray, float]:
    """The outline (K, 3) of the left lens, from the temple over the top, and where the face's middle is (x)."""
    marks, middle = skull.landmarks, float(skull.landmarks[27, 0])
    eyes = (marks[42:48].mean(0) - marks[36:42].mean(0))[0] / 2
    angle = np.arange(_CORNERS) * (2 * np.pi / _CORNERS)
    round_x, round_y = np.cos(angle), np.sin(angle)
    x = np.sign(round_x) * np.abs(round_x) ** (2 / plan.square) * plan.width / 2 * size
    y = np.sign(round_y) * np.abs(round_y) ** (2 / plan.square) * plan.height / 2 * size
    y = y - plan.drop * np.maximum(-round_y, 0) * (0.5 + 0.5 * round_x)
    x = x + max(eyes + 0.001, (plan.width / 2 + 0.0085) * size)
    y = y + marks[36:48, 1].mean() - 0.002
    z = _sheet(x, y, marks[36:48, 1].mean())
    return np.stack([x + middle, y, z + _clearance(skull, middle, x, y)], 1), middle


def _sheet(x: np.ndarray, y: np.ndarray, height: float) -> np.ndarray:
    """The surface of the lenses without its distance from the face: bent about the head, the top tilted forward."""
    return -1.6 * x**2 + 0.10 * (y - height)


def _clearance(skull: Skull, middle: float, x: np.ndarray, y: np.ndarray) -> float:
    """How far in front the lenses must stand: 13 mm before the eyes, off brows, cheeks and nose."""
    marks = skull.landmarks
    height = float(marks[36:48, 1].mean())
    points = skull.vertices[np.unique(skull.triangles)]
    aside = np.abs(points[:, 0] - middle)
    near = (aside > x.min()) & (aside < x.max()) & (points[:, 1] > y.min()) & (points[:, 1] < y.max())
    near &= points[:, 2] > -0.03
    ahead = points[near, 2] - _sheet(aside[near], points[near, 1], height)
    eyes = marks[[37, 38, 40, 41, 43, 44, 46, 47], 2].max() + 0.011
    return float(max(ahead.max() + 0.0035 if near.any() else 0.0, eyes + 1.6 * 0.032**2, marks[27, 2] + 0.003))


def _arm(lens: np.ndarray, skull: Skull, middle: float, size: float) -> np.ndarray:
    """The left arm (P, 3): from the lens' outer edge over the ear."""
    hinge = lens[int(np.argmax(lens[:, 0] + 0.3 * lens[:, 1]))]
    ears = skull.landmarks[[0, 16]]
    ear = floats([np.abs(ears[:, 0] - middle).max() + middle + 0.002, ears[:, 1].mean() + 0.012, ears[:, 2].mean()])
    steps = np.linspace(0, 1, 9)[:, None]
    start = hinge + floats([0.003, 0, -0.002])
    path = np.concatenate(
        [
            hinge[None],
            start + (ear - start) * steps,
            ear + floats([[0.0, -0.002, -0.016], [-0.001, -0.018, -0.030]]) * size,
        ]
    )
    head = skull.vertices[surface().used[~surface().ears[surface().used]]]
    near = (np.abs(head[None, :, 1:] - path[:, None, 1:]) < 0.011).all(2)
    wide = np.where(near, np.abs(head[:, 0] - middle)[None], 0).max(1) + middle + 0.0025
    path[2:, 0] = np.maximum(path[2:, 0], wide[2:])
    return path


def _bridge(lens: np.ndarray, skull: Skull, middle: float) -> np.ndarray:
    """The piece over the nose (P, 3)."""
    inner = lens[int(np.argmin(lens[:, 0] - 0.4 * lens[:, 1]))]
    side = np.linspace(-1, 1, 11)
    half = inner[0] - middle
    arch = 1 - side**2
    nose = max(float(skull.landmarks[27, 2]) + 0.0035, float(inner[2]) + 0.001)
    return np.stack([middle + side * half, inner[1] + 0.003 * arch, inner[2] + (nose - inner[2]) * arch], 1)


def _tube(path: np.ndarray, depth: float, height: float, closed: bool) -> _Mesh:
    """Sweep an ellipse along a path (P, 3): vertices, triangles, normals."""
    ahead, behind = (np.roll(path, step, 0) for step in (-1, 1))
    if not closed:
        ahead[-1], behind[0] = path[-1], path[0]
    along = unit(ahead - behind)
    front = np.where(np.abs(along[:, 2:]) > 0.8, floats([1, 0, 0]), floats([0, 0, 1]))
    first = unit(front - along * np.einsum("ni,ni->n", front, along)[:, None])
    second = np.cross(along, first)
    angle = np.arange(_SIDES) * (2 * np.pi / _SIDES)
    c, s = np.cos(angle)[None, :, None], np.sin(angle)[None, :, None]
    vertices = path[:, None] + first[:, None] * c * depth / 2 + second[:, None] * s * height / 2
    normals = unit(first[:, None] * c / depth + second[:, None] * s / height)
    rows = len(path)
    ring, corner = np.meshgrid(np.arange(rows if closed else rows - 1), np.arange(_SIDES), indexing="ij")
    a, b = ring * _SIDES + corner, ring * _SIDES + (corner + 1) % _SIDES
    c, d = (ring + 1) % rows * _SIDES + corner, (ring + 1) % rows * _SIDES + (corner + 1) % _SIDES
    triangles = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    return vertices.reshape(-1, 3), triangles, normals.reshape(-1, 3)


def _disc(outline: np.ndarray) -> _Mesh:
    """Fill an outline (K, 3) with a slightly bulging sheet."""
    centre = outline.mean(0)
    rings = [centre[None]] + [centre + (outline - centre) * r + [0, 0, 0.0022 * (1 - r * r)] for r in (0.5, 1.0)]
    vertices = np.concatenate(rings)
    k, i = len(outline), np.arange(len(outline))
    j = (i + 1) % k
    triangles = np.concatenate(
        [
            np.stack([np.zeros_like(i), i + 1, j + 1], 1),
            np.stack([i + 1, i + 1 + k, j + 1], 1),
            np.stack([j + 1, i + 1 + k, j + 1 + k], 1),
        ]
    )
    return vertices, triangles, unit((vertices - centre) * [4, 4, 0] + [0.15, 0, 1])


def _mirror(mesh: _Mesh, middle: float) -> _Mesh:
    vertices, triangles, normals = mesh
    return vertices * [-1, 1, 1] + [2 * middle, 0, 0], triangles[:, ::-1], normals * [-1, 1, 1]
