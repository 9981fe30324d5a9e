"""Glasses: what is worn in front of a face stays where it is when the skin behind it moves."""

from __future__ import annotations

import cv2
import numpy as np

from ..parts import PARTS

_GLASSES, _SKIN = PARTS.index("eye_g"), PARTS.index("skin")
_BROWS = [PARTS.index(name) for name in ("l_brow", "r_brow")]
_RIM = (0.02, 0.045)
"""Of the glasses' width: how far a rim reaches beyond their edge, as parsers draw it, and how far into a lens."""
_THIN = 0.03  # of the glasses' width, half of the widest rim
_CLEAR, _FAINT = 0.35, 15  # of the clearest rim's contrast, and bytes: less is skin
_SURE = 2  # times nearer to a rim's colour than to a brow's is what lies on a brow and is a rim
_LEAST = 0.01  # of the window, that glasses cover
_DARK = 0.6  # of the skin's brightness: darker lenses hide the eyes
_MIXED = 0.004  # of the window, in which rims and skin are mixed
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
    band = (cv2.dilate(worn, outside) > 0) & (lens == 0)
    thin = _thin(picture, _THIN * width)
    mask = band & (thin > max(_CLEAR * float(np.quantile(thin[band], 0.95)), _FAINT))
    mask &= ~_hair(mask, np.isin(labels, _BROWS), picture)
    mask = cv2.dilate((mask | (dark & (lens > 0))).astype(np.float32), _disc(_MIXED * len(picture)))
    return cv2.GaussianBlur(mask, (0, 0), _SOFT)


def without(picture: np.ndarray, worn: np.ndarray) -> np.ndarray:
    """A picture (S, S, 3) uint8 with what is worn painted over from around it."""
    return cv2.inpaint(picture, (worn > 0.1).astype(np.uint8), 3, cv2.INPAINT_TELEA)


def _hair(mask: np.ndarray, brows: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Which pixels of brows (S, S) bool a mask of rims does not mean: those whose colour is the brows' own."""
    rim, brow = mask & ~brows, brows & ~mask
    if not (rim.any() and brow.any()):
        return brows
    own, other = (np.abs(picture - np.median(picture[each], 0)).sum(2) for each in (brow, rim))
    return brows & (own < _SURE * other)


def _thin(picture: np.ndarray, radius: float) -> np.ndarray:
    """By how much pixels differ from what is on both sides of them, (S, S) bytes of the clearest colour.

    Args:
        picture: (S, S, 3) uint8.
        radius: pixels; what is wider than twice that does not count.
    """
    disc = _disc(radius)
    hats = (cv2.morphologyEx(picture, each, disc) for each in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT))
    return np.maximum(*hats).max(2).astype(np.float32)


def _disc(radius: float) -> np.ndarray:
    side = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
