"""The fitted head before and after a change, as it lies in a crop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import torch

from ..face3d.camera import Perspective, angles_of, rotation_matrix, to_pixels
from ..face3d.fitting.fit import Fit
from ..face3d.heads.anny import AnnyHead
from ..face3d.heads.head import vertex_normals
from ..face3d.heads.head_units import UNITS
from ..faces import Crop
from ..faces.affine import transform
from .delta import Change

_BROWS, _CHIN = slice(17, 27), 8  # iBUG
_CHEEKS, _OPENED = UNITS.index("AU6"), 1.0  # by how much the photo's eyes may be opened
_NEAR, _LONE = 0.008, 0.1  # metres round a landmark that know its miss; weight of knowing nothing


@dataclass(frozen=True, eq=False)
class Placed:
    """A head in a crop."""

    points: torch.Tensor  # (V, 3) crop pixels, and metres from the camera
    normals: torch.Tensor  # (V, 3) unit normals in the camera's axes


def place(
    fit: Fit, vertices: torch.Tensor, camera: Perspective, crop: Crop, miss: torch.Tensor | None = None
) -> Placed:
    """Where a head (1, V, 3) lies in a crop of the photo that was fitted; `miss` (V, 2) is added in photo pixels."""
    height, width = fit.size
    pixels = to_pixels(camera.project(vertices), width, height)[0]
    if miss is not None:
        pixels = torch.cat([pixels[:, :2] + miss, pixels[:, 2:]], 1)
    flat = transform(pixels[:, :2].double().numpy(), crop.matrix)
    points = torch.cat([torch.from_numpy(flat).float(), pixels[:, 2:].float()], 1)
    return Placed(points, vertex_normals(vertices, fit.head.triangles)[0])


@torch.no_grad()
def changed(fit: Fit, change: Change, free: torch.Tensor | None = None) -> tuple[torch.Tensor, Perspective]:
    """The head (1, V, 3) after a change, and the camera that keeps the face's middle where it is; `free` (V,) in [0, 1]
    is how far vertices follow a new expression, None for all of it.
    """
    angles = angles_of(change.turn[None] @ rotation_matrix(fit.angles))
    neutral = fit.head(fit.identity)
    gaze = fit.gaze
    if bool(gaze.any()):  # eyes that look at something keep looking at it
        gaze = (gaze - (angles - fit.angles)[:, None, :2]).clamp(-0.5, 0.5)
    vertices = fit.head.express(neutral, actions=fit.actions, gaze=gaze)
    start, end = intensities(fit, change)
    if not torch.equal(start, end):
        moved = fit.head.express(neutral, end) - fit.head.express(neutral, start)
        vertices = vertices + (moved if free is None else free[:, None] * moved)
    before, after = (_middle(fit, neutral, turn) for turn in (fit.angles, angles))
    depth = fit.camera.distance - before[2]
    shift = fit.camera.shift + fit.camera.focal * (before - after)[:2] / depth
    return fit.head.turn(vertices, angles), replace(
        fit.camera, distance=fit.camera.distance + after[2] - before[2], shift=shift
    )


def intensities(fit: Fit, change: Change) -> tuple[torch.Tensor, torch.Tensor]:
    """Between which intensities (1, 2, 12) a change moves the face.

    From those of the fit, which knows what the landmarks say of them; a request for more than there is room for is met
    half-way. Of raised cheeks little can be taken back: the photo does not show the part of the eyes that they hide.
    """
    request = change.units.to(fit.expression)
    room = (5 - request).clamp_min(0)
    start = torch.where(request > 0, torch.minimum(fit.expression, (fit.expression + room) / 2), fit.expression)
    end = (start + request).clamp(-5, 5)
    end[..., _CHEEKS] = torch.maximum(end[..., _CHEEKS], start[..., _CHEEKS] - _OPENED)
    return start, end


def misses(fit: Fit) -> torch.Tensor:
    """What the fit left unexplained, (V, 2) photo pixels from the fitted head to the landmarks: each vertex has the
    miss of the landmarks near it, and those far from all have none.
    """
    weights = _nearness(fit.head)
    return (
        weights @ -fit.residuals[:468].float()
        if len(fit.residuals) >= 468
        else fit.residuals.new_zeros(len(weights), 2)
    )


@cache
def _nearness(head: AnnyHead) -> torch.Tensor:
    """How much each vertex takes of each mesh landmark, (V, 468)."""
    spots = head.embedding.points(head.mean[None], "mesh468")[0]
    near = torch.exp(-torch.cdist(head.mean, spots).square() / (2 * _NEAR**2))
    return near / (near.sum(1, keepdim=True) + _LONE)


def _middle(fit: Fit, neutral: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Between chin and brows of the neutral face, (3,) metres: what stays in place when a head turns."""
    landmarks = fit.head.landmarks(fit.head.turn(neutral, angles))[0]
    return (landmarks[_CHIN] + landmarks[_BROWS].mean(0)) / 2
