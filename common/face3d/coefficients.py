"""What the network of Deep3DFaceRecon says of a face (Deng et al. 2019, arXiv 1903.08527): one vector, split."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import ShapeError
from .camera import rotation_matrix

IDENTITY, EXPRESSION, TEXTURE = 80, 64, 80
_SIZES = (IDENTITY, EXPRESSION, TEXTURE, 3, 27, 3, 4)


class Coefficients(NamedTuple):
    """What Deep3DFaceRecon's network says of a face, split from one vector.

    Attributes:
        identity: (B, 80).
        expression: (B, 64).
        texture: (B, 80).
        angles: (B, 3) radians, for `rotation`.
        lighting: (B, 27): red, green, blue, each nine coefficients of spherical harmonics.
        translation: (B, 3) in the units of the model's file, decimetres.
        gaze: (B, 4): left x and y, right x and y; None in vectors of 257.
    """

    identity: Tensor
    expression: Tensor
    texture: Tensor
    angles: Tensor
    lighting: Tensor
    translation: Tensor
    gaze: Tensor | None = None


def split_coefficients(coefficients: Tensor) -> Coefficients:
    """Split the network's vector.

    Args:
        coefficients: (B, 257), or (B, 261) with gaze.

    Raises:
        ShapeError: another shape.
    """
    whole = sum(_SIZES)
    if coefficients.ndim != 2 or coefficients.shape[1] not in (whole, whole - _SIZES[-1]):
        raise ShapeError("coefficients", f"(B, {whole - _SIZES[-1]}), or (B, {whole}) with gaze", coefficients.shape)
    sizes = _SIZES if coefficients.shape[1] == whole else _SIZES[:-1]
    return Coefficients(*coefficients.split(sizes, 1))


def rotation(angles: Tensor) -> Tensor:
    """Turn Deep3DFaceRecon's angles into rotations.

    Args:
        angles: (B, 3) radians about x, y and z.

    Returns:
        (B, 3, 3), the transpose of Rz Ry Rx, for points in rows: `vertices @ rotation(angles)`.

    Raises:
        ShapeError: another shape.
    """
    if angles.ndim != 2 or angles.shape[1] != 3:
        raise ShapeError("angles", "(B, 3): about x, y, z", angles.shape)
    x, y, z = angles.unbind(1)
    return rotation_matrix(torch.stack([y, -x, z], 1)).mT
