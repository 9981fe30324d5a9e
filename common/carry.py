"""What is finer than the networks' pixels goes along with the skin that has moved."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .errors import ShapeError
from .faces import Crop


@dataclass(frozen=True, eq=False)
class Carried:
    """Where a photo's own detail goes in an edit.

    Attributes:
        place: (S, S, 2) float32, in crop pixels: which place of the photo's crop each pixel shows after the edit.
        weight: (S, S) float32 in [0, 1], 1 where that is known. Elsewhere paste-back judges by how much has changed.
        gain: (S, S, 3) float32, how many times as strong the detail is there under its new light.

    Raises:
        ShapeError: shapes that do not fit one another.
    """

    place: np.ndarray
    weight: np.ndarray
    gain: np.ndarray

    def __post_init__(self) -> None:
        side = len(self.place)
        for name, shape in (("place", (side, side, 2)), ("weight", (side, side)), ("gain", (side, side, 3))):
            if getattr(self, name).shape != shape:
                raise ShapeError(f"Carried.{name}", str(shape), getattr(self, name).shape)


def carry(detail: np.ndarray, crop: Crop, carried: Carried) -> tuple[np.ndarray, np.ndarray]:
    """Detail where it lies after the edit, as far as that is known.

    Args:
        detail: (h, w, 3) float32, of the patch of the photo in which the crop lies (`Crop.warp_back`).
        crop: of which `carried` speaks.
        carried: what has moved.

    Returns:
        The moved detail (h, w, 3), and how surely it lies there (h, w, 1) in [0, 1].
    """
    grid = np.stack(np.meshgrid(*2 * [np.arange(crop.size, dtype=np.float32)]), -1)
    moved = np.where(carried.weight[..., None] > 0, carried.place - grid, 0).astype(np.float32)
    # Displacements, not places, are brought to the photo: they are smooth, and zero where nothing is known.
    shift, _ = crop.warp_back(moved, mask=True)
    shift = shift @ np.linalg.inv(crop.matrix[:, :2]).T.astype(np.float32)
    height, width = detail.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    there = cv2.remap(detail, x + shift[..., 0], y + shift[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    gain, _ = crop.warp_back(carried.gain.astype(np.float32), mask=True)
    sure, _ = crop.warp_back(carried.weight.astype(np.float32), mask=True)
    return there * gain, sure.clip(0, 1)[..., None]
