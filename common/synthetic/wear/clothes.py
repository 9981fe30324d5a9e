"""Clothes on a person's shoulders, with a collar and folds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from .layers import (
    Bound,
    Layer,
    Patch,
    Skull,
    checked,
    checked_colour,
    clip,
    floats,
    joined,
    sheet,
    smooth,
    tessellate,
    unit,
)
from .scalp import surface

_NECK = floats([0.0, 0.0, -0.098])  # the neck's axis on the mean person, x and z in metres
_RADIUS = floats([0.062, 0.0, 0.056])  # and its half widths


@dataclass(frozen=True)
class Garment:
    """How a piece of clothing is cut; heights in metres on the mean person, whose eyes are at 0."""

    front: float  # height of the neckline in front
    side: float  # beside the neck
    back: float  # behind
    vee: float = 0.0  # height of the lowest point of a V in front; 0 has none
    slope: float = 1.4  # how steeply the V rises, height per width
    off: float = 0.005  # distance of the cloth from the skin
    fold: float = 0.0025  # height of its folds
    rib: float = 0.016  # width of a ribbed or sewn band along the neckline
    leaf: str = ""  # what lies around the neck: a key of `_LEAVES`, or ""
    under: bool = False  # whether a second piece shows inside the V
    gloss: float = 0.06  # of the cloth


_CLOTHES: dict[str, Garment] = {
    "t-shirt": Garment(-0.186, -0.160, -0.142),
    "crew neck": Garment(-0.172, -0.150, -0.130, off=0.007, rib=0.021),
    "v-neck": Garment(-0.186, -0.160, -0.140, vee=-0.250, slope=1.15, rib=0.014),
    "shirt": Garment(-0.170, -0.146, -0.124, vee=-0.205, slope=2.2, rib=0.0, leaf="collar", gloss=0.1),
    "turtleneck": Garment(-0.126, -0.108, -0.092, off=0.006, rib=0.0),
    "hoodie": Garment(-0.178, -0.150, -0.128, off=0.009, fold=0.004, rib=0.0, leaf="hood"),
    "jacket": Garment(
        -0.172, -0.146, -0.124, vee=-0.330, slope=2.0, off=0.010, fold=0.003, rib=0.0, leaf="lapel", under=True
    ),
}
CLOTHES = tuple(_CLOTHES)
_UNDER = Garment(-0.186, -0.160, -0.142, off=0.0035, fold=0.0)  # a t-shirt flat enough for a jacket


def plain(points: np.ndarray, colour: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One colour (3,) at points (N, 3), hardly uneven: (N, 3), as every weave returns it."""
    return colour * (1 + rng.normal(0, 0.02, (len(points), 1)))


