"""DECA's coarse encoder (Feng et al. 2021, section 4.1): from a face crop to a FLAME head, its light and camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from common.core.errors import InputError, ShapeError
from common.core.finite import check_finite
from common.faces import Face
from common.faces.affine import compose, quarter_turn, sample

from .networks import FEATURES, PublishedNetwork, ResNet50

SIDE = 224
SIZES = (100, 50, 50, 3, 3, 3, 27)
CODES = sum(SIZES)

_SCALE = 1.3
_LANDMARK_RIM = 1.1  # the landmarks' box ends at the brows


@dataclass(frozen=True, eq=False)
class Codes:
    """What DECA says of B faces.

    Attributes:
        shape: (B, 100) FLAME's identity, in standard deviations.
        texture: (B, 50) of FLAME's albedo space.
        expression: (B, 50) FLAME's expression, in standard deviations.
        rotation: (B, 3) radians, the head's rotation vector.
        jaw: (B, 3) radians, the jaw's rotation vector.
        camera: (B, 3) scale, shift in x, shift in y: x' = scale (x + shift), y up, [-1, 1] over DECA's crop.
        light: (B, 9, 3) spherical harmonics of red, green, blue; see `common.face3d.rendering.lighting`.
    """

    shape: Tensor
    texture: Tensor
    expression: Tensor
    rotation: Tensor
    jaw: Tensor
    camera: Tensor
    light: Tensor

    @classmethod
    def split(cls, vector: Tensor) -> Codes:
        """The codes of the network's vector (B, 236). Raises ShapeError: another shape."""
        if vector.ndim != 2 or vector.shape[1] != CODES:
            raise ShapeError("codes", f"(B, {CODES})", vector.shape)
        shape, texture, expression, rotation, jaw, camera, light = vector.split(SIZES, 1)
        return cls(shape, texture, expression, rotation, jaw, camera, light.unflatten(1, (9, 3)))


class Deca(PublishedNetwork):
    """E_flame: ResNet-50 and two linear layers, from `deca_model.tar`."""

    source = "deca_model.tar of DECA (https://github.com/yfeng95/DECA), for non-commercial research"
    part = "E_flame"

    def __init__(self) -> None:
        super().__init__()
        self.encoder = ResNet50()
        self.layers = nn.Sequential(nn.Linear(FEATURES, 1024), nn.ReLU(), nn.Linear(1024, CODES))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, 224, 224) RGB in [0, 1] to codes (B, 236), for `Codes.split`."""
        return self.layers(self.encoder(images))

    @torch.no_grad()
    def read(self, photo: np.ndarray, matrix: np.ndarray) -> Codes:
        """The codes of one face, B = 1, in a photo (H, W, 3) uint8 that `matrix` (2, 3) brings to DECA's crop."""
        crop = torch.from_numpy(sample(photo, matrix, (SIDE, SIDE)))
        images = crop.to(next(self.parameters()).device).movedim(2, 0)[None]
        codes = self(images / 255)
        check_finite(codes, "The codes of the face", {"DECA's encoder": self})
        return Codes.split(codes)


def window(face: Face) -> np.ndarray:
    """Where DECA looks: a square round a face in photo pixels, turned by quarters at most.

    As in the release, its side is 1.3 times 1.1 times the mean of width and height of the box round the 68 landmarks.

    Returns:
        (2, 3) float64, from photo to crop: the square's edges come to lie on the pixels 0 and 223, as in the release.

    Raises:
        InputError: the face has no size.
    """
    turn = quarter_turn(face.turns)
    points = face.mapped(turn).landmarks.astype(np.float64)
    low, high = points.min(0), points.max(0)
    size = (high - low).mean()
    if not np.isfinite(points).all() or size < 1:
        raise InputError("The face is too small, in pixels.", code="range", expected="at least 1", actual=float(size))
    scale = (SIDE - 1) / (_SCALE * _LANDMARK_RIM * size)
    shift = (SIDE - 1) / 2 - scale * (low + high) / 2
    return compose(np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), turn)
