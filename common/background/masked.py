"""The background picture that conditions an editor: the photo with the person painted out."""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import ShapeError
from .checks import check_crop
from .jaw import jaw_hint
from .labels import Extent, foreground


def masked_background(
    crop: np.ndarray,
    labels: np.ndarray,
    landmarks: np.ndarray,
    points: np.ndarray,
    extent: Extent = "head",
    hint: bool = True,
    fill: int = 0,
) -> np.ndarray:
    """Paint the person out of a crop and draw the jaw line over it.

    The dots are added to the picture and the sum is clamped, so over the background they brighten what is there.

    Args:
        crop: (H, W, 3) uint8, RGB.
        labels: the crop's face-parsing classes, (H, W) uint8.
        landmarks: the 68 landmarks (68, 2) in crop pixels; looked at only for the hint.
        points: eyes, nose and mouth corners (5, 2) in crop pixels; looked at only for the hint.
        extent: what counts as the person, see `foreground`.
        hint: draw the jaw line.
        fill: grey level of the painted part: 0 for MagicFace, 127 for RigFace (which wants no hint).

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        InputError: the extent is unknown, the crop is not uint8, or the points are of no use.
        ShapeError: shapes do not fit.
    """
    check_crop(crop)
    if labels.shape != crop.shape[:2]:
        raise ShapeError("labels", f"{crop.shape[:2]}, the crop's height and width", labels.shape)
    background = crop.copy()
    background[foreground(labels, extent)] = fill
    if not hint:
        return background
    return cv2.add(background, jaw_hint(landmarks, points, crop.shape[:2]))
