"""From what is known on the drawn head to the pixels around it."""

from __future__ import annotations

import cv2
import numpy as np


def extend(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The known values, and around them the nearest ones', smoothed.

    Args:
        values: (S, S, C) float32, C at most 4; those of unknown pixels do not matter.
        known: (S, S) bool, one at least.

    Returns:
        (S, S, C) float32, and how far each pixel is from the known ones, (S, S) pixels.
    """
    far, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.asarray(nearest, int)
    table = np.zeros((nearest.max() + 1, values.shape[2]), np.float32)
    table[nearest[known]] = values[known]
    outside = cv2.GaussianBlur(table[nearest], (0, 0), max(1.0, len(values) / 64)).reshape(values.shape)
    return np.where(known[..., None], values, outside).astype(np.float32), far


def fade(far: np.ndarray, reach: np.ndarray | float) -> np.ndarray:
    """1 at a distance (S, S) of 0, falling smoothly to 0 at the reach: (S, S, 1) float32."""
    t = (1 - far / np.maximum(reach, 1e-6)).clip(0, 1)
    return (t * t * (3 - 2 * t))[..., None].astype(np.float32)
