"""Draws a fitted head as it shall be, in the colours that the photo has where the head is now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from common.carry import Carried
from common.draft.change import Change
from common.draft.heads import changed, place
from common.face3d.fit import Fit
from common.face3d.fit_light import to_linear, to_srgb
from common.face3d.head import vertex_normals
from common.face3d.lighting import shade
from common.face3d.render import rasterize, visible
from common.faces import Crop

SAMPLES = 2  # a pixel and direction
_FACING = (0.1, 0.35)  # cosines to the viewer between which a place of the skin goes from hidden to seen
_DIM = 0.12  # least brightness that a place was lit with: what is darker tells nothing of its colour
_RATIO = (0.2, 5.0)  # by how much relighting may change a colour
_NECK = (0.1, 0.15)  # of the head's weight: where the drawing fades out, and over how much
_WHOLE = 0.9  # of the head's weight: no neck


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


def _tone(fit: Fit) -> torch.Tensor:
    """The skin's colour (3,), linear."""
    return torch.full((3,), 0.4) if fit.albedo is None else fit.albedo.float()
