"""Which parts of a face are hidden, and where."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import torch

from ..faces import Crop, Face
from ..faces.warp import compose, invert, scale_of
from .features import ORGANS, UNIT, Levelled, features
from .network import kind_of, network
from .spread import spread

SURE = {"right eye": 3.0, "left eye": 3.0, "nose": 2.5, "mouth": 2.3}
"""Logits above which organs count as hidden. In 135 frames of four films and 21 photographs, frowns and squints reach
2.4 for eyes; most of what is drawn before eyes has 4 and more."""
PAIRED = 0.7, 2.4
"""Of nose and mouth: logits of each, and their sum, above which both are hidden."""
_PAIR = ("nose", "mouth")
_BORDER = 0.04  # of the distance of the eyes: an organ with a landmark so near to a border is cut by it
_OUTSIDE = 0.5  # of the chin's landmarks, beyond the border or covered, from which it is hidden
_CUT, _HALF = 0.05, 0.3  # of the face's landmarks beyond one border, from which that is said, and called half
_SMALL = 14  # pixels between the eyes, below which a photo does not tell
_ASIDE = 0.4  # of the jaw's width, from its middle to the tip of the nose
_GROWN = 0.12  # of the distance of the eyes, by which what is hidden reaches beyond an organ's outline
_SOFT = 0.05  # of the same, over which a veil ends


@dataclass(frozen=True, eq=False)
class Look:
    """What a photo shows of a face.

    Attributes:
        hidden: names of the parts that are not seen: "right eye", "left eye" (the person's), "nose", "mouth", "chin".
        outside: which of them lie beyond the photo, or are cut by its border.
        beyond: the photo's border beyond which the face goes on, to how large a share of it: "left", "top", ...
        any_organ: whether one of eyes, nose and mouth at least is seen.
        covers: (176, 136) bool, what hides the parts, on the levelled face.
        levelled: the face.
    """

    hidden: tuple[str, ...]
    outside: tuple[str, ...]
    beyond: dict[str, float]
    any_organ: bool
    covers: np.ndarray = field(repr=False)
    levelled: Levelled = field(repr=False)

    @property
    def half(self) -> bool:
        """Whether about half of the face lies beyond a border."""
        return max(self.beyond.values(), default=0.0) >= _HALF

    def veil(self, crop: Crop) -> np.ndarray | None:
        """Where a crop of the photo shows what hides the face: (S, S) float32 in [0, 1], soft; None if nothing does."""
        if not self.covers.any():
            return None
        soft = cv2.GaussianBlur(self.covers.astype(np.float32), (0, 0), _SOFT * UNIT)
        matrix = compose(crop.matrix, invert(self.levelled.matrix))
        veil = cv2.warpAffine(soft, matrix, (crop.size, crop.size), flags=cv2.INTER_LINEAR)
        return (2 * veil).clip(0, 1)  # whole where it hides, and soft around that


@torch.inference_mode()
def look(photo: np.ndarray, face: Face) -> Look:
    """Say which parts of a face are hidden.

    Args:
        photo: (H, W, 3) uint8, RGB.
        face: in its pixels.
    """
    levelled = Levelled.of(photo, face)
    far = _far_eye(face)
    logits = {
        name: float(network()(kind_of(name), torch.from_numpy(features(levelled, organ)).float()[None])[0])
        for name, organ in ORGANS.items()
    }
    if far or scale_of(levelled.matrix) > UNIT / _SMALL:
        # Of what is seen from the side or hardly at all, nothing hides the parts.
        logits |= dict.fromkeys(ORGANS if not far else (far,), 0.0)
    pair = [logits[name] for name in _PAIR]
    both = _PAIR if min(pair) > PAIRED[0] and sum(pair) > PAIRED[1] else ()
    covered = [name for name in ORGANS if logits[name] > SURE[name] or name in both]
    margin = _BORDER * UNIT / scale_of(levelled.matrix)
    outside = [name for name, organ in ORGANS.items() if _outside(face.landmarks[organ.points], photo, margin) > 0]
    covered = [name for name in covered if name not in outside]
    # What a border cuts lies still too: the rest of a mouth cannot be moved without the part that is not there.
    cut = _grown(_outlines(levelled, [(name,) for name in outside])) & levelled.inside
    covers = cut | _covers(levelled, covered, [name for name in ORGANS if logits[name] < 0])
    chin = covers[tuple(_inside(levelled.landmarks[6:11], covers).T[::-1])].mean()
    if _outside(face.landmarks[6:11], photo) > _OUTSIDE:
        outside.append("chin")
    elif chin > _OUTSIDE:
        covered.append("chin")
    hidden = tuple(name for name in (*ORGANS, "chin") if name in covered or name in outside)
    seen = not all(name in hidden for name in ORGANS)
    return Look(hidden, tuple(outside), _beyond(face, photo), seen, covers, levelled)


def _covers(levelled: Levelled, hidden: list[str], seen: list[str]) -> np.ndarray:
    """What hides organs but not those that are seen, (176, 136) bool."""
    if not hidden:
        return np.zeros(levelled.inside.shape, bool)
    pair = [_PAIR] if all(name in hidden for name in _PAIR) else []
    organs = _outlines(levelled, [*pair, *((name,) for name in hidden if not pair or name not in _PAIR)])
    free = _grown(_outlines(levelled, [(name,) for name in seen]))
    return (_grown(organs) | (spread(levelled, organs, hidden) & ~free)) & levelled.inside


def _outlines(levelled: Levelled, groups: list[tuple[str, ...]]) -> np.ndarray:
    """The convex outlines of groups of organs, (176, 136) bool."""
    filled = np.zeros(levelled.inside.shape, np.uint8)
    for group in groups:
        points = np.concatenate([levelled.landmarks[ORGANS[name].points] for name in group])
        cv2.fillConvexPoly(filled, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    return filled > 0


def _grown(mask: np.ndarray) -> np.ndarray:
    width = 2 * round(_GROWN * UNIT) + 1
    return cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))) > 0


def _far_eye(face: Face) -> str:
    """The eye that a head seen from the side hides itself; "" in other views."""
    ends = face.landmarks[[0, 16]]
    across = ends[1] - ends[0]
    aside = float((face.landmarks[30] - ends[0]) @ across / max(float(across @ across), 1e-6)) - 0.5
    return "" if abs(aside) < _ASIDE else "right eye" if aside < 0 else "left eye"


def _outside(points: np.ndarray, photo: np.ndarray, margin: float = 0.0) -> float:
    """Share of points (N, 2) that lie beyond the photo, or within a margin of pixels from its borders."""
    low, high = margin - 0.5, np.array(photo.shape[1::-1]) - 0.5 - margin
    return float(((points < low) | (points > high)).any(1).mean())


def _inside(points: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """The pixels (N, 2) of a picture that are nearest to points."""
    return np.rint(points).astype(int).clip(0, np.array(picture.shape[1::-1]) - 1)


def _beyond(face: Face, photo: np.ndarray) -> dict[str, float]:
    """Which borders cut the face, and how much of its inner landmarks and outline lies beyond each."""
    height, width = photo.shape[:2]
    points = face.landmarks
    shares = {
        "left": points[:, 0] < -0.5, "right": points[:, 0] > width - 0.5,
        "top": points[:, 1] < -0.5, "bottom": points[:, 1] > height - 0.5,
    }  # fmt: skip
    return {name: float(out.mean()) for name, out in shares.items() if out.mean() >= _CUT}
