"""From what is known on the drawn head to all pixels around it: smooth, and nothing far away."""

from __future__ import annotations

import cv2
import numpy as np


def spread(values: np.ndarray, known: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Values of all pixels: the known ones, and around them the nearest ones', smoothed and fading out.

    Args:
        values: (S, S, C) float32, C at most 4; those of unknown pixels do not matter.
        known: (S, S) bool, one at least.
        reach: (S, S) float32, over how many pixels the values fade to 0 at each place.

    Returns:
        (S, S, C) float32.
    """
    far, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros((nearest.max() + 1, values.shape[2]), np.float32)
    table[nearest[known]] = values[known]
    outside = cv2.GaussianBlur(table[nearest], (0, 0), max(1.0, len(values) / 64)).reshape(values.shape)
    t = (1 - far / np.maximum(reach, 1e-6)).clip(0, 1)
    outside *= (t * t * (3 - 2 * t))[..., None]
    return np.where(known[..., None], values, outside).astype(np.float32)
