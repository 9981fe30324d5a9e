"""The fitted head before and after a change, as it lies in a crop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import torch

from ..face3d.camera import Perspective, angles_of, rotation_matrix, to_pixels
from ..face3d.fitting.fit import Fit
from ..face3d.heads.anny import AnnyHead
from ..face3d.heads.head import vertex_normals
from ..face3d.heads.head_units import HEAD_UNITS
from ..faces import Crop
from ..faces.affine import transform
from .delta import Change

_BROWS, _CHIN = slice(17, 27), 8  # iBUG
_CHEEKS, _OPENED = list(HEAD_UNITS).index("AU6"), 1.0  # by how much the photo's eyes may be opened
_NEAR, _LONE = 0.008, 0.1  # metres round a landmark that know its miss; weight of knowing nothing
_APART = {"jawOpen": 1.0, "mouthFunnel": 0.5}  # actions that part the lips
_NOISE = 0.02  # of landmarks, over what they say
_ASIDE = 0.5  # radians, the farthest look


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
    head = fit.head
    angles = angles_of(change.turn[None] @ rotation_matrix(fit.angles))
    neutral = head(fit.identity)
    gaze = fit.gaze
    if bool(gaze.any()):  # eyes that look at something keep looking at it
        gaze = (gaze - (angles - fit.angles)[:, None, :2]).clamp(-_ASIDE, _ASIDE)
    vertices = head.express(neutral, actions=fit.actions, gaze=gaze)
    if change.expressive:
        moved = _expressed(fit, change, neutral, gaze) - vertices
        vertices = vertices + (moved if free is None else free[:, None] * moved)
    before, after = (_middle(fit, neutral, turn) for turn in (fit.angles, angles))
    depth = fit.camera.distance - before[2]
    shift = fit.camera.shift + fit.camera.focal * (before - after)[:2] / depth
    return head.turn(vertices, angles), replace(
        fit.camera, distance=fit.camera.distance + after[2] - before[2], shift=shift
    )


def _expressed(fit: Fit, change: Change, neutral: torch.Tensor, gaze: torch.Tensor) -> torch.Tensor:
    """The head (1, V, 3) with the requested expression, before it turns; `gaze` (1, 2, 2) is where it looked."""
    head = fit.head
    if change.gaze is not None:
        gaze = (gaze + change.gaze.to(gaze)).clamp(-_ASIDE, _ASIDE)
    vertices = head.express(neutral, actions=actions_after(fit, change), gaze=gaze)
    start, end = intensities(fit, change)
    if not torch.equal(start, end):
        vertices = vertices + head.express(neutral, end) - head.express(neutral, start)
    if change.motion is not None:
        vertices = vertices + spread(head, change.motion)
    return vertices


def actions_after(fit: Fit, change: Change) -> torch.Tensor:
    """The facial actions (1, 52) of the fit with those that a change adds, 0 to 1."""
    if change.actions is None:
        return fit.actions
    return (fit.actions + change.actions.to(fit.actions)).clamp(0, 1)


def intensities(fit: Fit, change: Change) -> tuple[torch.Tensor, torch.Tensor]:
    """Between which intensities (1, 2, U) the units of a change move the face.

    From those of the fit, which knows what the landmarks say of them; a request for more than there is room for is met
    half-way. Of raised cheeks little can be taken back: the photo does not show the part of the eyes that they hide.
    """
    present, request = fit.units, change.units.to(fit.units)
    room = (5 - request).clamp_min(0)
    start = torch.where(request > 0, torch.minimum(present, (present + room) / 2), present)
    end = (start + request).clamp(-5, 5)
    end[..., _CHEEKS] = torch.maximum(end[..., _CHEEKS], start[..., _CHEEKS] - _OPENED)
    return start, end


def misses(fit: Fit) -> torch.Tensor:
    """What the fit left unexplained, (V, 2) photo pixels from the fitted head to the landmarks: each vertex has the
    miss of the landmarks near it, and those far from all have none.
    """
    if len(fit.residuals) < 468:
        return fit.residuals.new_zeros(len(fit.head.mean), 2)
    return spread(fit.head, -fit.residuals[:468].float())


def spread(head: AnnyHead, values: torch.Tensor) -> torch.Tensor:
    """Values (468 or more, C) of the mesh's landmarks on the vertices (V, C): smooth, near them at the landmarks, and
    none far from all.
    """
    weights = _weights(head)
    return weights @ values[: weights.shape[1]].to(weights)


@cache
def _weights(head: AnnyHead) -> torch.Tensor:
    """How much each vertex takes of each mesh landmark, (V, 468): what is near, sharpened so that the landmarks
    themselves get back what they gave, but for noise.
    """
    near = _nearness(head)
    kept = head.embedding.points(near[None].mT.reshape(-1, len(near), 1).expand(-1, -1, 3), "mesh468")[..., 0].T
    return near @ torch.linalg.solve(kept.T @ kept + _NOISE * torch.eye(len(kept)), kept.T)


@cache
def _nearness(head: AnnyHead) -> torch.Tensor:
    """How much each vertex takes of each mesh landmark, (V, 468).

    Near is what is near with a mouth open and lips apart, so that lips do not take each other's.
    """
    mean = head.express(head.mean[None], actions=head.actions_named(_APART))
    spots = head.embedding.points(mean, "mesh468")[0]
    near = torch.exp(-torch.cdist(mean[0], spots).square() / (2 * _NEAR**2))
    return near / (near.sum(1, keepdim=True) + _LONE)


def _middle(fit: Fit, neutral: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Between chin and brows of the neutral face, (3,) metres: what stays in place when a head turns."""
    landmarks = fit.head.landmarks(fit.head.turn(neutral, angles))[0]
    return (landmarks[_CHIN] + landmarks[_BROWS].mean(0)) / 2
