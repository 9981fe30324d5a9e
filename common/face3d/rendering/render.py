"""What a camera sees of triangles: which one in each pixel, and what follows from it.

OpenCV's rasteriser finds the triangle; everything else is looked up there, on the device of the vertices. Positions
are in pixels with (0, 0) the centre of the first pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ...core.errors import InputError, ShapeError
from ...core.numbers import whole_number
from ..camera import Camera, to_pixels
from ..heads.head import Head, vertex_normals
from .lighting import shade

_FAR = 100.0
_LIMIT = 1 << 22  # triangle numbers are passed through float32 colours


@dataclass(frozen=True)
class Fragments:
    """What a camera sees in each sample of a picture."""

    triangle: torch.Tensor  # (H, W) int64, -1 where nothing is seen
    weights: torch.Tensor  # (H, W, 3) float32 barycentric weights of the triangle's corners, 0 where nothing is seen
    depth: torch.Tensor  # (H, W) float32, in the units of the projected points, infinite where nothing is seen

    @property
    def seen(self) -> torch.Tensor:
        """(H, W) bool, true where there is a triangle."""
        return self.triangle >= 0

    def interpolate(self, values: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
        """Values (V, C) of the corners, mixed for each sample that sees something: (N, C) in the order of `seen`."""
        corners = triangles[self.triangle[self.seen]]  # (N, 3)
        return (values[corners] * self.weights[self.seen][..., None]).sum(1)


def rasterize(points: torch.Tensor, triangles: torch.Tensor, width: int, height: int) -> Fragments:
    """Find the nearest triangle of (T, 3), both sides of which are seen, in each pixel; the same bytes for the same
    input.

    `points` are (V, 3) pixels and depth, as `camera.to_pixels` returns one face's; the fragments are on their device.
    Raises ShapeError for others, InputError for positions that are not finite, or no triangles.
    """
    if points.ndim != 2 or points.shape[1] != 3:
        raise ShapeError("points", "(V, 3): x, y, depth", points.shape)
    if not len(triangles) or len(triangles) >= _LIMIT:
        raise InputError(
            "The number of triangles is out of range.",
            code="count",
            expected=f"1 to {_LIMIT - 1}",
            actual=len(triangles),
        )
    places, corners = points.detach().cpu().float().numpy(), triangles.cpu().numpy()
    if not np.isfinite(places).all():
        raise InputError("points hold NaN or infinity.", code="values", hint="check the parameters of head and camera")
    # A triangle whose box holds no pixel's centre covers none; of hair in small pictures most are such.
    kept = np.ones(len(corners), bool)
    for column, limit in zip(places[:, :2].T, (width, height)):
        a, b, c = (column[corner] for corner in corners.T)
        first = np.ceil(np.minimum(np.minimum(a, b), c) - 0.01)
        last = np.floor(np.maximum(np.maximum(a, b), c) + 0.01)
        kept &= (first <= last) & (last >= 0) & (first < limit)
    kept = np.flatnonzero(kept)
    if not len(kept):  # all triangles lie beside the picture
        none = torch.full((height, width), -1, device=points.device)
        nowhere = torch.full_like(none, torch.inf, dtype=torch.float32)
        return Fragments(none, torch.zeros(height, width, 3, device=points.device), nowhere)
    # OpenCV looks through a pinhole with 90 degrees of view in y. Our camera has already divided, so that pinhole is
    # put far away, where it divides all depths by almost the same: weights come out linear in the picture, which is
    # exact for orthographic cameras and off by less than a thousandth of a triangle's size for small triangles.
    near, far = places[:, 2].min(), places[:, 2].max()
    z = _FAR + (places[:, 2] - near) / max(far - near, 1e-9)
    x = (places[:, 0] + 0.5 - width / 2) / (height / 2) * z
    y = (height / 2 - places[:, 1] - 0.5) / (height / 2) * z
    vertices = np.stack([x, y, -z], -1).astype(np.float32)[corners[kept]].reshape(-1, 3)
    count = len(kept)
    colours = np.zeros((count, 3, 3), np.float32)  # first weight, second weight, number of the triangle
    colours[:, 0, 0] = colours[:, 1, 1] = 1
    colours[:, :, 2] = (kept + 1)[:, None]
    settings = cv2.TriangleRasterizeSettings()
    settings.setCullingMode(cv2.RASTERIZE_CULLING_NONE)
    settings.setShadingType(cv2.RASTERIZE_SHADING_SHADED)
    picture, buffer = cv2.triangleRasterize(
        vertices,
        np.arange(3 * count, dtype=np.int32).reshape(-1, 3),
        colours.reshape(-1, 3),
        np.zeros((height, width, 3), np.float32),
        np.full((height, width), 2 * _FAR, np.float32),
        np.eye(4, dtype=np.float32),
        np.pi / 2,
        1.0,
        2 * _FAR,
        settings,
    )
    triangle = np.rint(picture[..., 2]).astype(np.int64) - 1
    weights = np.stack([picture[..., 0], picture[..., 1], 1 - picture[..., 0] - picture[..., 1]], -1)
    weights[triangle < 0] = 0
    depth = np.where(triangle < 0, np.inf, (buffer - _FAR) * (far - near) + near).astype(np.float32)
    return Fragments(*(torch.from_numpy(value).to(points.device) for value in (triangle, weights, depth)))


def render(
    head: Head,
    vertices: torch.Tensor,
    camera: Camera,
    light: torch.Tensor,
    *,
    size: int,
    albedo: torch.Tensor | None = None,
    texture: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw one head on black: its colour (3, size, size), light times albedo, which may exceed 1 under strong light,
    and where it is seen, (size, size) bool.

    Args:
        head: whose triangles and texture coordinates are drawn.
        vertices: (1, V, 3) in metres.
        camera: of a batch of one.
        light: (1, 9, 3) spherical harmonics, see `lighting`.
        size: of the square picture, 8 to 4096.
        albedo: (3,) or (V, 3) in [0, 1]; None is a light grey.
        texture: (3, h, w) in [0, 1], instead of the albedo.

    Raises:
        ShapeError: vertices, light, albedo or texture have another shape.
        InputError: the size is out of range, or albedo and texture are both given.
    """
    if vertices.ndim != 3 or len(vertices) != 1:
        raise ShapeError("vertices", "(1, V, 3): one head a picture", vertices.shape)
    if albedo is not None and texture is not None:
        raise InputError("Give an albedo or a texture, not both.", code="conflict")
    if albedo is not None and tuple(albedo.shape) not in ((3,), (vertices.shape[1], 3)):
        raise ShapeError("albedo", f"(3,) or ({vertices.shape[1]}, 3)", albedo.shape)
    check_size(size, 1)
    fragments = rasterize(to_pixels(camera.project(vertices), size, size)[0], head.triangles, size, size)
    normals = fragments.interpolate(vertex_normals(vertices, head.triangles)[0], head.triangles)
    normals = torch.nn.functional.normalize(normals, dim=1)
    if texture is not None:
        colour = sample_texture(texture, fragments.interpolate(head.uv, head.uv_triangles))
    elif albedo is not None and albedo.ndim == 2:
        colour = fragments.interpolate(albedo, head.triangles)
    else:
        colour = normals.new_tensor([0.7, 0.7, 0.7]) if albedo is None else albedo
    colour = colour * shade(normals[None], light)[0].clamp_min(0)
    picture = colour.new_zeros(size, size, 3)
    picture[fragments.seen] = colour
    return picture.movedim(2, 0), fragments.seen


