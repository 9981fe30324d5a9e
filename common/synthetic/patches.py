"""Finer meshes on the triangles of a head: their points are mixtures of its vertices, so they fit every head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bound:
    """Points tied to the nearest place on a surface, so that they can move with it.

    Attributes:
        corners: (N, 3) int32 vertex numbers of the nearest triangle.
        weights: (N, 3) float32 barycentric weights of the nearest place.
    """

    corners: np.ndarray
    weights: np.ndarray

    def on(self, values: np.ndarray) -> np.ndarray:
        """Values (V, C) of vertices, or (V,), at the places: (N, C) or (N,)."""
        values, corners, weights = np.asarray(values), self.corners, self.weights
        if values.ndim == 1:
            return np.einsum("nk,nk->n", values[corners], weights)
        return sum(values[corners[:, k]] * weights[:, k, None] for k in range(3))  # pyright: ignore[reportReturnType]


@dataclass(frozen=True)
class Patch:
    """A finer mesh on some of the head's triangles; its vertices are mixtures of the head's.

    Attributes:
        bound: where its N vertices lie on the head.
        triangles: (M, 3) int32.
    """

    bound: Bound
    triangles: np.ndarray


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
                for vertex, share in source.items():
                    both[vertex] = both.get(vertex, 0.0) + share / 2
            mixture.append(both)
        (a, b, c), (ab, bc, ca) = triangles.T, middle.T
        triangles = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], 1).reshape(-1, 3)
    rows = [(list(mix) + [next(iter(mix))] * 2)[:3] for mix in mixture]
    shares = [[*mix.values(), 0.0, 0.0][:3] for mix in mixture]
    return Patch(Bound(np.array(rows, np.int32), np.array(shares, np.float32)), triangles.astype(np.int32))


def clip(patch: Patch, field: np.ndarray) -> tuple[Patch, np.ndarray]:
    """Cut a patch along the line where a field (N,) is zero and keep the positive side.

    Returns:
        The patch, its edge smooth however large the triangles are, and the vertices (E, 2) of the pieces of that edge.
    """
    sign = field > 0
    inside = sign[patch.triangles]
    whole = patch.triangles[inside.all(1)]
    corners, weights = [patch.bound.corners], [patch.bound.weights]
    count, made = len(field), {}

    def crossing(a: int, b: int) -> int:
        key = (min(a, b), max(a, b))
        if key not in made:
            share = field[a] / (field[a] - field[b])
            mix: dict[int, float] = {}
            for vertex, part in ((a, 1 - share), (b, share)):
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