def _stripes(points: np.ndarray, colour: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    wide = rng.uniform(0.02, 0.045)
    return _blend(colour, other, _line(points[:, 1], wide, rng.uniform(0.3, 0.6)))


def _melange(points: np.ndarray, colour: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return colour * np.exp(rng.normal(0, 0.16, (len(points), 1)))


def _checked(points: np.ndarray, colour: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    wide = rng.uniform(0.022, 0.05)
    both = _line(points[:, 0], wide, 0.45) + _line(points[:, 1], wide, 0.45)
    return _blend(colour, other, both / 2)


def _line(place: np.ndarray, wide: float, fraction: float) -> np.ndarray:
    """1 on lines that take a fraction of each period `wide` (metres), 0 between, (N,)."""
    phase, soft = np.abs((place / wide) % 1 - 0.5) * 2, 0.006 / wide  # as soft as the mesh is coarse
    return smooth(phase, 1 - fraction - soft, 1 - fraction + soft)


def _blend(colour: np.ndarray, other: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    return colour + (other - colour) * fraction[:, None]


_Weave = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], np.ndarray]
WEAVES: dict[str, _Weave] = {"plain": plain, "stripes": _stripes, "melange": _melange, "checked": _checked}
PATTERNS = tuple(WEAVES)


@dataclass(frozen=True)
class _Cloth:
    """What a garment is made of: two colours (3,), and how they are woven."""

    colour: np.ndarray
    other: np.ndarray
    weave: _Weave


def clothes(
    kind: str,
    skull: Skull,
    rng: np.random.Generator,
    *,
    colour: np.ndarray,
    pattern: str = "plain",
    detail: float = 1.0,
) -> Layer:
    """Dress a person's shoulders: a layer of part "cloth" that follows the neck as the skin beneath does.

    `kind` is one of `CLOTHES`, `pattern` one of `PATTERNS`; the mesh carries lines down to a centimetre. `rng` draws
    the folds, the fit of the collar and the pattern's second colour; `colour` (3,) is albedo in linear light, [0, 1].
    Below a `detail` of 0.5, plain cloth is made of a quarter of the triangles.

    Raises InputError for an unknown name, or a colour that cannot be used.
    """
    plan = checked("garment", kind, _CLOTHES)
    weave = checked("pattern", pattern, WEAVES)
    colour = checked_colour(colour)
    other = np.clip(colour * rng.uniform(0.2, 0.6) if colour.mean() > 0.15 else colour + rng.uniform(0.2, 0.5), 0, 1)
    levels = 1 if detail < 0.5 and pattern == "plain" else 2
    cloth = _Cloth(colour, other, weave)
    pieces = [_body(plan, _cut(kind, levels), skull, rng, cloth)]
    if plan.under:
        shirt = floats([0.75, 0.75, 0.73]) * rng.uniform(0.5, 1.0)
        pieces.append(_body(_UNDER, _cut("t-shirt", levels), skull, rng, _Cloth(shirt, shirt, plain)))
        mean = _cut("t-shirt", levels)[0].bound.on(surface().vertices)
        hidden = np.append(_below(plan, mean), np.zeros(len(pieces[-1][0]) - len(mean))) > 0.015
        pieces[-1] = (pieces[-1][0], pieces[-1][1][~hidden[pieces[-1][1]].any(1)], *pieces[-1][2:])
    if plan.leaf:
        pieces += [_leaf(kind, side, skull, rng, cloth) for side in (-1, 1)]
    vertices, triangles, shade, follow, normals = joined(pieces)
    return Layer("cloth", vertices, triangles, np.clip(shade, 0, 1), follow, unit(normals), gloss=plan.gloss)


_Piece = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Vertices, triangles, colour, follow, normals."""


def _below(plan: Garment, points: np.ndarray) -> np.ndarray:
    """How far points (N, 3) of the mean person lie below the neckline, metres; negative on bare skin."""
    x, y, z = points.T
    angle = np.abs(np.degrees(np.arctan2(x / _RADIUS[0], (z - _NECK[2]) / _RADIUS[2])))
    line = np.interp(np.cos(np.radians(angle)), [-1, 0, 1], [plan.back, plan.side, plan.front])
    if plan.vee:
        behind = 0.04 * (1 - smooth(z, _NECK[2] - 0.03, _NECK[2] + 0.055))  # the V is cut in front only
        line = np.minimum(line, plan.vee + plan.slope * np.abs(x) + behind)
    # shoulders are flat: there distance runs outwards from the neck and not down
    out = np.hypot(x / _RADIUS[0], (z - _NECK[2]) / _RADIUS[2]) - 1
    steep = plan.slope * smooth(z, _NECK[2] - 0.03, _NECK[2] + 0.055) if plan.vee else 0.0
    return ((line - y) / np.sqrt(1 + steep**2) + 0.012 * np.clip(out - 0.3, 0, 2)).astype(np.float32)


@cache
def _cut(kind: str, levels: int) -> tuple[Patch, np.ndarray]:
    """The part of the mean person that a garment covers, and the pieces of its neckline."""
    plan, head = _CLOTHES[kind], surface()
    below = _below(plan, head.vertices) * (head.vertices[:, 1] < -0.08)
    low = (head.vertices[:, 1] < -0.08)[head.triangles].all(1) & (head.head_weight[head.triangles] < 0.97).all(1)
    patch = tessellate(head.triangles[low & (below[head.triangles] > -0.03).any(1)], levels)
    return clip(patch, _below(plan, patch.bound.on(head.vertices)))


def _folds(points: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Folds at points (N, 3): heights (N,) of size 1 and their gradients (N, 3)."""
    # long folds run down from the shoulders to the chest: fast across, slow along
    waves = rng.normal(0, 1, (7, 3)) * [55, 22, 40]
    phase, size = rng.uniform(0, 2 * np.pi, 7), rng.uniform(0.2, 0.55, 7)
    bent = points @ waves.T + phase + 1.3 * np.sin(points @ (rng.normal(0, 18, (7, 3))).T)
    return np.sin(bent) @ size, (np.cos(bent) * size) @ waves


def _body(
    plan: Garment, cut: tuple[Patch, np.ndarray], skull: Skull, rng: np.random.Generator, cloth: _Cloth
) -> _Piece:
    """The garment without what lies around the neck, with the thickness of its neckline."""
    patch, edge = cut
    mean, normals = patch.bound.on(surface().vertices), unit(patch.bound.on(skull.normals))
    below = _below(plan, mean)
    height, gradient = _folds(mean, rng)
    free = smooth(below, 0.005, 0.05) * plan.fold
    off = plan.off + free * (height + 0.8)
    band = 1 - smooth(below, plan.rib - 0.003, plan.rib + 0.003) if plan.rib else np.zeros(len(mean))
    off = np.maximum(off, 0.0035) + 0.0014 * band
    vertices = patch.bound.on(skull.vertices) + normals * off[:, None]
    bump = gradient - normals * np.einsum("ni,ni->n", gradient, normals)[:, None]
    normals = unit(normals - bump * free[:, None])
    seam = np.exp(-(((below - plan.rib - 0.001) / 0.0035) ** 2)) if plan.rib else 0.0
    tone = (1 - 0.35 * seam) * (1 + 0.10 * np.clip(height, -1.5, 1.5) * free / max(plan.fold, 1e-6))
    shade = cloth.weave(mean, cloth.colour, cloth.other, rng) * tone[:, None]
    shade = shade + (cloth.colour * (1 + rng.normal(0, 0.03, (len(mean), 1))) * tone[:, None] - shade) * band[:, None]
    follow = patch.bound.on(skull.head_weight)
    rim = np.unique(edge)
    inner = vertices[rim] - unit(patch.bound.on(skull.normals))[rim] * (off[rim, None] - 0.001)
    local = np.searchsorted(rim, edge) + len(mean)
    (a, b), (c, d) = edge.T, local.T
    lip = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    return (
        np.concatenate([vertices, inner]),
        np.concatenate([patch.triangles, lip]),
        np.concatenate([shade, 0.5 * shade[rim]]),
        np.concatenate([follow, follow[rim]]),
        np.concatenate([normals, normals[rim]]),
    )


# Around the neck: rows of (height over the neckline, distance from the skin) in metres, from inside to the loose
# edge, then how far from the middle it begins in front, degrees, and how much longer it is there.
_LEAVES: dict[str, tuple[list[tuple[float, float]], float, float]] = {
    "collar": (
        [(-0.006, 0.003), (0.012, 0.004), (0.020, 0.006), (0.018, 0.012), (0.002, 0.019), (-0.018, 0.022)],
        7,
        0.034,
    ),
    "lapel": (
        [(-0.004, 0.011), (0.016, 0.011), (0.024, 0.013), (0.022, 0.017), (0.004, 0.020), (-0.022, 0.019)],
        24,
        0.05,
    ),
    "hood": (
        [(-0.012, 0.008), (0.012, 0.012), (0.026, 0.022), (0.024, 0.036), (0.004, 0.045), (-0.03, 0.036)],
        16,
        0.0,
    ),
}


@cache
def _sheet(kind: str, side: int) -> tuple[Bound, np.ndarray, np.ndarray, np.ndarray]:
    """Half of what lies around the neck: where its skin is, heights over it, mean points, angles (rows, columns)."""
    plan = _CLOTHES[kind]
    rows, begin, longer = _LEAVES[plan.leaf]
    t = np.linspace(0, len(rows) - 1, 3 * len(rows))
    up = np.interp(t, np.arange(len(rows)), [row[0] for row in rows])[:, None]
    off = np.interp(t, np.arange(len(rows)), [row[1] for row in rows])[:, None]
    angle = np.linspace(begin, 180, 40)[None]
    front = np.exp(-(((angle - begin) / 26) ** 2))
    fallen = smooth(t[:, None], len(rows) / 2, len(rows) - 1)
    line = np.interp(np.cos(np.radians(angle)), [-1, 0, 1], [plan.back, plan.side, plan.front])
    y = line + up - longer * front * fallen
    if plan.leaf == "hood":  # it lies thick behind and thin in front
        thick = smooth(angle, 20, 120)
        y, off = line + up * (0.35 + 0.65 * thick), off * (0.3 + 0.7 * thick)
    turn = np.radians(angle - 0.35 * np.maximum(front * fallen, 0) * 12)
    out = (_RADIUS[[0, 2]].max() + off) / _RADIUS[[0, 2]].max()
    x = side * np.sin(turn) * _RADIUS[0] * out
    z = _NECK[2] + np.cos(turn) * _RADIUS[2] * out
    points = np.stack(np.broadcast_arrays(x, y, z), -1).reshape(-1, 3).astype(np.float32)
    bound = surface().bind(points)
    off = np.broadcast_to(off, y.shape).reshape(-1)
    return bound, off, points, np.broadcast_to(angle, y.shape)


def _leaf(kind: str, side: int, skull: Skull, rng: np.random.Generator, cloth: _Cloth) -> _Piece:
    """One side of a collar or hood."""
    bound, off, mean, angle = _sheet(kind, side)
    head = surface()
    shift = bound.on(skull.vertices) - bound.on(head.vertices)
    normal = unit(bound.on(skull.normals))
    points = mean + shift
    low = np.einsum("ni,ni->n", points - bound.on(skull.vertices), normal)
    points = points + normal * np.maximum(off - low, 0)[:, None]
    points = points.reshape(*angle.shape, 3)
    triangles, surface_normals = sheet(points)
    outward = np.stack([points[..., 0], np.full(angle.shape, 0.02), points[..., 2] - _NECK[2]], -1)
    flip = np.sign(np.einsum("rci,rci->rc", surface_normals, outward))[..., None]
    surface_normals = surface_normals * np.where(flip == 0, 1, flip)
    depth = np.linspace(0, 1, angle.shape[0])[:, None] * np.ones(angle.shape)
    tone = (0.55 + 0.45 * smooth(depth, 0.1, 0.45)) * (1 - 0.2 * np.exp(-(((depth - 0.93) / 0.03) ** 2)))
    flat = np.stack([np.radians(angle) * 0.065, depth * 0.07, depth], -1).reshape(-1, 3)  # as it was cut
    shade = cloth.weave(flat, cloth.colour, cloth.other, rng) * tone.reshape(-1, 1)
    return points.reshape(-1, 3), triangles, shade, bound.on(skull.head_weight), surface_normals.reshape(-1, 3)
