"""Things that a head grows or wears: triangles with a colour of their own, drawn together with the head.

Finer meshes on the triangles of a head have points that are mixtures of its vertices, so they fit every head.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ...core.errors import InputError

_Plan = TypeVar("_Plan")


@dataclass(frozen=True)
class Layer:
    """One thing on a head, in the space of the neutral, unturned head (`AnnyHead(identity)`)."""

    part: str  # its face-parsing class by name: "hair", "hat", "eye_g", "cloth", "neck_l", "ear_r"
    vertices: np.ndarray  # (N, 3) float32 metres
    triangles: np.ndarray  # (M, 3) int32; both sides are seen
    colour: np.ndarray  # (N, 3) float32 albedo in linear light, in [0, 1]
    follow: np.ndarray  # (N,) float32, how much of the head's turn a vertex takes: 1 on the head, 0 on the shoulders
    normals: np.ndarray  # (N, 3) float32 unit normals
    tangents: np.ndarray | None = None  # (N, 3) float32 unit directions along the strands of hair, else None
    gloss: float = 0.1  # strength of the highlight, 0 (wool) to 1 (glass)
    opacity: float = 1.0  # 1 hides what is behind; lenses are nearly 0


@dataclass(frozen=True)
class Skull:
    """The head that layers are fitted to: one person's neutral head and shoulders."""

    vertices: np.ndarray  # (V, 3) float32 metres, as `AnnyHead` gives them for this person
    normals: np.ndarray  # (V, 3) float32 unit normals
    triangles: np.ndarray  # (T, 3) int64
    landmarks: np.ndarray  # (68, 3) float32, iBUG order
    head_weight: np.ndarray  # (V,) float32, how much of the head's turn each vertex takes


@dataclass(frozen=True)
class Bound:
    """Points tied to the nearest place on a surface, so that they can move with it."""

    corners: np.ndarray  # (N, 3) int32 vertex numbers of the nearest triangle
    weights: np.ndarray  # (N, 3) float32 barycentric weights of the nearest place

    def on(self, values: np.ndarray) -> np.ndarray:
        """Values (V, C) of vertices, or (V,), at the places: (N, C) or (N,)."""
        values, corners, weights = np.asarray(values), self.corners, self.weights
        if values.ndim == 1:
            return np.einsum("nk,nk->n", values[corners], weights)
        return sum(values[corners[:, k]] * weights[:, k, None] for k in range(3))  # pyright: ignore[reportReturnType]


@dataclass(frozen=True)
class Patch:
    """A finer mesh on some of the head's triangles; its vertices are mixtures of the head's."""

    bound: Bound  # where its N vertices lie on the head
    triangles: np.ndarray  # (M, 3) int32


def tessellate(triangles: np.ndarray, levels: int) -> Patch:
    """Cut each triangle (T, 3) of a head into 4 to the power of `levels`."""
    used, triangles = np.unique(triangles, return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    mixture = [{int(v): 1.0} for v in used]
    for _ in range(levels):
        edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]], -1).reshape(-1, 2)
        pairs, number = np.unique(edges, axis=0, return_inverse=True)
        middle = (number + len(mixture)).reshape(-1, 3)
        for a, b in pairs.tolist():
            both: dict[int, float] = {}
            for source in (mixture[a], mixture[b]):
                for vertex, fraction in source.items():
                    both[vertex] = both.get(vertex, 0.0) + fraction / 2
            mixture.append(both)
        (a, b, c), (ab, bc, ca) = triangles.T, middle.T
        triangles = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], 1).reshape(-1, 3)
    rows = [(list(mix) + [next(iter(mix))] * 2)[:3] for mix in mixture]
    fractions = [[*mix.values(), 0.0, 0.0][:3] for mix in mixture]
    return Patch(Bound(np.array(rows, np.int32), np.array(fractions, np.float32)), triangles.astype(np.int32))


