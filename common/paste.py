"""The edited crop goes back into the photo; what lies outside its feathered mask stays as it was, byte for byte."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from .faces import Crop


def paste_mask(region: np.ndarray, feather: float = 0.02, border: float = 0.08) -> np.ndarray:
    """The blending weight (S, S) float32 in [0, 1] of a region (S, S) bool: 1 inside, falling smoothly to 0 around it.

    Args:
        region: what the edit may change.
        feather: width of the fall-off outside the region, as a share of the side.
        border: width of the fall-off inside the crop's own border, where the region may be cut off (shoulders, long
            hair), so that no edge of the square shows.
    """
    side = len(region)
    width = max(1, round(feather * side))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    grown = cv2.dilate(region.astype(np.uint8), disc)
    if grown.all():
        outside = np.ones((side, side), np.float32)  # no outside to measure a distance to
    else:
        outside = _smooth((cv2.distanceTransform(grown, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) - 1) / width)
    to_border = np.minimum(np.arange(side), np.arange(side)[::-1])
    inside = _smooth(to_border / max(1, round(border * side)))
    return (outside * np.minimum.outer(inside, inside)).astype(np.float32)


def _smooth(ramp: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, level at both ends."""
    t = ramp.clip(0, 1)
    return t * t * (3 - 2 * t)


def paste(
    photo: Image.Image, crop: Crop, edited: np.ndarray, mask: np.ndarray, neutral: np.ndarray | None = None
) -> Image.Image:
    """The photo with the edited crop in it.

    Args:
        photo: RGB or RGBA; transparency is kept.
        crop: where `edited` lies in it.
        edited: (S, S, 3) float32 in [0, 1], the crop as generated.
        mask: (S, S) float32 in [0, 1], see `paste_mask`.
        neutral: (S, S, 3), the same crop generated from the same noise with a wish of zero. Where it is given, only
            the change `edited - neutral` is added, so that the photo keeps its own sharpness where nothing moved.
    """
    result = np.array(photo)
    content = edited if neutral is None else edited - neutral
    patch, (x0, y0, x1, y1) = crop.warp_back(np.ascontiguousarray(content, np.float32))
    weight, _ = crop.warp_back(mask, mask=True)
    weight = weight.clip(0, 1)[:, :, None]
    target = result[y0:y1, x0:x1, :3]
    before = target.astype(np.float32) / 255
    after = before + weight * (patch if neutral is not None else patch - before)
    changed = (np.rint(after.clip(0, 1) * 255)).astype(np.uint8)
    target[:] = np.where(weight > 0, changed, target)
    pasted = Image.fromarray(result, photo.mode)
    pasted.info = dict(photo.info)  # the colour profile
    return pasted
