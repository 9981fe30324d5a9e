"""One face through a film: each frame is looked at where the frame before showed the face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .detectors import get_detector
from .face import Face, FaceDetector, check_photo, choose_face, shared
from .landmarker import Landmarker, Square
from .mediapipe import face_of_points

PRESENT = 0.99
"""Presence, 0 to 1, below which a face is searched for again; faces of films have more, textures up to this."""
JUMP = 0.35
"""Part of the square's side by which a face may move between two frames; farther, it is searched for again."""
GROWTH = 1.35
"""Ratio by which its size may change between two frames, likewise."""


class FaceTracker:
    """Follows one face from frame to frame, several times faster than a detector finds it.

    The first frame, and every one after the face was lost, is searched by the detector. A tracker belongs to one film
    and one thread.

    Args:
        detector: what finds the face; None is "mediapipe". Its faces need the mesh of 478 points.
        which: the face to follow, as `choose_face` takes it. After it was lost, the face nearest to its last place.
        threads: CPU threads of a look; None is up to four.
    """

    name = "mediapipe"

    def __init__(
        self,
        detector: FaceDetector | None = None,
        which: str | int | tuple[float, float] = "largest",
        threads: int | None = None,
    ) -> None:
        self.detector = detector or get_detector("mediapipe")
        self.which = which
        self.searches = 0
        self._landmarker = Landmarker(threads)
        self._last: Face | None = None

    def follow(self, frame: np.ndarray) -> Face | None:
        """The face in the next frame (H, W, 3) uint8 RGB, its score the presence of a face; None where it is not found.

        Raises as `FaceDetector.find`.
        """
        frame = check_photo(frame)
        face = None if self._last is None else self._look(frame, self._last)
        if face is None:
            face = self._search(frame)
        if face is not None:
            self._last = face
        return face

    def reset(self) -> None:
        """Forgets the face, as at a cut."""
        self._last = None

    def _look(self, frame: np.ndarray, last: Face) -> Face | None:
        """The face where it was, or None if it is not there any more."""
        if last.mesh is None or len(last.mesh) != 478:
            return None
        square = Square.of_points(last.mesh)
        mesh, presence = self._landmarker.look(frame, square)
        found = Square.of_points(mesh)
        moved = float(np.linalg.norm(found.centre - square.centre)) / square.side
        growth = max(found.side / square.side, square.side / found.side)
        if presence < PRESENT or moved > JUMP or growth > GROWTH:
            return None
        face = face_of_points(mesh, presence, self.name)
        return _turned_as(face, last)

    def _search(self, frame: np.ndarray) -> Face | None:
        self.searches += 1
        faces = self.detector.find(frame)
        if not faces:
            return None
        if self._last is None:
            return choose_face(faces, self.which)
        last = self._last
        return max(faces, key=lambda face: (shared(face, last), -float(np.linalg.norm(face.centre - last.centre))))


def _turned_as(face: Face, last: Face) -> Face:
    """A face with the quarter turns of the frame before, so that a head that tilts does not jump between two."""
    return replace(face, turns=last.turns) if last.turns else face