def check_size(size: int, samples: int) -> None:
    """Raise InputError unless a square picture can have so many pixels and samples."""
    whole_number("size", size, 8, 4096)
    whole_number("samples", samples, 1, 4)


def visible(points: torch.Tensor, fragments: Fragments, tolerance: float = 0.006) -> torch.Tensor:
    """Say which projected points (N, 3), in the pixels of the fragments, nothing hides: (N,) bool; landmarks lie in
    creases, so that points may lie behind what is seen by a tolerance in the unit of depth.
    """
    height, width = fragments.depth.shape
    x, y = points[:, 0].round().long(), points[:, 1].round().long()
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return inside & (points[:, 2] <= fragments.depth[y.clamp(0, height - 1), x.clamp(0, width - 1)] + tolerance)


def sample_texture(texture: torch.Tensor, uv: torch.Tensor) -> torch.Tensor:
    """Look up a texture (C, h, w) at coordinates (N, 2) in [0, 1], v up, bilinearly: (N, C)."""
    if texture.ndim != 3:
        raise ShapeError("texture", "(C, height, width)", texture.shape)
    grid = torch.stack([uv[:, 0] * 2 - 1, 1 - uv[:, 1] * 2], -1)[None, None]
    found = torch.nn.functional.grid_sample(texture[None], grid, align_corners=False, padding_mode="border")
    return found[0, :, 0].T


def most_frequent(labels: torch.Tensor, samples: int) -> torch.Tensor:
    """Reduce labels (H, W) to (H / samples, W / samples): in each pixel the one that most of its samples have."""
    height, width = labels.shape
    blocks = labels.reshape(height // samples, samples, width // samples, samples).movedim(2, 1).flatten(2)
    votes = (blocks[..., :, None] == blocks[..., None, :]).sum(-1)
    return blocks.gather(-1, votes.argmax(-1, keepdim=True))[..., 0]
