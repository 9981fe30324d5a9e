"""Whether a mouth, a nose or an eye is seen, by gradients and colours of its patch on the levelled face.

The small network that answers was trained by `examples/train_occlusion.py` on pictures of synthetic people and of
things drawn before them; it saw no photographs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from ..faces import Face
from ..faces.affine import compose, sample, transform
from ..parsing.conditioning import FIVE_POINTS, similarity
from ..weights.state_dict import frozen

UNIT = 40
"""Pixels of the levelled face between the eyes."""
_WIDTH, _HEIGHT, _EYES = 136, 176, 64  # pixels of the levelled face, and the row of its eyes
_CELL, _DIRECTIONS = 4, 6  # pixels, and bins of a half turn
_FLAT = 0.02  # gradient of brightness in [0, 1] a pixel, below which a patch counts as flat
_COARSE = (4, 3)  # columns and rows of the colours of a patch
_FAINT = 10.0  # bytes, so that the logarithm of black is a number
_DISC = 3  # pixels, half of a patch from which the colour of skin is read

WEIGHTS = Path(__file__).with_name("occlusion.safetensors")
_COUNTS = {"eye": 35, "nose": 42, "mouth": 60}  # cells of the patches
HIDDEN = 24  # neurons


@dataclass(frozen=True)
class Organ:
    """A part of the face that is there or hidden."""

    points: slice  # its landmarks in the iBUG order
    size: tuple[int, int]  # width and height of its patch in pixels of the levelled face, whole cells
    mirrored: bool = False  # whether it is looked at in the mirror


ORGANS = {
    "right eye": Organ(slice(36, 42), (28, 20)),
    "left eye": Organ(slice(42, 48), (28, 20), mirrored=True),
    "nose": Organ(slice(30, 36), (28, 24)),
    "mouth": Organ(slice(48, 68), (40, 24)),
}
"""Left and right are the person's."""


@dataclass(frozen=True, eq=False)
class Levelled:
    """A face at one size, upright."""

    picture: np.ndarray  # (176, 136, 3) uint8, RGB
    inside: np.ndarray  # (176, 136) bool, what of it lies in the photo
    landmarks: np.ndarray  # (68, 2) in its pixels
    matrix: np.ndarray  # (2, 3) from the photo to it

    @classmethod
    def of(cls, photo: np.ndarray, face: Face) -> Levelled:
        """Level a face of a photo (H, W, 3) uint8."""
        scale = UNIT / (FIVE_POINTS[1, 0] - FIVE_POINTS[0, 0])
        shift = np.array([_WIDTH / 2, _EYES]) - scale * FIVE_POINTS[:2].mean(0)
        to_frame = similarity(face.points.astype(np.float64), FIVE_POINTS)
        matrix = compose(np.column_stack([scale * np.eye(2), shift]), to_frame)
        size = _WIDTH, _HEIGHT
        picture = sample(photo, matrix, size, border=cv2.BORDER_REPLICATE)
        ones = np.ones(photo.shape[:2], np.uint8)
        return cls(picture, sample(ones, matrix, size) > 0, transform(face.landmarks, matrix), matrix)

    @cached_property
    def logarithms(self) -> np.ndarray:
        """(176, 136, 3) float32: red over green, blue over green, green."""
        red, green, blue = np.moveaxis(np.log(self.picture.astype(np.float32) + _FAINT), 2, 0)
        return np.dstack([red - green, blue - green, green])

    @cached_property
    def skin(self) -> np.ndarray:
        """(2, 3) of `logarithms`: the skin of the upper half of the face, and of the lower half."""
        points, down = self.landmarks, np.array([0, UNIT], np.float32)
        brows, eyes = points[21:23].mean(0), [points[36:42].mean(0), points[42:48].mean(0)]
        sides = [(points[48] + points[4]) / 2, (points[54] + points[12]) / 2, (points[57] + points[8]) / 2]
        cheeks = [eye + 0.5 * down for eye in eyes]
        return np.stack([self._colour([brows, brows - 0.4 * down, *cheeks]), self._colour(sides)])

    def _colour(self, places: list[np.ndarray]) -> np.ndarray:
        """The median (3,) of the medians round some places."""
        return np.median(
            [np.median(cut(self.logarithms, place, (2 * _DISC, 2 * _DISC)), (0, 1)) for place in places], 0
        )


def cut(picture: np.ndarray, centre: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The patch (height, width, ...) of `size` round a place; beyond the picture its edge continues."""
    matrix = np.array([[1, 0, size[0] / 2 - 0.5 - centre[0]], [0, 1, size[1] / 2 - 0.5 - centre[1]]], np.float64)
    return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def features(face: Levelled, organ: Organ) -> np.ndarray:
    """The numbers (F,) of an organ of a face."""
    centre = face.landmarks[organ.points].mean(0)
    patch, logs = cut(face.picture, centre, organ.size), cut(face.logarithms, centre, organ.size)
    if organ.mirrored:
        patch, logs = patch[:, ::-1], logs[:, ::-1]
    bright = patch.mean()
    grey = patch.astype(np.float32) @ np.array([0.3, 0.59, 0.11], np.float32) / max(bright, 20.0)
    colours = (cv2.resize(np.ascontiguousarray(logs), _COARSE, interpolation=cv2.INTER_AREA) - face.skin[0]).clip(
        -1.5, 1.5
    )
    return np.concatenate([_gradients(grey), colours.ravel(), (face.skin[1] - face.skin[0]).clip(-1.5, 1.5)])


def _gradients(grey: np.ndarray) -> np.ndarray:
    """Histograms of gradients of a patch (H, W), after Dalal and Triggs, CVPR 2005; contrast of the whole is kept."""
    down, right = np.gradient(cv2.GaussianBlur(grey, (0, 0), 0.7))
    strength, angle = np.hypot(right, down), np.arctan2(down, right) / np.pi * _DIRECTIONS
    low = np.floor(angle)
    fraction = angle - low
    rows, columns = grey.shape[0] // _CELL, grey.shape[1] // _CELL
    cells = np.zeros((rows, columns, _DIRECTIONS), np.float32)
    for number in range(_DIRECTIONS):
        weight = strength * (
            (1 - fraction) * (low % _DIRECTIONS == number) + fraction * ((low + 1) % _DIRECTIONS == number)
        )
        cells[..., number] = weight.reshape(rows, _CELL, columns, _CELL).mean((1, 3))
    norm = np.sqrt(np.mean(strength**2))
    return np.concatenate([np.sqrt(cells / (norm + _FLAT)).ravel(), [np.log(norm + _FLAT)]])


class Network(nn.Module):
    """One small network each for eyes, noses and mouths; a left eye is looked at in the mirror."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds = nn.ModuleDict({name: _head(6 * cells + 1 + 36 + 3) for name, cells in _COUNTS.items()})

    def forward(self, organ: str, numbers: torch.Tensor) -> torch.Tensor:
        """Features (B, F) of an organ of `ORGANS` -> logits (B,), above 0 where something hides it."""
        return self.kinds[kind_of(organ)](numbers)[:, 0]


def kind_of(organ: str) -> str:
    """Which of the networks looks at an organ of `ORGANS`."""
    return organ.split()[-1]


def _head(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm1d(width), nn.Linear(width, HIDDEN), nn.ReLU(), nn.Dropout(0.3), nn.Linear(HIDDEN, 1)
    )


@lru_cache(maxsize=1)
def network() -> Network:
    """The network with its weights."""
    return frozen(Network(), WEIGHTS)
