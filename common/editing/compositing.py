"""The edited crop goes back into the photo, or into its warp; outside its feathered mask not one byte changes."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from ..faces import Crop
from ..imaging.images import on_white, to_uint8
from .options import Paste
from .subject import Subject

MUCH = (0.05, 0.15)
"""Changes of a colour in [0, 1] up to which the photo's detail stays, and from which on it has gone: of pairs between
0.02, 0.06 and 0.08, 0.25 the one that came nearest to the true pictures of synthetic people."""


def placed(subject: Subject, moved: np.ndarray, way: Paste) -> Image.Image:
    """A warp (H, W, 3 or 4) uint8 of the whole photo with the photo's profile; or its crop alone, before white."""
    if not way:
        return Image.fromarray(subject.crop.apply(on_white(moved)))
    image = Image.fromarray(moved)
    image.info = dict(subject.photo.info)  # the colour profile
    return image


def paste_mask(region: np.ndarray, feather: float = 0.02, border: float = 0.04) -> np.ndarray:
    """The blending weight (S, S) float32 in [0, 1] of a region (S, S) bool: 1 inside, falling smoothly to 0 around it.

    `feather` is the width of the fall-off outside the region, `border` that inside the crop's own border, where the
    region may be cut off (shoulders, long hair); both as fractions of the side.
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
    return (outside * np.minimum(inside[:, None], inside)).astype(np.float32)


def _smooth(ramp: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, level at both ends."""
    t = ramp.clip(0, 1)
    return t * t * (3 - 2 * t)


def paste(
    photo: Image.Image,
    crop: Crop,
    edited: np.ndarray,
    mask: np.ndarray,
    neutral: np.ndarray | None = None,
    warp: np.ndarray | None = None,
) -> Image.Image:
    """The photo with the edited crop in it.

    Networks see a cut-out before white, and say nothing of alpha: it stays that of the photo or its warp. The change
    before white becomes one of the colour by as much as alpha shows of it, so that it looks alike before anything else.

    Args:
        photo: RGB or RGBA.
        crop: where `edited` lies in it.
        edited: (S, S, 3) float32 in [0, 1], the crop as generated.
        mask: (S, S) float32 in [0, 1], see `paste_mask`.
        neutral: (S, S, 3), the same crop generated from the same noise without the request. Where it is given, what it
            lacks of the photo, the detail, is added to `edited`, so that the photo keeps its own sharpness where
            nothing moved; where much has changed, old edges would shine through, and the detail is left out.
        warp: (H, W, 3 or 4) uint8, the photo as it was before the networks ran: then `neutral` is made of this,
            its detail is added, and it is what the crop goes back into.

    Raises:
        ImageError: NaN or infinite pixels.
    """
    result = np.array(photo if warp is None else warp)
    patch, (x0, y0, x1, y1) = crop.warp_back(np.ascontiguousarray(edited, np.float32))
    weight = _back(crop, mask)
    target = result[y0:y1, x0:x1]
    before = on_white(target).astype(np.float32) / 255
    if neutral is None:
        after = before + weight * (patch - before)
    else:
        base, _ = crop.warp_back(np.ascontiguousarray(neutral, np.float32))
        kept = (1 - _back(crop, _much(edited - neutral))) * (before - base)
        after = before + weight * (patch + kept - before)
    seen = weight > 0
    if target.shape[2] == 4:
        alpha = target[..., 3:].astype(np.float32) / 255
        after = target[..., :3].astype(np.float32) / 255 + (after - before) / alpha.clip(1 / 255, None)
        seen = seen & (alpha > 0)
    target[..., :3] = np.where(seen, to_uint8(after), target[..., :3])
    pasted = Image.fromarray(result)
    pasted.info = dict(photo.info)  # the colour profile
    return pasted


def _back(crop: Crop, weight: np.ndarray) -> np.ndarray:
    """A crop's weight (S, S) as it lies in the photo, (h, w, 1)."""
    return crop.warp_back(weight, mask=True)[0].clip(0, 1)[:, :, None]


def _much(change: np.ndarray) -> np.ndarray:
    """How much of the photo's own detail is gone with a change (S, S, 3): (S, S) float32 in [0, 1]."""
    pixel = len(change) / 128
    side = 2 * round(pixel) + 1
    size = cv2.dilate(np.abs(change).max(2).astype(np.float32), np.ones((side, side)))
    few, many = MUCH
    return _smooth((cv2.GaussianBlur(size, (0, 0), pixel) - few) / (many - few)).astype(np.float32)
