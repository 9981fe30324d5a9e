"""Hair: ribbons over a dark cap, grown on the mean head once and fitted to a person."""

from __future__ import annotations

import math

import numpy as np

from ..errors import InputError
from .layers import Layer, Skull
from .scalp import hairline, scale_of, scalp, smooth, surface, temples, unit
from .strands import Strands, Style, grow, resample

_STYLES: dict[str, Style | None] = {
    "none": None,
    "buzz": Style("whorl", 0.007, 0.005, volume=0.002, lift=0.5, width=0.0013, strands=7000, segments=3, clump=0.0),
    "crew": Style("forward", 0.026, 0.010, volume=0.009, lift=0.6, width=0.0015, strands=6500, segments=4, loose=0.2),
    "side part": Style("part", 0.085, 0.025, volume=0.014, lift=0.35, strands=4000, segments=6, cling=0.6),
    "swept back": Style("back", 0.10, 0.045, volume=0.016, lift=0.45, strands=4000, segments=6, fall=0.15, cling=0.6),
    "fringe": Style("forward", 0.085, 0.040, volume=0.015, lift=0.35, strands=4000, segments=6),
    "receding": Style("whorl", 0.030, 0.018, volume=0.006, lift=0.35, width=0.0016, strands=6000, segments=4),
    "curly short": Style(
        "whorl", 0.07, 0.04, volume=0.030, lift=0.7, fall=0.1, curl=0.006, turn=0.026, clump=0.6, lock=7,
        strands=2200, segments=11, width=0.0026, shell=0.4, cling=0.6,
    ),
    "afro": Style(
        "out", 0.075, 0.06, volume=0.045, lift=1.0, fall=0.0, curl=0.005, turn=0.018, clump=0.3, lock=5, loose=0.25,
        strands=1800, segments=14, width=0.0032, shell=0.45, blunt=0.5, cling=0.0,
    ),
    "bob": Style("part", 0.21, 0.15, volume=0.016, lift=0.25, fall=0.8, strands=2600, segments=10, width=0.0032),
    "long straight": Style(
        "part", 0.42, 0.34, volume=0.013, lift=0.2, fall=0.9, part=0.0, strands=1900, segments=14, width=0.0042,
    ),
    "long wavy": Style(
        "part", 0.42, 0.34, volume=0.018, lift=0.3, fall=0.8, curl=0.012, turn=0.10, clump=0.5, lock=16,
        strands=1400, segments=19, width=0.0045,
    ),
    "bun": Style("tie", 0.17, 0.15, volume=0.006, lift=0.1, fall=0.0, strands=2500, segments=8, knot="bun", cling=0.6),
    "ponytail": Style(
        "tie", 0.18, 0.16, volume=0.006, lift=0.1, fall=0.0, strands=2000, segments=10, knot="ponytail", cling=0.6,
    ),
    "locs": Style(
        "part", 0.26, 0.22, volume=0.022, lift=0.4, fall=0.8, curl=0.0042, turn=0.03, clump=1.0, lock=12, blunt=0.9,
        strands=1400, segments=19, width=0.0036, part=0.0,
    ),
}  # fmt: skip
HAIR_STYLES = tuple(_STYLES)


def hair(
    style: str,
    skull: Skull,
    rng: np.random.Generator,
    *,
    colour: np.ndarray,
    length: float = 1.0,
    detail: float = 1.0,
    grey: float = 0.0,
    mirrored: bool | None = None,
) -> Layer | None:
    plan = _STYLES[style]
    if plan is None:
        return None
    mirrored = bool(rng.integers(2)) if mirrored is None else mirrored
    strands = grow(plan, mirrored)
    count = max(int(len(strands.points) * detail), 1)
    segments = max(math.ceil(plan.segments * min(1.0, 0.45 + 0.55 * detail)), min(plan.segments, 3))
    keep = np.flatnonzero(strands.inside[:count] > rng.normal(0.0, 0.004) + rng.normal(0, 0.002, count) + _bald(style, strands.roots[:count], rng))
    share = np.clip(length * rng.uniform(0.75, 0.95) * rng.uniform(0.85, 1.1, len(keep)), 0.05, 1.0)
    points, places, normals, follow = _fit(plan, strands, keep, share, segments, skull, rng)
    width = plan.width * scale_of(skull) / detail**0.5
    return _ribbons(plan, strands, keep, points, places, normals, follow, width, np.asarray(colour, np.float32), skull, rng, detail)


def _bald(style, roots, rng):
    if style != "receding":
        return 0.006 * temples(roots)
    return rng.uniform(0.02, 0.04) * temples(roots)


