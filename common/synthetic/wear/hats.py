"""Hats, fitted over the skull."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ...core.face_labels import PARTS
from .layers import Layer, Patch, Skull, checked, checked_colour, clip, floats, joined, sheet, smooth, tessellate, unit
from .scalp import CENTRE, scale_of, surface


@dataclass(frozen=True)
class Hat:
    """Where a hat sits on the mean head; lengths in metres."""

    front: float  # height of its lower edge over the eyes, in front
    back: float  # the same behind
    band: float = 1.0  # height of the cloth above that edge; a crown that covers the head has 1
    off: float = 0.0105  # distance from the skin
    tall: float = 0.01  # what the top adds to that
    brim: float = 0.0  # reach of the brim in front
    round: float = 0.0  # reach of the brim at the sides and behind, as a fraction of that in front


_HATS: dict[str, Hat | None] = {
    "none": None,
    "beanie": Hat(0.043, -0.010, tall=0.014),
    "cap": Hat(0.046, 0.012, tall=0.018, brim=0.068),
    "wide brim": Hat(0.050, 0.015, tall=0.035, brim=0.075, round=0.9),
    "headband": Hat(0.050, 0.010, band=0.038, off=0.0095, tall=0.0),
}
HATS = tuple(_HATS)


def hat(kind: str, skull: Skull, rng: np.random.Generator, *, colour: np.ndarray) -> Layer | None:
    """Put a hat of `HATS` on a head: a layer of part "hat", or None for "none". Hair must be made with `under_hat=kind`
    to lie under it.

    `rng` draws its fit and the tone of its cloth; `colour` (3,) is albedo in linear light, [0, 1]. Raises InputError
    for an unknown kind, or a colour that cannot be used.
    """
    plan = checked("hat", kind, _HATS)
    colour = checked_colour(colour)
    if plan is None:
        return None
    patch, edge = _crown(kind)
    mean = patch.bound.on(surface().vertices)
    above = covered(kind, mean)
    normals = unit(patch.bound.on(skull.normals))
    size = scale_of(skull)
    top = smooth(above, 0.0, 0.09) if plan.band == 1 else np.zeros(len(mean))
    off = plan.off * (1 + rng.uniform(0, 0.2)) + plan.tall * top * rng.uniform(0.7, 1.5)
    cuff = rng.uniform(0.03, 0.045)
    if kind == "beanie":
        off = off + 0.003 * (1 - smooth(above, cuff - 0.001, cuff + 0.004))
    if kind == "cap":
        off = off + 0.010 * smooth(mean[:, 2], -0.06, 0.0) * smooth(above, 0, 0.03)
    vertices = patch.bound.on(skull.vertices) + normals * (off * size)[:, None]
    tone = _tone(kind, mean, above, rng)
    if kind == "beanie":
        tone = tone * (1 - 0.35 * np.exp(-(((above - cuff - 0.002) / 0.003) ** 2)))
    pieces = [(vertices, patch.triangles, normals, tone)]
    pieces.append(_lip(vertices, normals, edge, plan.off * 0.6 * size))
    if plan.brim:
        pieces.append(_brim(plan, vertices, edge, size, rng))
    shaded = [(*mesh, np.clip(tone[:, None] * colour, 0, 1)) for *mesh, tone in pieces]
    vertices, triangles, normals, shade = joined(shaded)
    return Layer("hat", vertices, triangles, shade, np.ones(len(vertices), np.float32), normals, gloss=0.05)


def covered(kind: str, points: np.ndarray) -> np.ndarray:
    """How far points (N, 3) near the mean head lie under a hat, about metres; negative where they are free."""
    plan = checked("hat", kind, _HATS)
    if plan is None:
        return np.full(len(points), -1.0, np.float32)
    line = np.interp(points[:, 2], [-0.18, 0.02], [plan.back, plan.front])
    above = points[:, 1] - line
    return np.minimum(above, plan.band - above).astype(np.float32) if plan.band < 1 else above.astype(np.float32)


@cache
def _crown(kind: str) -> tuple[Patch, np.ndarray]:
    """The part of the mean head under a hat, and the pieces of its edge."""
    head = surface()
    skin = np.isin(head.parts, [PARTS.index("skin")])
    near = (covered(kind, head.vertices)[head.triangles] > -0.03).any(1)
    patch = tessellate(head.triangles[skin & near], 2)
    return clip(patch, covered(kind, patch.bound.on(head.vertices)))


def _tone(kind: str, mean: np.ndarray, above: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lightness (N,) of the cloth: ribs of a knit, seams of a cap, and uneven dye."""
    angle = np.arctan2(mean[:, 0], mean[:, 2] - CENTRE[2])
    tone = 1 + 0.06 * np.sin(mean @ rng.normal(0, 60, 3) + 1) + rng.normal(0, 0.04, len(mean))
    if kind == "beanie":
        tone = tone * (1 + 0.16 * np.sin(angle * 64))
    if kind == "cap":
        tone = tone * (1 - 0.25 * np.exp(-((((angle * 3 / np.pi + 0.5) % 1 - 0.5) / 0.02) ** 2)))
    if kind == "wide brim":
        tone = tone * (1 - 0.6 * (1 - smooth(above, 0.022, 0.029)))
    return tone


def _lip(vertices: np.ndarray, normals: np.ndarray, edge: np.ndarray, depth: float):
    """The thickness of the cloth at its edge: a strip towards the skin."""
    used, edge = np.unique(edge, return_inverse=True)
    edge = edge.reshape(-1, 2)
    outer, normal = vertices[used], normals[used]
    inner = outer - normal * depth
    a, b = edge.T
    count = len(used)
    triangles = np.concatenate([np.stack([a, b, a + count], 1), np.stack([b, b + count, a + count], 1)])
    return np.concatenate([outer, inner]), triangles, np.concatenate([normal, normal]), np.full(2 * count, 0.6)


def _brim(plan: Hat, vertices: np.ndarray, edge: np.ndarray, size: float, rng: np.random.Generator):
    """The brim: a sheet from the edge outwards, falling a little at its sides."""
    rim = vertices[np.unique(edge)]
    around = np.arctan2(rim[:, 0], rim[:, 2] - CENTRE[2])
    order = np.argsort(around)
    whole = plan.round > 0
    angle = np.linspace(-np.pi if whole else -1.15, np.pi if whole else 1.15, 73 if whole else 37)
    start = np.stack([np.interp(angle, around[order], rim[order, i], period=2 * np.pi) for i in range(3)], 1)
    front = (1 + np.cos(angle)) / 2
    reach = (
        plan.brim * (plan.round + (1 - plan.round) * front)
        if whole
        else plan.brim * np.cos(angle / 1.15 * np.pi / 2) ** 0.6
    )
    reach = (reach * size * rng.uniform(0.85, 1.15))[:, None]
    out = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], 1)
    if not whole:
        out = unit(out * [0.35, 1, 1])
    steps = np.linspace(0, 1, 8)[:, None, None]
    drop = -0.22 if not whole else -0.12 + 0.1 * np.sin(2 * angle + rng.uniform(0, 6))[:, None]
    points = start - out * 0.003 + out * reach * steps
    bend = 3.2 * points[..., :1] ** 2 if not whole else 0.0
    points = points + floats([0, 1, 0]) * (drop * reach * steps - bend * steps)
    rows, columns = points.shape[:2]
    triangles, normal = sheet(points)
    normal = np.where(normal[..., 1:2] < 0, -normal, normal)
    tone = np.repeat(np.where(np.arange(rows) == rows - 1, 0.75, 0.95), columns)
    return points.reshape(-1, 3), triangles, normal.reshape(-1, 3), tone
