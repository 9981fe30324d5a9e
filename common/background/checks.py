"""What every parser asks of its arguments."""

from __future__ import annotations

import numpy as np

from ..errors import InputError, ShapeError


def check_crop(crop: np.ndarray) -> None:
    """Refuse anything but one RGB picture, (H, W, 3) uint8.

    Raises:
        InputError: another dtype.
        ShapeError: another shape, or an empty picture.
    """
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.size == 0:
        raise ShapeError("crop", "(H, W, 3), RGB", crop.shape)
    if crop.dtype != np.uint8:
        raise InputError(f"crop has the wrong dtype.\n  expected: uint8 in [0, 255]\n  got:      {crop.dtype}")


def check_points(name: str, points: np.ndarray, count: int | None = None) -> np.ndarray:
    """Return points as (N, 2) float64.

    Args:
        name: what the caller calls them, for the message.
        points: x and y of each point, in pixels.
        count: how many there must be; any number if None.

    Raises:
        InputError: a coordinate is not finite.
        ShapeError: another shape or count.
    """
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or (count is not None and len(array) != count):
        raise ShapeError(name, f"({'N' if count is None else count}, 2), x and y in pixels", array.shape)
    if not np.isfinite(array).all():
        raise InputError(f"{name} must be finite numbers of pixels, but some are not")
    return array
