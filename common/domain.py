"""Whether a picture is of the kind that a small model was trained on: synthetic faces, not photographs.

Photographs are told by their fine texture: how strong it is at three scales, how often it leaps, and how colour goes
with it, in the face and around it. Each is a number; together they lie far from those of the pictures that a model
knows, by Mahalanobis' distance, or near. Neither the networks' own features nor their errors tell as much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file, save_file

from .errors import CheckpointError, ShapeError
from .faces.warp import sample
from .files import replace_file

DOMAIN_FILE = "domain.safetensors"
SIDE, REACH = 96, 1.35
"""Pixels of the square that is looked at, and its side in heights of the face's outline."""
_SCALES = (1, 2, 4)  # pixels of the blurs between which texture is told apart
_EDGE = 5  # pixels in which face and surroundings mix
_SHRINKAGE = 0.02  # of the correlations, which else would be trusted too much


@dataclass(frozen=True, eq=False)
class Domain:
    """What the textures of known pictures are like; a value.

    Attributes:
        mean: (K,) of the numbers of `texture`.
        spread: (K,) their standard deviations.
        precision: (K, K) the inverse of their correlations.
        limit: the distance beyond which a picture is of another kind.
    """

    mean: np.ndarray = field(repr=False)
    spread: np.ndarray = field(repr=False)
    precision: np.ndarray = field(repr=False)
    limit: float

    @classmethod
    def of(cls, known: np.ndarray, share: float) -> Domain:
        """From textures of known pictures.

        Args:
            known: (N, K), N several times K; the last fifth sets the limit alone.
            share: of known pictures that shall count as known.

        Raises:
            ShapeError: too few to tell.
        """
        if known.ndim != 2 or len(known) < 5 * known.shape[1]:
            raise ShapeError("known", "(N, K) with N at least 5 K", known.shape)
        count = len(known) * 4 // 5
        mean, spread = known[:count].mean(0), known[:count].std(0) + 1e-6
        correlation = np.corrcoef(((known[:count] - mean) / spread).T)
        shrunk = (1 - _SHRINKAGE) * correlation + _SHRINKAGE * np.eye(len(mean))
        free = cls(mean, spread, np.linalg.inv(shrunk), math.inf)
        distances = [free.distance(row) for row in known[count:]]
        return cls(mean, spread, free.precision, float(np.quantile(distances, share)))

    @classmethod
    def read(cls, folder: str | Path) -> Domain | None:
        """Of the model in a folder; None where nobody has written it.

        Raises:
            CheckpointError: the file is damaged.
        """
        path = Path(folder) / DOMAIN_FILE
        if not path.is_file():
            return None
        try:
            found = {name: value.double().numpy() for name, value in load_file(path).items()}
            return cls(found["mean"], found["spread"], found["precision"], float(found["limit"]))
        except Exception as error:  # safetensors raises errors of its own kinds
            raise CheckpointError(f"Cannot read {path}: {error}.\n  delete it and fetch it again") from error

    def write(self, folder: str | Path) -> None:
        """What `read` reads."""
        values = {name: torch.tensor(getattr(self, name)).float() for name in ("mean", "spread", "precision", "limit")}
        replace_file(Path(folder) / DOMAIN_FILE, lambda path: save_file(values, path))

    def distance(self, numbers: np.ndarray) -> float:
        """Squared distance of a texture (K,) from the known ones."""
        off = (numbers - self.mean) / self.spread
        return float(off @ self.precision @ off)

    def holds(self, photo: np.ndarray, outline: np.ndarray) -> bool:
        """Whether a picture (H, W, 3) uint8 is of the known kind, by the face with this outline (N, 2) in it."""
        return self.distance(texture(photo, outline)) <= self.limit


def texture(photo: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """The numbers of a picture by which kinds are told apart, (K,).

    Args:
        photo: (H, W, 3) uint8, RGB.
        outline: (N, 2) of a face in its pixels, from chin to hairline.
    """
    square, matrix = _square(photo, outline)
    face = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(face, [np.rint(outline @ matrix[:, :2].T + matrix[:, 2]).astype(np.int32)], 1)
    kernel = np.ones((_EDGE, _EDGE), np.uint8)
    lab = cv2.cvtColor(square.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    numbers = []
    for region in (cv2.erode(face, kernel) > 0, cv2.dilate(face, kernel) == 0):
        region = region if region.sum() > SIDE else np.ones_like(region)
        finer = lab
        for scale in _SCALES:
            coarser = cv2.GaussianBlur(lab, (0, 0), scale)
            numbers += _band((finer - coarser)[region])
            finer = coarser
        values = lab[region]
        numbers += [*np.log(values.std(0) + np.array([1, 0.2, 0.2])), _skewness(values[:, 0])]
    return np.array([*numbers, *lab[face > 0][:, 1:].mean(0)]) if face.any() else np.zeros(len(numbers) + 2)


def _band(values: np.ndarray) -> list[float]:
    """Of one scale's differences (N, 3): strengths, how far the largest leap, and how colour goes with light."""
    strength = values.std(0)
    light = values[:, 0]
    leap = np.mean((light - light.mean()) ** 4) / (strength[0] ** 4 + 1e-9)
    together = np.mean((light - light.mean()) * (values[:, 2] - values[:, 2].mean()))
    return [
        *np.log(strength + 0.05), float(np.log(leap + 1)), _skewness(light),
        float(together / (strength[0] * strength[2] + 1e-3)),
    ]  # fmt: skip


def _skewness(values: np.ndarray) -> float:
    off = values - values.mean()
    return float(np.mean(off**3) / (np.mean(off**2) ** 1.5 + 1e-6))


def _square(photo: np.ndarray, outline: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The square round a face, and how the photo lies in it, (2, 3)."""
    low, high = outline.min(0), outline.max(0)
    scale = SIDE / (REACH * max(float((high - low).max()), 1.0))
    matrix = np.column_stack([scale * np.eye(2), (SIDE - 1) / 2 - scale * (low + high) / 2])
    return sample(photo, matrix, (SIDE, SIDE), border=cv2.BORDER_REPLICATE), matrix
