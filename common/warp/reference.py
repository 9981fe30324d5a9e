"""What a reference photo's face shows, carried to another face: facial actions, gaze, and what they cannot express."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from ..face3d.camera import rotation_matrix, to_pixels
from ..face3d.fitting.fit import Fit
from ..face3d.fitting.points import COUNT, EYES, STILL
from ..faces import Face
from ..facs.action_units import AUDelta
from ..facs.controls import FARTHEST_GAZE
from ..facs.landmark_motion import decode, encode
from ..imaging.images import on_white
from .warp import Warp

_MESH = 468
_ROUNDS, _STEP = 2, 0.7  # of correcting landmarks, and the part of what is missing that each adds
_FAINT = 0.005  # of an action
_ALIKE = (0.022, 0.030)
"""Between these, in distances between the outer corners of the eyes, two faces go from one person's to two people's:
root mean square by which their still landmarks differ. Frames of one person differ by 0.013 (5 to 95 %: 0 to 0.024),
photos of different people by 0.032 (0.020 to 0.055)."""


@torch.no_grad()
def difference(own: Fit, reference: Fit, *, motion: bool | None = None) -> AUDelta:
    """The request that gives a face the expression of a reference, times 1; see `AUDelta.scaled`.

    All 52 facial actions of both sides and the gaze, as the head was fitted to both photos. Landmarks move by what is
    left of the reference's, without its pose and size, beyond what these explain.

    Args:
        own: the fit of the photo to edit.
        reference: the fit of the photo that shows the expression.
        motion: carry what is left of the landmarks. It holds the reference's own shape too, so None does it as far as
            both photos seem to show one person, from the shape of what no expression moves.
    """
    head = own.head
    steps = (reference.actions - own.actions)[0]
    looks = (reference.gaze - own.gaze).mean((0, 1))
    others = {
        name: round(value, 4)
        for name, value in zip(head.action_names, steps.clamp(-1, 1).tolist())
        if abs(value) >= _FAINT
    }
    for name, angle in zip(("gaze_yaw", "gaze_pitch"), looks.tolist()):
        degrees = round(math.degrees(angle), 1)
        if degrees:
            others[name] = min(max(degrees, -FARTHEST_GAZE), FARTHEST_GAZE)
    text = ""
    if own.points.shape == reference.points.shape == (COUNT, 3):
        weight = alike(own, reference) if motion is None else float(motion)
        if weight:
            text = encode(weight * _left(own, reference, steps, looks))
    return AUDelta(others=tuple(others.items()), motion=text)


@torch.no_grad()
def settled(
    warp: Warp, asked: AUDelta, reference: Fit, find: Callable[[np.ndarray], Sequence[Face]], fraction: float = 1.0
) -> AUDelta:
    """A request that carries landmarks' motion, corrected by what a detector sees of its own edits.

    Where skin is lit, folded or uncovered, a detector sees landmarks elsewhere than they were moved to. What is missing
    of the reference's is added, a few times.

    Args:
        warp: of the photo to edit.
        asked: the request, from `difference`.
        reference: the fit of the photo that shows the expression.
        find: the faces of a picture (H, W, 3) uint8, as a detector of 478 landmarks finds them.
        fraction: of the way to the reference that is asked for.
    """
    own = warp.fit
    if not asked.motion or warp.turns:
        return asked
    goal, spots = _brought(own, reference)
    goal = spots + fraction * (goal - spots)
    x0, y0, x1, y1 = warp.crop.rectangle
    for _ in range(_ROUNDS):
        faces = find(np.ascontiguousarray(on_white(warp(warp.change(asked)))[y0:y1, x0:x1]))
        mesh = max(faces, key=lambda face: face.area).mesh if faces else None
        if mesh is None or len(mesh) < _MESH:
            return asked
        missing = goal[:_MESH, :2] - mesh[:_MESH, :2] - (x0, y0)
        motion = decode(asked.motion) + _metres(own, _STEP * missing)
        asked = replace(asked, motion=encode(motion))
    return asked


def alike(own: Fit, reference: Fit) -> float:
    """How far two fitted faces seem to be one person's, in [0, 1]; both have landmarks with depths."""
    goal, spots = _brought(own, reference)
    width = float(np.linalg.norm(np.subtract(*spots[list(EYES)])))
    far = float(np.sqrt(np.square(goal - spots)[list(STILL)].sum(1).mean())) / max(width, 1e-6)
    return min(max((_ALIKE[1] - far) / (_ALIKE[1] - _ALIKE[0]), 0.0), 1.0)


def _left(own: Fit, reference: Fit, steps: torch.Tensor, looks: torch.Tensor) -> np.ndarray:
    """Metres (478, 3) in the head's axes by which landmarks move beyond facial actions (52,) and gaze (2,)."""
    goal, spots = _brought(own, reference)
    head, (height, width) = own.head, own.size
    neutral = head(own.identity)

    def seen(actions: torch.Tensor, gaze: torch.Tensor) -> torch.Tensor:
        vertices = head.turn(head.express(neutral, actions=actions, gaze=gaze), own.angles)
        return to_pixels(own.camera.project(head.embedding.points(vertices, "mesh468")), width, height)[0]

    before = seen(own.actions, own.gaze)
    after = seen((own.actions + steps).clamp(0, 1), own.gaze + looks)
    return _metres(own, (goal - spots)[:_MESH, :2] - (after - before)[:, :2].double().numpy())


def _metres(own: Fit, steps: np.ndarray) -> np.ndarray:
    """Steps (468, 2) of landmarks in photo pixels as metres (478, 3) in the head's axes, none of them in depth."""
    height, width = own.size
    spots = own.head.embedding.points(own.vertices(), "mesh468")
    depth = to_pixels(own.camera.project(spots), width, height)[0, :, 2:].double().numpy()
    pixels = float(own.camera.focal) * min(height, width) / 2 / depth  # a metre's
    flat = np.concatenate([steps * (1, -1) / pixels, np.zeros((_MESH, 1))], 1)
    turned = flat @ rotation_matrix(own.angles)[0].double().numpy()  # rows @ R: R^T applied to each
    return np.concatenate([turned, np.zeros((COUNT - _MESH, 3))]).astype(np.float32)


def _brought(own: Fit, reference: Fit) -> tuple[np.ndarray, np.ndarray]:
    """The reference's landmarks as if its head were as large, turned and placed as the own one, and the own ones: (478,
    3) each. The similarity is that of the landmarks which no expression moves far (Umeyama 1991, IEEE TPAMI 13(4)).
    """
    there, here = (each.points.double().numpy() for each in (reference, own))
    still = list(STILL)
    x, y = there[still], here[still]
    middle, centre = x.mean(0), y.mean(0)
    left, values, right = np.linalg.svd((y - centre).T @ (x - middle))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    scale = (values * sign).sum() / np.square(x - middle).sum()
    return scale * (there - middle) @ ((left * sign) @ right).T + centre, here
