"""Strands of hair, combed and grown once on the mean head: paths along the skull that a person's hair is made of."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ...core.files import home, replace_file
from ..wear import layers
from ..wear import scalp as scalp_module
from ..wear.layers import Bound, floats, smooth, unit
from ..wear.scalp import hairline, scalp, surface

_CROWN = floats([0.008, 0.108, -0.125])  # where the whorl is
KNOTS = {"bun": floats([0.0, 0.062, -0.187]), "ponytail": floats([0.0, 0.058, -0.192])}

_LOWER = 0.012  # metres that hair is grown below the hairline, for people whose hairline is lower
_SHORT = 0.12  # metres; shorter hair does not cover the ears
_WARP = 2.0  # how much finer strands are grown than they are kept


@dataclass(frozen=True)
class Strands:
    """Paths of N strands with S + 1 points each on the mean head, in random order: a prefix is evenly spread."""

    points: np.ndarray  # (N, S + 1, 3) float32 metres, without curls
    curls: np.ndarray  # (N, S + 1, 3) float32 what curls add
    bound: Bound  # where the N (S + 1) points lie nearest to the head
    inside: np.ndarray  # (N,) float32 how far the root lies inside the hairline, metres
    roots: np.ndarray  # (N, 3) float32 the root on the mean head
    rank: np.ndarray  # (N,) float32 height within the layer of hair, 0 (at the skin) to 1 (outermost)
    lock: np.ndarray  # (N,) int32 the lock that each belongs to
    tied: np.ndarray  # (N,) bool, strands behind a knot, which hang free


@cache
def grow(style: Style, mirrored: bool) -> Strands:
    """Grow a style on the mean head; the same bytes in every process.

    Takes about a second, so what was grown is kept in the folder of models, under the rules that it was grown by.
    """
    path = home() / "synthetic" / f"strands-{_rules()}-{sha1(repr((style, mirrored)).encode()).hexdigest()[:12]}.npz"
    if path.is_file():
        try:
            with np.load(path) as file:
                found = dict(file)
            bound = Bound(found.pop("corners"), found.pop("weights"))
            return Strands(**found, bound=bound)
        except (OSError, ValueError, KeyError, TypeError, BadZipFile):
            pass  # a damaged file, which is made again
    strands = _grow(style, mirrored)
    arrays = {name: value for name, value in vars(strands).items() if name != "bound"}
    arrays |= {"corners": strands.bound.corners, "weights": strands.bound.weights}
    with contextlib.suppress(OSError):  # a read-only folder costs time only
        replace_file(path, lambda temporary: np.savez(temporary, **arrays))
    return strands


@cache
def _rules() -> str:
    """Changes when the code that grows hair does, or the head that it grows on."""
    code = b"".join(Path(str(file)).read_bytes() for file in (layers.__file__, scalp_module.__file__, __file__))
    return sha1(code + np.round(surface().vertices, 6).tobytes()).hexdigest()[:12]


def _grow(style: Style, mirrored: bool) -> Strands:
    rng = np.random.default_rng(20240229)
    roots, normals = _roots(rng, style.strands)
    count = len(roots)
    rank = rng.uniform(0.1, 1, count).astype(np.float32)
    length = (style.sides + (style.length - style.sides) * top(roots)) * rng.uniform(0.8, 1.0, count)
    if style.length < _SHORT:  # cut closer at the sideburns and in the neck
        length *= 0.4 + 0.6 * np.maximum(smooth(hairline(roots), 0.0, 0.025), smooth(roots[:, 1], 0.02, 0.05))
    paths = _paths(style, roots, normals, length.astype(np.float32), rank, rng)
    if style.knot:
        tied = _tied(style, rng)
        extra = len(tied)
        paths = np.concatenate([paths, tied])
        roots = np.concatenate([roots, np.tile(KNOTS[style.knot], (extra, 1))])
        rank = np.concatenate([rank, rng.uniform(0.3, 1, extra).astype(np.float32)])
    lock = np.arange(len(paths), dtype=np.int32)
    lock[:count] = _locks(roots[:count], paths[:count], style.lock)
    if style.knot == "ponytail":
        lock[count:] = count + _locks(roots[count:], paths[count:], style.lock)
    paths = _gather(paths, lock, style.clump)
    curls = _curl(style, paths, lock, rng)
    paths, curls, left = _cut(paths, curls)
    stumps = (left < 0.35) & (style.length >= _SHORT)  # of hair that falls over the face, no person keeps the stumps
    order = rng.permutation(len(paths))
    place = np.argsort(order).astype(np.int32)
    paths, curls, roots, rank, lock = paths[order], curls[order], roots[order], rank[order], place[lock[order]]
    if mirrored:
        flip = floats([-1, 1, 1])
        paths, curls, roots = paths * flip, curls * flip, roots * flip
    inside = np.where(order < count, hairline(roots), 1.0)
    inside = np.where(stumps[order], -1.0, inside).astype(np.float32)
    bound = surface().bind((paths + curls).reshape(-1, 3))
    return Strands(paths, curls, bound, inside, roots, rank, lock, order >= count)


def _roots(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spread places inside the hairline and the normals there, each (N, 3)."""
    patch, head = scalp(2), surface()
    vertices, normals = patch.bound.on(head.vertices), patch.bound.on(head.normals)
    corners = vertices[patch.triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    area *= hairline(corners.mean(1)) > -_LOWER
    steps = (np.arange(count) + rng.uniform(0, 1, count)) / count  # stratified along the list of triangles
    chosen = np.minimum(np.searchsorted(np.cumsum(area) / area.sum(), steps), len(area) - 1)
    fraction = rng.dirichlet([1, 1, 1], count).astype(np.float32)
    mix = lambda values: np.einsum("nki,nk->ni", values[patch.triangles[chosen]], fraction)  # noqa: E731
    return mix(vertices), unit(mix(normals))


def _paths(
    style: Style, roots: np.ndarray, normals: np.ndarray, length: np.ndarray, rank: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Strands (N, S + 1, 3) that follow the comb and gravity over the skull, neck and shoulders."""
    head, comb = surface(), COMBS[style.comb]
    steps = int(style.segments * (_WARP if style.length > 0.1 else 1))
    step = (length / steps)[:, None]
    points = roots - 0.0005 * normals
    direction = unit(comb(style, roots, roots, normals) * (1 - style.lift) + normals * style.lift)
    normal = normals
    paths: list[np.ndarray] = [points]
    ears: list[np.ndarray] = [np.zeros(len(roots), bool)]
    drift = rng.normal(0, style.loose, (len(roots), 3)).astype(np.float32)
    for number in range(1, steps + 1):
        along = number * step[:, 0]
        request = comb(style, roots, points, normal)
        ease = np.exp(-along / 0.10)[:, None]
        pull = request * (0.25 + ease) + floats([0, -1, 0]) * style.fall * (1.3 - ease) + drift
        direction = unit(direction * 1.2 + pull + rng.normal(0, style.loose, points.shape))
        points = points + direction * step
        bound = head.bind(points)
        place, normal = bound.on(head.vertices), unit(bound.on(head.normals))
        height = np.einsum("ni,ni->n", points - place, normal)
        piled = 0.02 * np.minimum(along, 0.25) * (style.volume > 0.006)
        wanted = (style.volume * rank + piled) * smooth(along, 0.0, 0.02) + 0.0008
        cling = style.cling * smooth(points[:, 1], -0.05, 0.02)
        above = np.where(height < wanted, 1.0 - (height > 0.001) * 0.5, cling)
        points = points + normal * ((wanted - height) * above)[:, None]
        points = _aside(points)
        moved = unit(points - paths[-1])
        direction = moved
        points = paths[-1] + moved * step
        paths.append(points.astype(np.float32))
        ears.append(np.any(head.ears[bound.corners], axis=1))
    kept = np.linspace(0, steps, style.segments + 1).round().astype(int)
    grown = np.stack(paths, 1)[:, kept]
    return _ended(grown, np.stack(ears, 1)[:, kept]) if style.length < _SHORT or style.knot else grown


def _aside(points: np.ndarray) -> np.ndarray:
    """Move points that hang before the face to its sides."""
    x, y, z = points.T
    edge = np.interp(y, [-0.13, -0.10, -0.05, 0.0, 0.045], [0.055, 0.060, 0.068, 0.070, 0.055])
    front = smooth(z, -0.045, -0.02) * smooth(-y, -0.052, -0.03) * smooth(y, -0.16, -0.13)
    moved = np.sign(x) * np.maximum(np.abs(x), edge)
    return np.stack([x + front * (moved - x) * 0.6, y, z], 1)


def _cut(paths: np.ndarray, curls: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """End strands where they would enter the face, as scissors do; also the fraction (N,) that is left of each."""
    x, y, z = np.moveaxis(paths + 1.3 * curls, 2, 0)
    wide = np.interp(y, [-0.11, -0.06, 0.0, 0.04], [0.050, 0.058, 0.060, 0.058])
    face = (np.abs(x) < wide) & (z > -0.03) & (y < 0.034 + 0.25 * np.abs(x)) & (y > -0.13)
    both = _ended(np.concatenate([paths, curls], 2), face)
    left = np.where(face.any(1), face.argmax(1) / paths.shape[1], 1.0)
    return both[..., :3], both[..., 3:], left


def _ended(paths: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """End strands (N, S + 1, C) before the first point that is marked in (N, S + 1)."""
    last = np.where(stop.any(1), np.maximum(stop.argmax(1) - 1, 0.05), paths.shape[1] - 1)
    return resample(paths, last / (paths.shape[1] - 1))


def resample(paths: np.ndarray, fraction: np.ndarray, segments: int | None = None) -> np.ndarray:
    """Keep the first `fraction` (N,) in (0, 1] of strands (N, S + 1, C), with as many or `segments` pieces."""
    count, size = paths.shape[:2]
    steps = np.linspace(0, 1, (segments or size - 1) + 1, dtype=np.float32)
    at = fraction[:, None].astype(np.float32) * steps * (size - 1)
    low = np.minimum(at.astype(np.int32), size - 2)
    rows = np.arange(count)[:, None] * size + low
    flat = paths.reshape(count * size, -1)
    start = flat[rows.ravel()]
    return (start + (flat[rows.ravel() + 1] - start) * (at - low).ravel()[:, None]).reshape(count, len(steps), -1)


def _locks(roots: np.ndarray, paths: np.ndarray, size: int) -> np.ndarray:
    """The lock of each strand (N,): the number of the strand in its middle."""
    count = max(len(roots) // size, 1)
    middle = np.linspace(0, len(roots) - 1, count).astype(int)
    feature = np.concatenate([roots, paths[:, paths.shape[1] // 2] * 0.5], 1)
    return middle[((feature[:, None] - feature[None, middle]) ** 2).sum(-1).argmin(1)].astype(np.int32)


def _gather(paths: np.ndarray, lock: np.ndarray, fraction: float) -> np.ndarray:
    """Move strands towards the middle of their lock, tips most."""
    along = np.linspace(0, 1, paths.shape[1], dtype=np.float32)[:, None]
    return paths + (paths[lock] - paths) * fraction * along ** (0.7 if fraction < 1 else 0.2)


def _curl(style: Style, paths: np.ndarray, lock: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Offsets (N, S + 1, 3) of a helix about each strand, in step within a lock."""
    if not style.turn:
        return np.zeros_like(paths)
    tangent = unit(np.gradient(paths, axis=1))
    side = unit(np.cross(tangent, floats([0.3, 0.9, 0.3])))
    other = np.cross(tangent, side)
    pieces = np.linalg.norm(np.diff(paths, axis=1), axis=2)
    along = np.concatenate([np.zeros((len(paths), 1)), np.cumsum(pieces, 1)], 1)
    spread = 0.5 if style.clump < 1 else np.pi  # strands of a rope stand all around its middle
    phase = rng.uniform(0, 2 * np.pi, len(paths))[lock] + rng.normal(0, spread, len(paths))
    speed = rng.uniform(0.8, 1.25, len(paths))[lock]
    angle = (along * (2 * np.pi / style.turn) * speed[:, None] + phase[:, None])[..., None]
    size = style.curl * smooth(along, 0.0, 2.5 * style.curl + 0.01)[..., None]
    size = size * rng.uniform(0.6, 1.3, (len(paths), 1, 1))
    return (size * (np.cos(angle) * side + np.sin(angle) * other)).astype(np.float32)


def _tied(style: Style, rng: np.random.Generator) -> np.ndarray:
    """Strands (N, S + 1, 3) of a bun or a ponytail."""
    knot, count = KNOTS[style.knot], style.strands // 4
    along = np.linspace(0, 1, style.segments + 1, dtype=np.float32)[None, :, None]
    if style.knot == "bun":
        centre, radius = knot + floats([0, 0.010, -0.013]), rng.uniform(0.024, 0.033, (count, 1, 1))
        axis = unit(rng.normal(0, 1, (count, 3)) * [0.5, 0.5, 1] + floats([0, 0.2, 0.6]))
        first = unit(np.cross(axis, rng.normal(0, 1, (count, 3))))
        second = np.cross(axis, first)
        angle = along * rng.uniform(1.2, 2.4, (count, 1, 1))
        ball = np.cos(angle) * first[:, None] + np.sin(angle) * second[:, None]
        return (centre + radius * ball * floats([1.1, 1.0, 0.9])).astype(np.float32)
    points = knot + rng.normal(0, 0.006, (count, 3)) * [1, 1, 0.5]
    direction = unit(floats([0, 0.0, -1]) + rng.normal(0, 0.16, (count, 3)))
    length, paths, head = rng.uniform(0.17, 0.24, (count, 1)), [points], surface()
    for _ in range(style.segments):
        direction = unit(direction + floats([0, -0.9, 0.0]) + rng.normal(0, 0.05, points.shape))
        points = points + direction * length / style.segments
        bound = head.bind(points)
        normal = unit(bound.on(head.normals))
        height = np.einsum("ni,ni->n", points - bound.on(head.vertices), normal)
        points = points + normal * np.maximum(0.006 - height, 0)[:, None]
        paths.append(points)
    return np.stack(paths, 1).astype(np.float32)


@dataclass(frozen=True)
class Style:
    """How hair is cut and combed; lengths in metres."""

    comb: str  # direction that it is combed in: a key of `COMBS`
    length: float  # of the strands on top
    sides: float  # of the strands above the ears and in the neck
    volume: float = 0.008  # thickness of the layer that it forms
    lift: float = 0.3  # how steeply strands leave the skin, 0 flat to 1 upright
    fall: float = 0.3  # weight of gravity relative to the comb
    cling: float = 0.3  # how strongly strands are pressed into their layer, 0 to 1
    curl: float = 0.0  # radius of the curls
    turn: float = 0.0  # length of one curl along the strand; 0 has none
    clump: float = 0.35  # fraction of the way that tips move to the middle of their lock, 0 to 1
    lock: int = 9  # strands in a lock
    loose: float = 0.12  # random change of direction at each step
    width: float = 0.0022  # of a ribbon
    strands: int = 3000  # number of ribbons at full detail
    segments: int = 8  # quads along each
    shell: float = 0.1  # height of the dark layer beneath, as a fraction of the volume
    blunt: float = 0.12  # width of a ribbon's tip, as a fraction of its width
    knot: str = ""  # where hair is tied: a key of `KNOTS`, or ""
    part: float = 0.03  # distance of the parting from the middle
    loss: float = 0.0  # how far the temples are bald


def top(points: np.ndarray) -> np.ndarray:
    """1 on top of the head, 0 at the sides and in the neck."""
    return smooth(points[:, 1] + 0.12 * (points[:, 2] + 0.075), 0.045, 0.082)


def _flat(vectors: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Unit vectors along the surface."""
    return unit(vectors - normals * np.einsum("ni,ni->n", vectors, normals)[:, None])


def _whorl(style: Style, roots: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    away = points - _CROWN
    forward = floats([0, 0, 1]) * smooth(roots[:, 1], 0.07, 0.1)[:, None]
    return _flat(unit(away) + forward * 0.3, normals)


def _parted(style: Style, roots: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    side = np.where(roots[:, 0] > style.part, 1.0, -1.0)
    behind = smooth(-roots[:, 2], 0.1, 0.14)
    across = np.stack([side * (1 - behind), -0.25 - behind, -0.55 + 0.2 * behind], 1)
    down = floats([0, -1, -0.25])
    upper = top(points)[:, None]
    return _flat(across * upper + down * (1 - upper), normals)


def _swept(style: Style, roots: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    low = smooth(-roots[:, 2], 0.1, 0.16)[:, None]
    return _flat(floats([0, -0.15, -1]) * (1 - low) + floats([0, -1, -0.1]) * low, normals)


def _forward(style: Style, roots: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    fore = smooth(roots[:, 2], -0.09, -0.05)[:, None] * smooth(roots[:, 1], 0.03, 0.06)[:, None]
    away = unit(points - _CROWN)
    ahead = np.stack([points[:, 0] * 2, np.full(len(points), -0.4), np.ones(len(points))], 1)
    return _flat(ahead * fore + away * (1 - fore), normals)


def _tie(style: Style, roots: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    return _flat(KNOTS[style.knot] - points, normals)


def _outward(style: Style, roots: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    return normals


COMBS: dict[str, Callable[[Style, np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "whorl": _whorl,
    "part": _parted,
    "back": _swept,
    "forward": _forward,
    "tie": _tie,
    "out": _outward,
}
