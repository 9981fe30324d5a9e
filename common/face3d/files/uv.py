"""Texture coordinates for heads whose files have none, or have them in a file of their own."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch

from ...core.errors import CheckpointError
from .arrays import reading


def cylindrical_uv(vertices: torch.Tensor) -> torch.Tensor:
    """Unroll vertices (V, 3), y up, the face towards z, from a cylinder around the upright axis.

    Returns (V, 2) in [0, 1]: u grows towards the person's left with the face in the middle, v grows upwards. One row a
    vertex, so triangles that straddle the back of the head run across the whole width.
    """
    low, high = vertices.amin(0), vertices.amax(0)
    x, y, z = (vertices - (low + high) / 2).unbind(1)
    u = torch.atan2(x, z) / (2 * math.pi) + 0.5
    v = y / (high[1] - low[1]).clamp_min(1e-12) + 0.5
    return torch.stack([u, v], 1).clamp(0, 1)


def read_obj_uv(path: str | Path, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Texture coordinates (U, 2) float32, v up, of a Wavefront .obj file, such as DECA's `head_template.obj`, and the
    triangles (T, 3) int64 of their rows, brought to the order of the head's own `triangles` (T, 3).

    Raises CheckpointError for a file that cannot be read or has other triangles, MissingCheckpointError where there is
    none.
    """
    path = Path(path).expanduser()
    coordinates, corners = [], {}
    with reading(path, "The head's template", "data/head_template.obj of DECA; or do without: template=None"):
        for line in path.read_text(encoding="utf-8").splitlines():
            kind, *words = line.split() or [""]
            if kind == "vt":
                coordinates.append([float(word) for word in words[:2]])
            elif kind == "f":
                pairs = [word.split("/") for word in words]
                vertices, rows = (tuple(int(pair[i]) - 1 for pair in pairs) for i in (0, 1))
                corners[_from_smallest(vertices, vertices)] = _from_smallest(rows, vertices)
        uv = np.array(coordinates, np.float32).reshape(-1, 2)
    wanted = [_from_smallest(triangle, triangle) for triangle in map(tuple, triangles.tolist())]
    if lacking := next((triangle for triangle in wanted if triangle not in corners), None):
        raise CheckpointError(
            f"{path} has other triangles than the head.",
            code="shape",
            expected=f"the vertices {lacking} among its f lines",
            hint="use the template of this head",
        )
    # Back to the corner that comes first in the head's own triangle.
    shifts = triangles.argmin(1)
    rows = np.array([np.roll(corners[triangle], shift) for triangle, shift in zip(wanted, shifts)], np.int64).reshape(
        -1, 3
    )
    if rows.min() < 0 or rows.max() >= len(uv):
        raise CheckpointError(
            f"{path} points to texture coordinates that it does not have; fetch it again.", code="values"
        )
    return uv, rows


def _from_smallest(values: tuple[int, ...], vertices: tuple[int, ...]) -> tuple[int, ...]:
    """The values of a triangle's corners, from the smallest vertex on, in the same sense of rotation."""
    start = vertices.index(min(vertices))
    return values[start:] + values[:start]
