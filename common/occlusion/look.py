"""Which parts of a face are hidden, and where: what hides an organ reaches as far over the face as its colours do."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ..faces import Crop, Face
from ..faces.affine import compose, invert, scale_of
from .features import ORGANS, UNIT, Levelled, features, network

_COLOURS = 3  # clusters
_LIKE = 20.0  # of CIE Lab: farther from all colours of what hides is something else
_SURELY = 0.7  # times as near to what hides as to skin
_CLOSE = 0.15  # of the distance of the eyes: gaps of that width are closed
_REACH = 0.25  # of the same, beyond the face's outline
_DISC = 4  # pixels

SURE = {"right eye": 3.0, "left eye": 3.0, "nose": 2.5, "mouth": 2.3}
"""Logits above which organs count as hidden. In 135 frames of four films and 21 photographs, frowns and squints reach
2.4 for eyes; most of what is drawn before eyes has 4 and more."""
PAIRED = 0.7, 2.4
"""Of nose and mouth: logits of each, and their sum, above which both are hidden."""
_PAIR = ("nose", "mouth")
_BORDER = 0.04  # of the distance of the eyes: an organ with a landmark so near to a border is cut by it
_OUTSIDE = 0.5  # of the chin's landmarks, beyond the border or covered, from which it is hidden
_CUT, _HALF = 0.05, 0.3  # of the face's landmarks beyond one border, from which that is said, and called half
_SMALL = 14  # pixels between the eyes, below which a photo shows too little
_ASIDE = 0.4  # of the jaw's width, from its middle to the tip of the nose
_GROWN = 0.12  # of the distance of the eyes, by which what is hidden reaches beyond an organ's outline
_SOFT = 0.05  # of the same, over which a veil ends


@dataclass(frozen=True, eq=False, repr=False)
class Look:
    """What a photo shows of a face."""

    # names of the parts that are not seen: "right eye", "left eye" (the person's), "nose", "mouth", "chin"
    hidden: tuple[str, ...]
    outside: tuple[str, ...]  # which of them lie beyond the photo, or are cut by its border
    # the photo's border beyond which the face continues -> the fraction of it there: "left", "top" and so on
    beyond: dict[str, float]
    any_organ: bool  # whether one of eyes, nose and mouth at least is seen
    covers: np.ndarray  # (176, 136) bool, what hides the parts, on the levelled face
    levelled: Levelled  # the face

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
    """Say which parts of a face, in the pixels of a photo (H, W, 3) uint8 RGB, are hidden."""
    levelled = Levelled.of(photo, face)
    far = _far_eye(face)
    logits = {
        name: float(network()(name, torch.from_numpy(features(levelled, organ)).float()[None])[0])
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
    column, row = np.rint(levelled.landmarks[6:11]).astype(int).clip(0, np.array(covers.shape[::-1]) - 1).T
    chin = covers[row, column].mean()
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
    """Fraction of points (N, 2) that lie beyond the photo, or within a margin of pixels from its borders."""
    low, high = margin - 0.5, np.array(photo.shape[1::-1]) - 0.5 - margin
    return float(((points < low) | (points > high)).any(1).mean())


def _beyond(face: Face, photo: np.ndarray) -> dict[str, float]:
    """Which borders cut the face, and how much of its inner landmarks and outline lies beyond each."""
    before, after = face.landmarks < -0.5, face.landmarks > np.array(photo.shape[1::-1]) - 0.5
    fractions = np.stack([before.mean(0), after.mean(0)], 1).ravel().tolist()
    return {name: out for name, out in zip(("left", "right", "top", "bottom"), fractions) if out >= _CUT}


def spread(levelled: Levelled, organs: np.ndarray, hidden: list[str]) -> np.ndarray:
    """What has the colours of hidden organs (H, W) bool, whose names are `hidden`, and touches them: (H, W) bool."""
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
