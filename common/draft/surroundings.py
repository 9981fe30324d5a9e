"""What is around a face: hair that turns along, glasses and body that stay, and the background behind all."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from ..faces import Crop
from ..faces.warp import invert
from ..parts import PARTS
from .field import extend
from .glasses import rims, without
from .mouth import at

_BODY = [PARTS.index(name) for name in ("neck", "neck_l", "cloth")]
_REACH = 0.02  # of the window's side: edges of people are mixed with what is behind them


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Parts of a window of S pixels.

    Attributes:
        picture: (S, S, 3) uint8, the window.
        labels: (S, S) uint8, its face-parsing classes.
    """

    picture: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)

    @classmethod
    def of(cls, picture: np.ndarray, crop: Crop, labels: np.ndarray, at: Crop) -> Surroundings:
        """Tell them apart.

        Args:
            picture: (S, S, 3) uint8, the window.
            crop: how it lies in the photo.
            labels: (T, T) uint8, face-parsing classes.
            at: how these lie in the photo.
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
        return at(self._beside, places)

    @cached_property
    def _beside(self) -> np.ndarray:
        return 1 - _soft(self.labels > 0)

    @cached_property
    def left(self) -> np.ndarray:
        """(S, S) float32, what a head leaves bare that goes elsewhere: where it was, with its edges."""
        return _soft(_grown(self._head))

    def plate(self, neck: np.ndarray) -> np.ndarray:
        """(S, S, 3) float32 in [0, 1], the window without the head, guessed from what is around it.

        Args:
            neck: (S, S) in [0, 1], where the neck goes on under the head.
        """
        behind, body = self._plates
        share = np.maximum(self.body, neck)[..., None]
        return behind + share * (body - behind)

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
    width = 2 * max(1, round(_REACH * len(mask))) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0


def _soft(mask: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)
