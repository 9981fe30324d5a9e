"""Where light does not come: shadows of the key lamp, and corners that see little of the surroundings."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from ..face3d.anny_head import default_head
from ..face3d.camera import Orthographic, to_pixels
from ..face3d.head import vertex_normals
from ..face3d.render import rasterize

_RAYS, _RAY_SIDE = 48, 192
_CENTRE, _RADIUS = (
    np.array([0, -0.05, -0.06], np.float32),
    0.26,
)  # what shadow maps show: the head, not the shoulders' ends


def lit(
    points: np.ndarray,
    vertices: np.ndarray,
    triangles: np.ndarray,
    towards: np.ndarray,
    side: int,
    bias: float,
    blur: int = 0,
) -> np.ndarray:
    """Say how much of a distant lamp reaches points: shadow mapping (Williams, SIGGRAPH 1978).

    Args:
        points: (N, 3) metres.
        vertices: (V, 3) of what casts shadows.
        triangles: (T, 3).
        towards: (3,) unit, towards the lamp.
        side: pixels of the shadow map.
        bias: metres that a point must lie behind the nearest surface to be in its shadow.
        blur: pixels by which the shadow's edge is softened.

    Returns:
        (N,) float32 in [0, 1], 1 in full light.
    """
    up = np.array([0, 1, 0] if abs(towards[1]) < 0.9 else [0, 0, 1], np.float32)
    right = np.cross(up, towards)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(towards, right), towards]).astype(np.float32)
    camera = Orthographic(torch.tensor([1 / _RADIUS]), torch.zeros(1, 2))

    def project(places: np.ndarray) -> torch.Tensor:
        return to_pixels(camera.project(torch.from_numpy((places - _CENTRE) @ axes.T)[None]), side, side)[0]

    nearest = rasterize(project(vertices), torch.from_numpy(triangles), side, side).depth.numpy()
    x, y, depth = project(points).numpy().T
    offsets = np.linspace(-blur, blur, 3) if blur else np.zeros(1)
    # Each point shifts its offsets a little, its own way: stripes become grain, which the pooling of samples smooths.
    jitter = blur * ((np.arange(len(points)) * 0.618034) % 1 - 0.5) if blur else 0.0
    total = np.zeros(len(points), np.float32)
    for dx in offsets:
        for dy in offsets:
            column, row = np.rint(x + dx + jitter).astype(int), np.rint(y + dy - jitter).astype(int)
            outside = (column < 0) | (row < 0) | (column >= side) | (row >= side)
            total += outside | (depth < nearest[row.clip(0, side - 1), column.clip(0, side - 1)] + bias)
    return total / np.float32(len(offsets) ** 2)


@cache
def openness() -> np.ndarray:
    """How much of the surroundings each vertex of the mean head sees, (V,) in [0, 1]: ambient occlusion."""
    head = default_head()
    normals = vertex_normals(head.mean[None], head.triangles)[0].numpy()
    vertices, triangles = head.mean.numpy(), head.triangles.numpy()
    seen, total = np.zeros(len(vertices), np.float32), np.full(len(vertices), 1e-6, np.float32)
    index = np.arange(_RAYS) + 0.5
    height, turn = 1 - 2 * index / _RAYS, index * (np.pi * (3 - 5**0.5))
    radius = np.sqrt(1 - height**2)
    for towards in np.stack([radius * np.cos(turn), height, radius * np.sin(turn)], 1).astype(np.float32):
        facing = np.maximum(normals @ towards, 0)
        seen += facing * lit(vertices, vertices, triangles, towards, _RAY_SIDE, 0.004)
        total += facing
    return seen / total
