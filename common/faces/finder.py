"""What every finder of faces offers, and what it accepts."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from common.errors import InputError, ShapeError

from .face import Face

SMALLEST = 12  # pixels; no finder sees a face in fewer


class FaceFinder(Protocol):
    """Finds the faces of a photo. Finders may be shared by threads."""

    @property
    def name(self) -> str:
        """Name by which `get_finder` knows it."""
        ...

    def find(self, image: np.ndarray) -> list[Face]:
        """All faces of a photo (H, W, 3), uint8 RGB, from left to right; the empty list if there are none.

        Raises:
            ShapeError: `image` is not (H, W, 3).
            InputError: `image` is not uint8.
        """
        ...


def check_photo(image: np.ndarray) -> np.ndarray:
    """The photo as it came, if it is (H, W, 3) uint8.

    Raises:
        ShapeError: Another shape.
        InputError: Another dtype.
    """
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ShapeError("image", "(H, W, 3), RGB, neither side 0", image.shape)
    if image.dtype != np.uint8:
        raise InputError(f"image must be uint8, 0 to 255; got {image.dtype}.")
    return image