def clip(patch: Patch, field: np.ndarray) -> tuple[Patch, np.ndarray]:
    """Cut a patch along the line where a field (N,) is zero and keep the positive side, its edge smooth however large
    the triangles are; also the vertices (E, 2) of the pieces of that edge.
    """
    sign = field > 0
    inside = sign[patch.triangles]
    whole = patch.triangles[inside.all(1)]
    corners, weights = [patch.bound.corners], [patch.bound.weights]
    count, made = len(field), {}

    def crossing(a: int, b: int) -> int:
        key = (min(a, b), max(a, b))
        if key not in made:
            fraction = field[a] / (field[a] - field[b])
            mix: dict[int, float] = {}
            for vertex, part in ((a, 1 - fraction), (b, fraction)):
                for corner, weight in zip(patch.bound.corners[vertex].tolist(), patch.bound.weights[vertex].tolist()):
                    mix[corner] = mix.get(corner, 0.0) + float(part) * weight
            best = (sorted(mix.items(), key=lambda item: -item[1]) + [(next(iter(mix)), 0.0)] * 2)[:3]
            corners.append(np.array([[corner for corner, _ in best]], np.int32))
            weights.append(np.array([[weight for _, weight in best]], np.float32))
            made[key] = count + len(made)
        return made[key]

    pieces, edge = [], []
    for triangle, kept in zip(patch.triangles.tolist(), inside.tolist()):
        if sum(kept) not in (1, 2):
            continue
        odd = kept.index(sum(kept) == 1)
        a, b, c = triangle[odd], triangle[(odd + 1) % 3], triangle[(odd + 2) % 3]
        ab, ca = crossing(a, b), crossing(c, a)
        pieces += [[a, ab, ca]] if kept[odd] else [[ab, b, c], [ab, c, ca]]
        edge.append([ab, ca])
    triangles = np.concatenate([whole, np.array(pieces, np.int32).reshape(-1, 3)])
    used, triangles = np.unique(triangles, return_inverse=True)
    bound = Bound(np.concatenate(corners)[used], np.concatenate(weights)[used])
    return Patch(bound, triangles.reshape(-1, 3).astype(np.int32)), np.searchsorted(used, np.array(edge).reshape(-1, 2))


def checked(what: str, name: str, table: Mapping[str, _Plan]) -> _Plan:
    """The entry of a table. Raises InputError (code "unknown") for another name."""
    if name not in table:
        raise InputError(f"The {what} is unknown.", code="unknown", expected=tuple(table), actual=name)
    return table[name]


def checked_colour(colour: np.ndarray) -> np.ndarray:
    """A colour as (3,) float32. Raises InputError (code "range") for another shape or value."""
    given = np.asarray(colour, np.float32)
    if given.shape != (3,) or not ((given >= 0) & (given <= 1)).all():
        raise InputError("The colour is out of range.", code="range", expected="RGB (3,) in [0, 1]", actual=colour)
    return given


def floats(values: Sequence[float] | Sequence[Sequence[float]]) -> np.ndarray:
    """Numbers as a float32 array."""
    return np.array(values, np.float32)


def smooth(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, an S between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) at length 1; nearly zero ones become a unit vector too."""
    length = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., None]
    return np.where(length > 1e-9, vectors / np.maximum(length, 1e-9), floats([0, 0, 1])).astype(np.float32)


def joined(pieces: Sequence[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    """Meshes as one: of each its vertices, its triangles, and more values of the vertices; float32 and int32."""
    vertices, triangles, *values = zip(*pieces)
    starts = np.cumsum([0, *map(len, vertices)])
    numbers = np.concatenate([own + start for own, start in zip(triangles, starts)]).astype(np.int32)
    first, *others = (np.concatenate(own).astype(np.float32) for own in (vertices, *values))
    return first, numbers, *others


def sheet(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Triangles (T, 3) of a sheet of points (R, C, 3), and its unit normals (R, C, 3)."""
    number = np.arange(points.shape[0] * points.shape[1]).reshape(points.shape[:2])
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    return triangles, unit(np.cross(np.gradient(points, axis=1), np.gradient(points, axis=0)))
