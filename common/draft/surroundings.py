"""What is around a face: hair that turns along, the body that stays, and the background behind both."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from ..faces import Crop
from ..faces.warp import invert
from ..parts import PARTS

_BODY = [PARTS.index(name) for name in ("neck", "neck_l", "cloth")]
_REACH = 0.02  # of the window's side: edges of people are mixed with what is behind them


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Parts of a window of S pixels.

    Attributes:
        head: (S, S) float32 in [0, 1], all that turns with a head.
        body: (S, S) float32, neck and clothes.
        plate: (S, S, 3) float32 in [0, 1], the window without the head, guessed from what is around it.
    """

    head: np.ndarray = field(repr=False)
    body: np.ndarray = field(repr=False)
    plate: np.ndarray = field(repr=False)

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
        body = np.isin(own, _BODY)
        head = (own > 0) & ~body
        width = 2 * max(1, round(_REACH * side)) + 1
        grown = cv2.dilate(head.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
        plate = cv2.inpaint(picture, grown, 3, cv2.INPAINT_TELEA)
        plate = np.where(grown[..., None] > 0, cv2.GaussianBlur(plate, (0, 0), side / 64), plate)
        return cls(_soft(head), _soft(body), plate.astype(np.float32) / 255)


def _soft(mask: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)
