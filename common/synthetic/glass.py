"""What is seen through: lashes and lenses, laid over a picture that is already lit."""

from __future__ import annotations

import numpy as np
import torch

from ..face3d.render import Fragments, rasterize
from ..parts import PARTS
from . import shade
from .factors import Lamps
from .layers import Layer

_BIAS = 0.001  # metres: lashes start on the lid


def overlay(
    light: np.ndarray,
    cover: np.ndarray,
    parts: np.ndarray,
    fragments: Fragments,
    layer: Layer,
    pixels: torch.Tensor,
    lamps: Lamps,
    distance: float,
) -> None:
    """Lay one translucent layer over the light (H, W, 3), the cover and the parts (H, W), in place.

    Args:
        light: that reaches the camera without the layer and the background.
        cover: in [0, 1], how much of the background is hidden.
        parts: face-parsing classes; a lens makes what is behind it "eye_g", lashes change nothing.
        fragments: what is seen without the layer.
        layer: posed, in the camera's axes.
        pixels: (N, 3) its vertices in the picture, with depth.
        lamps: the light.
        distance: the camera's, metres from the origin.
    """
    height, width = parts.shape
    found = rasterize(pixels, torch.from_numpy(layer.triangles).long(), width, height)
    front = (found.seen & (found.depth < fragments.depth + _BIAS)).numpy()
    if not front.any():
        return
    corners = layer.triangles[found.triangle.numpy()[front]]
    weights = found.weights.numpy()[front]
    values = np.concatenate([layer.vertices, layer.normals, layer.colour], 1)  # pyright: ignore[reportCallIssue, reportArgumentType]
    mixed = np.einsum("nkc,nk->nc", values[corners], weights)
    positions, normals, colour = mixed[:, :3], shade.unit(mixed[:, 3:6]), mixed[:, 6:]
    views = shade.unit(np.array([0, 0, distance], np.float32) - positions)
    normals[(normals * views).sum(1) < 0] *= -1
    ones = np.ones(len(positions), np.float32)
    points = shade.Points(normals, views, ones, ones)
    own = shade.matt(points, colour * (1 - 0.9 * layer.gloss), lamps)  # what is polished has little colour of its own
    if layer.gloss > 0.5:
        own = own + 0.3 * layer.gloss * shade.mirror(points, lamps, ones)
        parts[front] = PARTS.index(layer.part)
    cover[front] = 1 - (1 - cover[front]) * (1 - layer.opacity)
    light[front] = light[front] * (1 - layer.opacity) + own * max(layer.opacity, 0.08 * layer.gloss)
