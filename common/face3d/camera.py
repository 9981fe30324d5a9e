"""Cameras: where on the picture a point in space is seen, and how far away it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from ..core.errors import InputError, ShapeError


class Camera(Protocol):
    """Anything that projects; batched and differentiable."""

    def project(self, points: torch.Tensor) -> torch.Tensor:
        """Project points (B, N, 3) in metres to (B, N, 3): x and y in [-1, 1] over the picture's shorter side (right,
        up), depth.

        Depth grows away from the viewer.
        """
        ...


@dataclass(frozen=True)
class Orthographic:
    """No perspective: DECA's camera, x' = scale * (x + shift).

    Attributes:
        scale: (B,) half pictures a metre.
        shift: (B, 2) metres, right and up.
    """

    scale: torch.Tensor
    shift: torch.Tensor

    def project(self, points: torch.Tensor) -> torch.Tensor:
        """See `Camera.project`."""
        _check(points)
        plane = self.scale[:, None, None] * (points[..., :2] + self.shift[:, None])
        return torch.cat([plane, -points[..., 2:].expand(len(plane), -1, -1)], -1)


@dataclass(frozen=True)
class Perspective:
    """A pinhole on the z axis that looks towards negative z.

    Attributes:
        focal: (B,) focal length over half the picture's shorter side: 1 / tan(half the angle of view).
        distance: (B,) metres from the origin to the pinhole.
        shift: (B, 2) of the picture after projection, right and up, in half pictures.
    """

    focal: torch.Tensor
    distance: torch.Tensor
    shift: torch.Tensor

    def project(self, points: torch.Tensor) -> torch.Tensor:
        """See `Camera.project`.

        Raises:
            InputError: a point lies behind the camera.
        """
        _check(points)
        depth = self.distance[:, None, None] - points[..., 2:]
        if bool((depth <= 0).any()):
            raise InputError("A point lies behind the camera: move the camera away (distance) or the head towards -z.")
        plane = self.focal[:, None, None] * points[..., :2] / depth + self.shift[:, None]
        return torch.cat([plane, depth], -1)


def to_pixels(projected: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """Turn projected points (B, N, 3) into pixels: x right, y down, (0, 0) the first pixel's centre; depth stays."""
    half = min(width, height) / 2
    x, y, depth = projected.unbind(-1)
    return torch.stack([x * half + width / 2 - 0.5, height / 2 - 0.5 - y * half, depth], -1)


def rotation_matrix(angles: torch.Tensor) -> torch.Tensor:
    """Turn head pose into rotations.

    Args:
        angles: (B, 3) radians: yaw (positive turns the face to the picture's right), pitch (positive looks up), roll
            (positive tilts the head's top to the picture's left, anticlockwise as seen).

    Returns:
        (B, 3, 3), R = Rz(roll) Ry(yaw) Rx(-pitch): columns are where the head's axes go.
    """
    if angles.ndim != 2 or angles.shape[1] != 3:
        raise ShapeError("angles", "(B, 3): yaw, pitch, roll", angles.shape)
    (sy, sp, sr), (cy, cp, cr) = angles.sin().unbind(-1), angles.cos().unbind(-1)
    sp = -sp
    rows = [
        torch.stack([cr * cy, cr * sy * sp - sr * cp, cr * sy * cp + sr * sp], -1),
        torch.stack([sr * cy, sr * sy * sp + cr * cp, sr * sy * cp - cr * sp], -1),
        torch.stack([-sy, cy * sp, cy * cp], -1),
    ]
    return torch.stack(rows, -2)


def rotation_from_vector(vectors: torch.Tensor) -> torch.Tensor:
    """Turn rotation vectors (..., 3), radians about their own axis, into rotations (..., 3, 3): Rodrigues' formula.

    Smooth everywhere, zero included.
    """
    # 1e-12 is below what float32 sees beside 1 and keeps the root's gradient finite.
    angle = (vectors.square().sum(-1) + 1e-12).sqrt()[..., None, None]
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    first, half = torch.sinc(angle / torch.pi), torch.sinc(angle / (2 * torch.pi))
    return torch.eye(3).to(vectors) + first * cross + half.square() / 2 * cross @ cross


def angles_of(rotation: torch.Tensor) -> torch.Tensor:
    """The angles (B, 3) in radians of rotations (B, 3, 3): the inverse of `rotation_matrix`, yaw in [-pi / 2, pi / 2].

    Where a head looks exactly sideways, pitch and roll are one turn, and only their difference is right.
    """
    if rotation.ndim != 3 or rotation.shape[1:] != (3, 3):
        raise ShapeError("rotation", "(B, 3, 3)", rotation.shape)
    yaw = torch.asin((-rotation[:, 2, 0]).clamp(-1, 1))
    pitch = -torch.atan2(rotation[:, 2, 1], rotation[:, 2, 2])
    roll = torch.atan2(rotation[:, 1, 0], rotation[:, 0, 0])
    return torch.stack([yaw, pitch, roll], 1)


def _check(points: torch.Tensor) -> None:
    if points.ndim != 3 or points.shape[-1] != 3:
        raise ShapeError("points", "(B, N, 3)", points.shape)
