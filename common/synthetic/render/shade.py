"""How light reaches skin, eyes, hair and cloth and leaves them towards the camera, for many points, in linear light.

Where it does not come: shadows of the key lamp, and corners that see little of the surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from ...face3d.camera import Orthographic, to_pixels
from ...face3d.heads.anny import default_head
from ...face3d.heads.head import vertex_normals
from ...face3d.rendering.render import rasterize
from ..scene.factors import Lamps

_RAYS, _RAY_SIDE = 48, 192
_CENTRE = np.array([0, -0.05, -0.06], np.float32)
_RADIUS = 0.26  # metres about the centre that shadow maps show: the head, not the shoulders' ends

# Light that enters skin beside the terminator comes out behind it, red the furthest: the cosine is wrapped by this much
# (Green, "Real-Time Approximations to Subsurface Scattering", GPU Gems, 2004).
_WRAP = np.array([0.30, 0.13, 0.09], np.float32)
_F0 = 0.028  # of skin, refractive index 1.4


@dataclass(frozen=True)
class Points:
    """Surface points in the camera's axes."""

    normals: np.ndarray  # (N, 3) unit
    views: np.ndarray  # (N, 3) unit, towards the camera
    lit: np.ndarray  # (N,) in [0, 1], how much of the key lamp reaches them
    open: np.ndarray  # (N,) in [0, 1], how much of the surroundings

    def __getitem__(self, chosen: np.ndarray) -> Points:
        return Points(self.normals[chosen], self.views[chosen], self.lit[chosen], self.open[chosen])


def direction(azimuth: float, elevation: float) -> np.ndarray:
    """Unit vector (3,) towards a lamp at these degrees."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)], np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    """The vectors (..., 3), each of length 1; 0 stays 0."""
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9)


def surroundings(normals: np.ndarray, lamps: Lamps) -> np.ndarray:
    """Light (N, 3) from everywhere but the key lamp on surfaces that face the normals (N, 3)."""
    up = normals[:, 1:2]
    fill = lamps.fill * np.asarray(lamps.fill_colour, np.float32) * (0.75 + 0.25 * up)
    warm = lamps.bounce * np.array([1.0, 0.85, 0.7], np.float32) * (0.5 - 0.5 * up)
    rim = lamps.rim * np.maximum(normals @ direction(lamps.rim_azimuth, 15), 0)[:, None]
    return (fill + warm + rim).astype(np.float32)


def irradiance(lamps: Lamps) -> float:
    """Mean brightness of a white face under the lamps, over normals spread like those of a face that looks ahead."""
    x, y = (g.ravel() for g in np.meshgrid(np.linspace(-0.7, 0.7, 9), np.linspace(-0.5, 0.5, 7)))
    normals = np.stack([x, y, np.sqrt(1 - x * x - y * y)], 1).astype(np.float32)
    key = lamps.key * np.maximum(normals @ direction(lamps.azimuth, lamps.elevation), 0)
    return float((key[:, None] * np.asarray(lamps.key_colour) + surroundings(normals, lamps)).mean())


def skin(points: Points, smooth: np.ndarray, albedo: np.ndarray, gloss: np.ndarray, lamps: Lamps) -> np.ndarray:
    """Light (N, 3) from skin of an albedo (N, 3) and a gloss (N,), at points with normals that follow pores and folds;
    `smooth` (N, 3) are normals that do not: red light blurs what is fine.
    """
    key, towards = lamps.key * np.asarray(lamps.key_colour, np.float32), direction(lamps.azimuth, lamps.elevation)
    wrap = _WRAP + 0.25 * lamps.softness
    fine, wide = points.normals @ towards, smooth @ towards
    cosine = np.stack([0.25 * fine + 0.75 * wide, 0.65 * fine + 0.35 * wide, 0.8 * fine + 0.2 * wide], 1)
    cosine = np.maximum((cosine + wrap) / (1 + wrap), 0)
    lit = points.lit[:, None] ** np.array([0.75, 1.0, 1.1], np.float32)
    # What occludes skin is skin: some light comes back from it, red the most.
    dark = points.open[:, None] ** np.array([0.7, 1.0, 1.1], np.float32)
    diffuse = albedo * (key * cosine * lit + surroundings(points.normals, lamps) * dark)
    return diffuse + highlight(points, towards, key, 10 + 28 * gloss, gloss * 1.1) + sheen(points, lamps, gloss)


def highlight(
    points: Points, towards: np.ndarray, key: np.ndarray, exponent: np.ndarray, strength: np.ndarray
) -> np.ndarray:
    """Normalised Blinn-Phong highlight (N, 3) with Schlick's Fresnel term."""
    half = unit(points.views + towards)
    cosine = np.maximum((points.normals * half).sum(1), 0)
    fresnel = _F0 + (1 - _F0) * (1 - np.clip((points.views * half).sum(1), 0, 1)) ** 5
    facing = np.clip(points.normals @ towards * 4, 0, 1) * np.maximum(points.normals @ towards, 0)
    amount = strength * fresnel * (exponent + 8) / (8 * np.pi) * cosine**exponent * facing * points.lit
    return amount[:, None] * key * np.pi


