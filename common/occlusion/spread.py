"""How far what hides an organ reaches: as far as its colours do, over the face."""

from __future__ import annotations

import cv2
import numpy as np

from .features import UNIT, Levelled

_COLOURS = 3  # clusters
_LIKE = 20.0  # of CIE Lab: farther from all colours of what hides is something else
_SURELY = 0.7  # times as near to what hides as to skin
_CLOSE = 0.15  # of the distance of the eyes: gaps of that width are closed
_REACH = 0.25  # of the same, beyond the face's outline
_DISC = 4  # pixels


def spread(levelled: Levelled, organs: np.ndarray, hidden: list[str]) -> np.ndarray:
    """What has the colours of hidden organs and touches them: (H, W) bool.

    Args:
        levelled: the face.
        organs: (H, W) bool, the hidden ones.
        hidden: their names.
    """
    lab = cv2.cvtColor(levelled.picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = cv2.GaussianBlur(lab, (0, 0), 1.0)
    lab[..., 0] *= 0.5  # shadows are not other things
    points, down = levelled.landmarks, np.array([0, UNIT])
    eyes = {"right eye": points[36:42].mean(0), "left eye": points[42:48].mean(0)}
    brows = points[21:23].mean(0)
    skin = np.zeros(organs.shape, np.uint8)
    if "mouth" in hidden or "nose" in hidden:
        places = [brows, brows - 0.4 * down, *(eye + 0.35 * down for name, eye in eyes.items() if name not in hidden)]
    else:
        cheeks = [eye + 0.6 * down for name, eye in eyes.items() if name not in hidden]
        places = [points[30], (points[57] + points[8]) / 2, *cheeks]
    for place in places:
        cv2.circle(skin, tuple(round(float(v)) for v in place), _DISC, 1, -1)
    skin[organs] = 0
    own, other = _clusters(lab[organs]), _clusters(lab[skin > 0])
    near, far = (np.linalg.norm(lab[:, :, None] - each, axis=3).min(2) for each in (own, other))
    outline = np.zeros(organs.shape, np.uint8)
    cv2.fillConvexPoly(outline, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    like = (near < _LIKE) & (near < _SURELY * far) & (cv2.dilate(outline, _disc(_REACH)) > 0)
    like = cv2.morphologyEx((like | organs).astype(np.uint8), cv2.MORPH_CLOSE, _disc(_CLOSE))
    _, labels = cv2.connectedComponents(cv2.morphologyEx(like, cv2.MORPH_OPEN, _disc(0.04)))
    found = np.isin(labels, np.setdiff1d(labels[organs], 0))
    return found | organs


def _clusters(colours: np.ndarray) -> np.ndarray:
    """A few colours (K, 3) that stand for some (N, 3)."""
    if len(colours) <= _COLOURS:
        return colours if len(colours) else np.full((1, 3), 1e3, np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    cv2.setRNGSeed(0)
    return cv2.kmeans(np.ascontiguousarray(colours), _COLOURS, None, criteria, 1, cv2.KMEANS_PP_CENTERS)[2]  # type: ignore[call-overload]


def _disc(radius: float) -> np.ndarray:
    side = 2 * max(1, round(radius * UNIT)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
