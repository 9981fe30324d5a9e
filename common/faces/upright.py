"""Faces that stand upside down or lie on their side: four turns of the photo are tried where one does not do."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .affine import invert, quarter_turn
from .face import SAME_FACE, Face, FaceDetector, check_photo, left_to_right, shared

log = logging.getLogger(__name__)

TILTED = 50.0
"""Degrees of roll up to which a face is edited as it is; beyond, it is turned by quarters first."""
SURE = {"mediapipe": 0.9}
"""Scores of the detectors from which no other turn is tried. BlazeFace gives 0.92 and more to upright faces of
photographs, and at most 0.89 to the landmarks that it makes up in a portrait that stands upside down."""
CREDIBLE = {"mediapipe": 0.7}
"""Scores below which a detector's turned face is taken for a mistake."""
BETTER = 0.03, 0.06
"""By how much a face of another turn must score better than one of the photo as it is: if it is sure, and if not."""
LIKELY, PLAIN = 0.78, 0.935
"""A face that scores so much as it is gives way to one of another turn that scores as free faces do, and to no other: a
mask lowers the score of an upright face to 0.79, and one that it seems to make upside down scores up to 0.93."""
CUT = 0.15
"""Share of the landmarks beyond the photo, from which a face of a low score is one that the border cuts."""
SIDES = {1: "with its top to the photo's right", 2: "upside down", 3: "with its top to the photo's left"}
"""How a face stands that these quarter turns anticlockwise bring upright."""


@dataclass(frozen=True)
class UprightDetector:
    """A detector that also finds faces in photos that are turned by 90, 180 or 270 degrees.

    Their coordinates are the photo's own, and `Face.turns` tells how to bring them upright. Other turns are tried where
    the photo as it is shows no face that is surely upright; upright faces win over turned ones.

    Attributes:
        plain: detector of upright faces.
    """

    plain: FaceDetector = field()

    @property
    def name(self) -> str:
        """That of the plain detector."""
        return self.plain.name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "plain":
            raise AttributeError(name)
        return getattr(self.plain, name)

    def find(self, image: np.ndarray) -> list[Face]:
        """See `FaceDetector.find`."""
        own = [_levelled(face) for face in self.plain.find(check_photo(image))]
        sure, credible = SURE.get(self.name, 0.0), CREDIBLE.get(self.name, 0.0)
        if any(face.score >= sure for face in _upright(own)):
            return own
        turned: list[tuple[float, list[Face]]] = []
        for turns in (1, 2, 3):
            found = [_levelled(face) for face in self.plain.find(np.ascontiguousarray(np.rot90(image, turns)))]
            best = max((face.score for face in _upright(found)), default=-1.0)
            if best >= credible:
                back = invert(quarter_turn(turns, (image.shape[1], image.shape[0])))
                turned.append((best, [face.mapped(back) for face in found]))
        rivals = [face for _, found in turned for face in found]
        if not turned or any(face.score >= credible and not _beaten(face, rivals, image) for face in _upright(own)):
            return own
        return left_to_right(max(turned, key=lambda each: each[0])[1])


def notice(face: Face, name: str = "the face") -> None:
    """Logs in one line, which calls the face by a name, that it is turned in the photo, if it is."""
    if face.turns:
        log.warning("%s is found %s: it is read upright and stays where it is", name, SIDES[face.turns])


def _levelled(face: Face) -> Face:
    """A face with the turns that its own landmarks tell, if it lies on its side and is credible."""
    if abs(face.roll) <= TILTED or face.score < CREDIBLE.get(face.backend, 0.0):
        return face
    return replace(face, turns=round(face.roll / 90) % 4)


def _upright(faces: list[Face]) -> list[Face]:
    return [face for face in faces if abs(face.roll) <= TILTED]


def _beaten(face: Face, rivals: list[Face], image: np.ndarray) -> bool:
    """Whether another turn shows a better face in the same place, where the photo's border does not cut the face."""
    outside = ((face.landmarks < 0) | (face.landmarks > image.shape[1::-1])).any(1).mean()

    def better(rival: Face) -> bool:
        sure = rival.score >= SURE.get(rival.backend, 0.0)
        if face.score >= LIKELY and rival.score < PLAIN:
            return False
        return rival.score >= face.score + BETTER[not sure] and (sure or outside < CUT)

    return any(better(rival) and shared(face, rival) >= SAME_FACE for rival in rivals)
