"""The inside of a mouth: what a photo shows of it stays with the upper teeth, which no expression moves."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import torch

from ..face3d.anny_head import AnnyHead
from ..faces import Crop, Face
from ..parts import PARTS
from .heads import Placed

_LIPS = slice(60, 68)  # iBUG, the inner ones
_TOOTH, _ENAMEL = 0.9, 0.8  # quantile of an open mouth's light that comes from a tooth, and that tooth's brightness
_RIM = 100  # of these are a mouth's width
_UPPER = 0.7  # quantile of the teeth's heights above which they are surely in the upper jaw
_OPEN = 30  # pixels of a window that a mouth must show to tell that


def inner_mouth(head: AnnyHead) -> tuple[torch.Tensor, torch.Tensor]:
    """Which vertices lie in the mouth, and which of them are teeth: (V,) bool each."""
    return _of_triangles(head, head.parts == PARTS.index("mouth")), _of_triangles(head, head.teeth)


def opening(face: Face, crop: Crop) -> np.ndarray:
    """Where a crop of a photo shows the inside of a mouth: (S, S) float32 in [0, 1], as soft as the photo's pixels."""
    lips = crop.to_crop(face.landmarks[_LIPS])
    mask = np.zeros((crop.size, crop.size), np.float32)
    cv2.fillPoly(mask, [np.rint(lips * 16).astype(np.int32)], 1.0, cv2.LINE_AA, shift=4)
    return cv2.GaussianBlur(mask, (0, 0), max(0.7, crop.matrix[0, 0] / 2))


def core(open_: np.ndarray) -> np.ndarray:
    """An opening (S, S) without its rim and corners, where lips begin."""
    width = int(np.ptp(np.nonzero((open_ > 0.5).any(0))[0])) if (open_ > 0.5).any() else 0
    side = 2 * (width // _RIM) + 1
    return cv2.erode(open_, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))


def kept(
    open_: np.ndarray, before: Placed, after: Placed, head: AnnyHead, pixels: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Where the photo shows what is seen inside the mouth now.

    Args:
        open_: see `opening`.
        before: the head as it was.
        after: as it is now.
        head: whose teeth.
        pixels: (N, 2) places in the crop, x and y.

    Returns:
        Their sources (N, 2), and (N,) float32 in [0, 1], 1 where lips hid them.
    """
    teeth = _upper_teeth(head)
    shift = (before.points - after.points)[teeth, :2].mean(0).numpy()
    source = (pixels + shift).astype(np.float32)
    return source, 1 - at(open_, source)


def at(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The pixels (N, ...) of a picture (S, S, ...) nearest to places (N, 2)."""
    x, y = np.rint(places.T).astype(int).clip(0, len(picture) - 1)
    return picture[y, x]


def enamel(picture: np.ndarray, open_: np.ndarray, light: float) -> np.ndarray | None:
    """How bright a photo shows a white surface (3,), told by teeth; None where none are seen.

    Args:
        picture: (S, S, 3) linear.
        open_: see `opening`.
        light: on the face.
    """
    seen = picture[open_ > 0.9]
    if len(seen) < _OPEN:
        return None
    bright = seen.mean(1)
    return seen[bright >= np.quantile(bright, _TOOTH)].mean(0) / (_ENAMEL * max(light, 0.1))


@cache
def _upper_teeth(head: AnnyHead) -> torch.Tensor:
    """Vertices (N,)."""
    teeth = inner_mouth(head)[1].nonzero()[:, 0]
    height = head.mean[teeth, 1]
    return teeth[height > torch.quantile(height, _UPPER)]


def _of_triangles(head: AnnyHead, chosen: torch.Tensor) -> torch.Tensor:
    found = torch.zeros(len(head.mean), dtype=torch.bool)
    found[head.triangles[chosen].flatten()] = True
    other = torch.zeros_like(found)
    other[head.triangles[~chosen].flatten()] = True
    return found & ~other