def _fit(plan, strands: Strands, keep, share, segments, skull, rng):
    """Points, the nearest places on the person, the normals there, and what follows the head."""
    size = strands.points.shape[1]
    rows = (keep[:, None] * size + np.arange(size)).ravel()
    corners, weights = strands.bound.corners[rows], strands.bound.weights[rows]
    head = surface()
    on = lambda v: sum(v[corners[:, k]] * weights[:, k, None] for k in range(3))
    stack = np.concatenate([skull.vertices, skull.vertices - head.vertices, head.calm(skull.normals), skull.head_weight[:, None]], 1).astype(np.float32)
    data = on(stack)
    wave = rng.uniform(0.6, 1.3)
    base = strands.points[keep].reshape(-1, 3) + wave * strands.curls[keep].reshape(-1, 3)
    points = base + data[:, 3:6]
    table = np.concatenate([points, data[:, :3], data[:, 6:]], 1).reshape(len(keep), size, -1)
    table = resample(table, share, segments)
    points, places, normals, follow = table[..., :3], table[..., 3:6], unit(table[..., 6:9]), table[..., 9]
    along = np.linspace(0, 1, segments + 1, dtype=np.float32)[None, :]
    # a slow wind, different for each person
    wind = rng.normal(0, 1, (3, 3)).astype(np.float32) * 22
    phase = rng.uniform(0, 6.28, 3).astype(np.float32)
    points = points + (np.sin(points @ wind + phase) * (0.06 * plan.length ** 0.5 * 0.1)) * along[..., None]
    height = np.einsum("nsi,nsi->ns", points - places, normals)
    low = (0.0016 + 0.0014 * strands.rank[keep, None]) * np.minimum(along * 3, 1) - 0.0002
    wanted = np.maximum(height * rng.uniform(0.8, 1.25), low)
    points = points + normals * (wanted - height)[..., None]
    follow = np.minimum.accumulate(np.clip(follow, 0.3, 1), 1)
    follow = np.where(strands.tied[keep, None], 1 - 0.4 * along, follow)
    return points.astype(np.float32), places, normals, follow


def _ribbons(plan, strands, keep, points, places, normals, follow, width, colour, skull, rng, detail):
    count, size = points.shape[:2]
    along = np.linspace(0, 1, size, dtype=np.float32)[None, :, None]
    tangent = np.empty_like(points)
    tangent[:, 1:-1] = points[:, 2:] - points[:, :-2]
    tangent[:, 0], tangent[:, -1] = points[:, 1] - points[:, 0], points[:, -1] - points[:, -2]
    tangent = unit(tangent)
    side = unit(np.cross(tangent, normals) + 1e-5)
    twist = rng.normal(0, 0.45, (count, 1, 1)).astype(np.float32)
    side = side * np.cos(twist) + np.cross(tangent, side) * np.sin(twist)
    facing = np.cross(side, tangent)
    half = width / 2 * np.minimum(1.0, (1 - along) * 2.2 + plan.blunt) * np.minimum(1, 0.5 + 2 * along)
    half = half * rng.uniform(0.7, 1.3, (count, 1, 1))
    vertices = np.stack([points - side * half, points + side * half], 2)  # (N, S + 1, 2, 3)
    shade_normal = unit(normals * 0.65 + facing * 0.35 + rng.normal(0, 0.12, (count, 1, 3)))
    rank = strands.rank[keep]
    lock = rng.normal(1, 0.10, len(strands.points))[strands.lock[keep]]
    tone = (0.42 + 0.58 * rank**0.8) * lock * rng.uniform(0.85, 1.15, count)
    tone = tone[:, None, None] * (0.6 + 0.55 * along**0.6) 
    sides = 1 + rng.uniform(-0.18, 0.18, (count, 1, 1, 1)) * np.float32([-1, 1])[:, None]
    shade = np.clip(tone[:, :, None] * sides * colour, 0, 1)
    ribbon = np.arange(count * size * 2, dtype=np.int32).reshape(count, size, 2)
    a, b, c, d = ribbon[:, :-1, 0], ribbon[:, :-1, 1], ribbon[:, 1:, 0], ribbon[:, 1:, 1]
    triangles = np.stack([a, b, c, b, d, c], -1).reshape(-1, 3)
    both = lambda v: np.repeat(v[:, :, None], 2, 2).reshape(-1, 3)
    cap = _cap(plan, colour, skull, rng, detail)
    return Layer(
        "hair",
        np.concatenate([vertices.reshape(-1, 3), cap[0]]).astype(np.float32),
        np.concatenate([triangles, cap[1] + vertices.size // 3]).astype(np.int32),
        np.concatenate([shade.reshape(-1, 3), cap[2]]).astype(np.float32),
        np.concatenate([np.repeat(follow[:, :, None], 2, 2).ravel(), cap[3]]).astype(np.float32),
        np.concatenate([both(shade_normal), cap[4]]).astype(np.float32),
        np.concatenate([both(tangent), cap[5]]).astype(np.float32),
        gloss=0.35,
    )


def _cap(plan, colour, skull, rng, detail):
    patch = scalp(2 if detail > 0.4 else 1)
    mean = patch.bound.on(surface().vertices)
    inside = hairline(mean) - 0.006 * temples(mean)
    v, n = patch.bound.on(skull.vertices), unit(patch.bound.on(skull.normals))
    offset = np.interp(inside, [-0.001, 0.007, 0.03], [-0.001, 0.0008, max(plan.shell * plan.volume, 0.0012)])
    t = patch.triangles[(inside[patch.triangles] > -0.001).any(1)]
    used, t = np.unique(t, return_inverse=True)
    t = t.reshape(-1, 3)
    v, n = v[used] + n[used] * offset[used, None], n[used]
    tangent = unit(np.float32([0, -1, -0.3]) - n * (n @ np.float32([0, -1, -0.3]))[:, None])
    shade = np.clip(0.4 * colour * rng.uniform(0.8, 1.2, (len(v), 1)), 0, 1)
    return v, t, shade, np.ones(len(v)), n, tangent
