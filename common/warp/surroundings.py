"""What is around a face: hair that turns along, glasses and body that stay, and the background behind all.

What is worn in front of a face stays where it is when the skin behind it moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ..core.face_labels import PARTS
from ..faces import Crop
from ..faces.affine import invert
from .extrapolate import at, extend

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

_BODY = [PARTS.index(name) for name in ("neck", "neck_l", "cloth")]
_REACH = 0.02  # of the window's side: edges of people are mixed with what is behind them


@dataclass(frozen=True, eq=False, repr=False)
class Surroundings:
    """Parts of a window of S pixels."""

    picture: np.ndarray  # (S, S, 3) uint8, the window
    labels: np.ndarray  # (S, S) uint8, its face-parsing classes

    @classmethod
    def of(cls, picture: np.ndarray, crop: Crop, labels: np.ndarray, at: Crop) -> Surroundings:
        """Tell them apart by face-parsing classes (T, T) uint8 that lie in the photo as `at` says; the picture (S, S,
        3) as `crop` does.
        """
        side = crop.size
        matrix = np.vstack([at.matrix, (0, 0, 1)]) @ np.vstack([invert(crop.matrix), (0, 0, 1)])
        own = cv2.warpAffine(labels, matrix[:2], (side, side), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
        return cls(picture, own)

    @cached_property
    def head(self) -> np.ndarray:
        """(S, S) float32 in [0, 1], all that turns with a head."""
        return _soft(self._head)

    @cached_property
    def body(self) -> np.ndarray:
        """(S, S) float32, neck and clothes."""
        return _soft(self._body)

    def beside(self, places: np.ndarray) -> np.ndarray:
        """Which places (N, 2) show the background, (N,) float32 in [0, 1]."""
        return at(1 - _soft(self.labels > 0), places)

    @cached_property
    def left(self) -> np.ndarray:
        """(S, S) float32, what a head leaves bare that goes elsewhere: where it was, with its edges."""
        return _soft(_grown(self._head))

    def plate(self, neck: np.ndarray) -> np.ndarray:
        """(S, S, 3) float32 in [0, 1], the window without the head, guessed from what is around it; `neck` (S, S) in
        [0, 1] is where the neck continues under the head.
        """
        behind, body = self._plates
        fraction = np.maximum(self.body, neck)[..., None]
        return behind + fraction * (body - behind)

    @cached_property
    def _plates(self) -> tuple[np.ndarray, np.ndarray]:
        """What is behind the person, and what body and neck look like where the head hides them."""
        person, body = _grown(self._head | self._body), self._body & ~_grown(self._head)
        behind = cv2.inpaint(self.picture, person.astype(np.uint8), 3, cv2.INPAINT_TELEA)
        blurred = cv2.GaussianBlur(behind, (0, 0), len(self.labels) / 64)
        behind = np.where(person[..., None], blurred, behind).astype(np.float32) / 255
        return behind, extend(self.picture.astype(np.float32) / 255, body)[0] if body.any() else behind

    @cached_property
    def worn(self) -> np.ndarray | None:
        """(S, S) float32 in [0, 1], where glasses hide the face; None where there are none."""
        return rims(self.labels, self.picture)

    @cached_property
    def unworn(self) -> np.ndarray:
        """(S, S, 3) uint8, the window without glasses."""
        return self.picture if self.worn is None else without(self.picture, self.worn)

    @property
    def _head(self) -> np.ndarray:
        return (self.labels > 0) & ~self._body

    @property
    def _body(self) -> np.ndarray:
        return np.isin(self.labels, _BODY)


def _grown(mask: np.ndarray) -> np.ndarray:
    """A mask (S, S) bool with what is mixed with it at its edges."""
    return cv2.dilate(mask.astype(np.uint8), _disc(_REACH * len(mask))) > 0


def _soft(mask: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)


def rims(labels: np.ndarray, picture: np.ndarray) -> np.ndarray | None:
    """Where glasses hide the face: rims, and lenses too dark to see through, of which parsers make one; (S, S) float32
    in [0, 1], soft at its edges, or None where there are none.
    """
    worn = (labels == _GLASSES).astype(np.uint8)
    if worn.mean() < _LEAST:
        return None
    width = np.ptp(np.nonzero(worn.any(0))[0])
    outside, inside = (_disc(fraction * width) for fraction in _RIM)
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
    """By how much pixels (S, S, 3) differ from what is on both sides of them, (S, S) bytes of the clearest colour; what
    is wider than twice the radius in pixels does not count.
    """
    disc = _disc(radius)
    hats = (cv2.morphologyEx(picture, each, disc) for each in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT))
    return np.maximum(*hats).max(2).astype(np.float32)


def _disc(radius: float) -> np.ndarray:
    side = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
