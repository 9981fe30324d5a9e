"""Glasses: what is worn in front of a face stays where it is when the skin behind it moves."""

from __future__ import annotations

import cv2
import numpy as np

from ..parts import PARTS

_GLASSES, _SKIN = PARTS.index("eye_g"), PARTS.index("skin")
_BROWS = [PARTS.index(name) for name in ("l_brow", "r_brow")]
_RIM = (0.02, 0.045)
"""Of the glasses' width: how far a rim reaches beyond their edge, as parsers draw it, and how far into a lens."""
_LEAST = 0.01  # of the window, that glasses cover
_DARK = 0.6  # of the skin's brightness: darker lenses hide the eyes
_MIXED = 0.01  # of the window, in which rims and skin are mixed
_SOFT = 0.7  # pixels


def rims(labels: np.ndarray, picture: np.ndarray) -> np.ndarray | None:
    """Where glasses hide the face: rims, and lenses too dark to see through.

    Args:
        labels: (S, S) uint8, face-parsing classes, whose glasses are rims and lenses in one.
        picture: (S, S, 3) uint8.

    Returns:
        (S, S) float32 in [0, 1], soft at its edges; None where there are none.
    """
    worn = (labels == _GLASSES).astype(np.uint8)
    if worn.mean() < _LEAST:
        return None
    width = np.ptp(np.nonzero(worn.any(0))[0])
    outside, inside = (_disc(share * width) for share in _RIM)
    lens = cv2.erode(worn, inside)
    skin = labels == _SKIN
    bright = picture.mean(2)
    dark = skin.any() and lens.any() and bright[lens > 0].mean() < _DARK * bright[skin].mean()
    mask = cv2.dilate(worn, outside) - (0 if dark else lens)
    mask[np.isin(labels, _BROWS)] = 0
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _SOFT)


def without(picture: np.ndarray, worn: np.ndarray) -> np.ndarray:
    """A picture (S, S, 3) uint8 with what is worn painted over from around it."""
    hole = cv2.dilate((worn > 0.1).astype(np.uint8), _disc(_MIXED * len(picture)))
    return cv2.inpaint(picture, hole, 3, cv2.INPAINT_TELEA)


def _disc(radius: float) -> np.ndarray:
    side = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
