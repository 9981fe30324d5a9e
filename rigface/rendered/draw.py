"""Draws a fitted head as it shall be, in the colours that the photo has where the head is now."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from common.carry import Carried
from common.face3d.camera import Perspective, angles_of, rotation_matrix, to_pixels
from common.face3d.fit import Fit
from common.face3d.fit_light import to_linear, to_srgb
from common.face3d.head import vertex_normals
from common.face3d.lighting import shade
from common.face3d.render import rasterize, visible
from common.faces import Crop
from common.faces.warp import transform

from .change import Change

SAMPLES = 2  # a pixel and direction
_FACING = (0.1, 0.35)  # cosines to the viewer between which a place of the skin goes from hidden to seen
_DIM = 0.12  # least brightness that a place was lit with: what is darker tells nothing of its colour
_RATIO = (0.2, 5.0)  # by how much relighting may change a colour
_NECK = (0.1, 0.15)  # of the head's weight: where the drawing fades out, and over how much
_WHOLE = 0.9  # of the head's weight: no neck
_BROWS, _CHIN = slice(17, 27), 8  # iBUG


@dataclass(frozen=True, eq=False)
class Placed:
    """A head in a crop.

    Attributes:
        points: (V, 3) crop pixels, and metres from the camera.
        normals: (V, 3) unit normals in the camera's axes.
    """

    points: torch.Tensor
    normals: torch.Tensor


def place(fit: Fit, vertices: torch.Tensor, camera: Perspective, crop: Crop) -> Placed:
    """Where a head (1, V, 3) lies in a crop of the photo that was fitted."""
    height, width = fit.size
    pixels = to_pixels(camera.project(vertices), width, height)[0]
    flat = transform(pixels[:, :2].double().numpy(), crop.matrix)
    points = torch.cat([torch.from_numpy(flat).float(), pixels[:, 2:].float()], 1)
    return Placed(points, vertex_normals(vertices, fit.head.triangles)[0])


@torch.no_grad()
def changed(fit: Fit, change: Change) -> tuple[torch.Tensor, Perspective]:
    """The head (1, V, 3) after a change, and the camera that keeps the face's middle where it is."""
    angles = angles_of(change.turn[None] @ rotation_matrix(fit.angles))
    units = (fit.expression + change.units).clamp(-5, 5)
    neutral = fit.head(fit.identity)
    vertices = fit.head.express(neutral, units, jaw=fit.jaw, gaze=fit.gaze)
    if bool(fit.gaze.any()):  # eyes that look at something go on to look at it
        turned = torch.rad2deg(angles - fit.angles)[:, None, :2]
        gaze = (fit.gaze - torch.deg2rad(turned)).clamp(-0.5, 0.5)
        vertices = fit.head.express(neutral, units, jaw=fit.jaw, gaze=gaze)
    before, after = (_middle(fit, neutral, turn) for turn in (fit.angles, angles))
    depth = fit.camera.distance - before[2]
    shift = fit.camera.shift + fit.camera.focal * (before - after)[:2] / depth
    return fit.head.turn(vertices, angles), replace(
        fit.camera, distance=fit.camera.distance + after[2] - before[2], shift=shift
    )


@dataclass(frozen=True, eq=False)
class Drawing:
    """A head as it shall be, in a crop of S pixels.

    Attributes:
        picture: (S, S, 3) uint8, on black.
        covered: (S, S) bool, where it is.
        carried: where the photo's detail goes on it.
    """

    picture: np.ndarray
    covered: np.ndarray
    carried: Carried


@torch.no_grad()
def draw(fit: Fit, change: Change, crop: Crop, photo: np.ndarray) -> Drawing:
    """Draw the head as it shall be.

    Each place of the head has the colour that the photo has there, times the ratio of the light before and after, by
    the normals before and after; what the photo does not show is of the skin's mean colour.

    Args:
        fit: of the photo, with light.
        change: what shall be.
        crop: of the photo, S pixels wide.
        photo: (S, S, 3) uint8, that crop.
    """
    head, side = fit.head, crop.size
    now = place(fit, fit.vertices(), fit.camera, crop)
    then = place(fit, *changed(fit, change), crop)
    light = torch.stack([change.before, change.light]).float()
    lit = shade(torch.stack([now.normals, then.normals]), light)
    ratio = (lit[1].clamp_min(_DIM / 2) / lit[0].clamp_min(_DIM)).clamp(*_RATIO)
    seen = rasterize(now.points, head.triangles, side, side)
    shown = visible(now.points, seen) * ((now.normals[:, 2] - _FACING[0]) / (_FACING[1] - _FACING[0])).clamp(0, 1)
    plain = _tone(fit) * lit[1].clamp_min(0)
    fade = ((head.head_weight - _NECK[0]) / _NECK[1]).clamp(0, 1)

    fine = then.points.clone()
    fine[:, :2] = (fine[:, :2] + 0.5) * SAMPLES - 0.5
    fragments = rasterize(fine, head.triangles, SAMPLES * side, SAMPLES * side)
    values = torch.cat([now.points[:, :2], ratio, shown[:, None], plain, fade[:, None]], 1)
    at, ratio, shown, plain, fade = fragments.interpolate(values, head.triangles).split([2, 3, 1, 3, 1], 1)
    linear = torch.from_numpy(to_linear(photo.astype(np.float32) / 255)).float().movedim(2, 0)
    grid = (at + 0.5) * (2 / side) - 1
    looked = torch.nn.functional.grid_sample(
        linear[None], grid[None, None], padding_mode="border", align_corners=False
    )[0, :, 0].T
    colour = (shown * looked * ratio + (1 - shown) * plain) * fade

    def pooled(values: torch.Tensor) -> torch.Tensor:
        picture = values.new_zeros(SAMPLES * side, SAMPLES * side, values.shape[1])
        picture[fragments.seen] = values
        return torch.nn.functional.avg_pool2d(picture.movedim(2, 0)[None], SAMPLES)[0].movedim(0, 2)

    drawn, covered = to_srgb(pooled(colour).clamp(0, 1).numpy()), pooled(fade)[..., 0].numpy()
    share = pooled(torch.ones_like(fade))
    origin = (pooled(at) / share.clamp_min(1e-6)).numpy()
    # Detail is of display values, which follow about a 2.2th root of the light.
    gain = (pooled(ratio ** (1 / 2.2)) / share.clamp_min(1e-6)).numpy()
    carried = Carried(origin, pooled(shown * fade)[..., 0].numpy(), gain)
    return Drawing(np.rint(drawn * 255).astype(np.uint8), covered > 0.5, carried)


def skin_normals(fit: Fit) -> torch.Tensor:
    """The normals (N, 3) of the head that faces the camera: what `fit_light` reads the light from, but for hair."""
    normals = vertex_normals(fit.vertices(), fit.head.triangles)[0]
    return normals[(fit.head.head_weight > _WHOLE) & (normals[:, 2] > _FACING[1])]


def _middle(fit: Fit, neutral: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Between chin and brows of the neutral face, (3,) metres: what stays in place when a head turns."""
    landmarks = fit.head.landmarks(fit.head.turn(neutral, angles))[0]
    return (landmarks[_CHIN] + landmarks[_BROWS].mean(0)) / 2


def _tone(fit: Fit) -> torch.Tensor:
    """The skin's colour (3,), linear."""
    return torch.full((3,), 0.4) if fit.albedo is None else fit.albedo.float()
