"""From what is known at some pixels or places to others."""

from __future__ import annotations

import cv2
import numpy as np


def extend(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The known values, and around them the nearest ones', smoothed: (S, S, C) float32, and each pixel's distance to
    the known ones, (S, S) pixels.

    `values` is (S, S, C) float32, C at most 4; `known` (S, S) bool holds one at least.
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
    return smoothstep(1 - far / np.maximum(reach, 1e-6))[..., None].astype(np.float32)


def at(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The pixels (N, ...) of a picture (S, S, ...) nearest to places (N, 2)."""
    x, y = np.rint(places.T).astype(int).clip(0, len(picture) - 1)
    return picture[y, x]


def smoothstep(fraction: np.ndarray) -> np.ndarray:
    """Weights in [0, 1] without corners, of fractions that are cut to that."""
    fraction = fraction.clip(0, 1)
    return fraction * fraction * (3 - 2 * fraction)