def sheen(points: Points, lamps: Lamps, strength: np.ndarray) -> np.ndarray:
    """Surroundings mirrored at grazing angles, (N, 3)."""
    grazing = (1 - np.clip((points.normals * points.views).sum(1), 0, 1)) ** 4
    return (0.25 * strength * points.open * (_F0 + grazing))[:, None] * surroundings(points.normals, lamps)


def matt(points: Points, albedo: np.ndarray, lamps: Lamps, gloss: float | np.ndarray = 0.0) -> np.ndarray:
    """Light (N, 3) from cloth, teeth, plastic: a cosine, and a highlight as strong as `gloss`."""
    key, towards = lamps.key * np.asarray(lamps.key_colour, np.float32), direction(lamps.azimuth, lamps.elevation)
    wrap = 0.08 + 0.25 * lamps.softness
    cosine = np.maximum((points.normals @ towards + wrap) / (1 + wrap), 0) * points.lit
    light = albedo * (key * cosine[:, None] + surroundings(points.normals, lamps) * points.open[:, None])
    shine = np.broadcast_to(np.asarray(gloss, np.float32), (len(albedo),))
    return light + highlight(points, towards, key, 20 + 120 * shine, shine) if np.any(shine > 0) else light


def strands(points: Points, tangents: np.ndarray, albedo: np.ndarray, lamps: Lamps, gloss: float = 0.5) -> np.ndarray:
    """Light (N, 3) from hair, with two highlights.

    After Kajiya and Kay, "Rendering Fur with Three Dimensional Textures" (SIGGRAPH 1989).
    """
    key, towards = lamps.key * np.asarray(lamps.key_colour, np.float32), direction(lamps.azimuth, lamps.elevation)
    along = tangents @ towards
    side = np.sqrt(np.maximum(1 - along**2, 0))
    around = np.clip(0.55 + 0.65 * (points.normals @ towards), 0, 1) * points.lit
    half = unit(points.views + towards)
    shift = np.clip((tangents * half).sum(1) + 0.06, -1, 1)
    sharp, wide = (np.sqrt(1 - np.clip(shift + off, -1, 1) ** 2) ** power for off, power in ((0, 60), (-0.12, 18)))
    diffuse = albedo * (
        key * (side * around)[:, None] * 0.8 + surroundings(points.normals, lamps) * points.open[:, None]
    )
    bright = np.sqrt(albedo) * 0.35
    shine = gloss * (0.045 * sharp[:, None] + 0.12 * wide[:, None] * bright) * key * around[:, None]
    return diffuse + shine.astype(np.float32)


def mirror(points: Points, lamps: Lamps, cornea: np.ndarray) -> np.ndarray:
    """Lamps mirrored in wet eyes, (N, 3): the key is a patch as large as it is soft, the sky a faint upper half."""
    reflected = 2 * (points.normals * points.views).sum(1, keepdims=True) * points.normals - points.views
    off = np.arccos(np.clip(reflected @ direction(lamps.azimuth, lamps.elevation), -1, 1))
    size = 0.16 + 0.22 * lamps.softness  # radians
    patch = np.clip((size - off) / 0.06 + 0.5, 0, 1) * (0.35 + 0.65 * points.lit)
    key = (0.5 + lamps.key) * np.asarray(lamps.key_colour, np.float32) / (0.35 + lamps.softness)
    sky = np.clip(reflected[:, 1:2] * 2, 0, 1) * lamps.fill * np.asarray(lamps.fill_colour, np.float32) * 0.06
    return ((patch * (0.35 + 0.65 * cornea))[:, None] * key * 0.6 + sky).astype(np.float32)


def lit(
    points: np.ndarray,
    vertices: np.ndarray,
    triangles: np.ndarray,
    towards: np.ndarray,
    side: int,
    bias: float,
    blur: int = 0,
) -> np.ndarray:
    """How much of a distant lamp, in the unit direction `towards` (3,), reaches points (N, 3) in metres: (N,) float32
    in [0, 1], by shadow mapping (Williams, SIGGRAPH 1978).

    `vertices` (V, 3) of `triangles` (T, 3) cast the shadows; `side` are pixels of the shadow map, `bias` metres that a
    point must lie behind the nearest surface to be in its shadow, `blur` pixels by which the shadow's edge is softened.
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
