"""The face of a clip, cut out of all its frames at the same place, so that nothing but the face moves."""

from __future__ import annotations

import numpy as np

from common.errors import FaceNotFoundError
from common.faces import FaceFinder, choose_face
from common.faces.upright import notice
from common.faces.warp import quarter_turn

SIDE, TOP, LEFT = 2.24, 0.233, 0.497
"""Side of the square in distances from the eyes to the mouth; where the middle of the eyes lies in it. So lie the faces
of the synthetic clips, measured on 18 of them."""


def cut_face(frames: np.ndarray, finder: FaceFinder, name: str = "the clip") -> np.ndarray:
    """(T, S, S, 3) of (T, H, W, 3): the square of the largest face of the first frame, from brows to chin,
    upright.

    What lies outside of the picture repeats its border.

    Raises:
        FaceNotFoundError: there is no face in the first frame.
    """
    faces = finder.find(frames[0])
    if not faces:
        raise FaceNotFoundError(f"No face in the first frame of {name}; expected a face seen from the front.")
    face = choose_face(faces)
    notice(face, f"the face of {name}")
    upright = face.mapped(quarter_turn(face.turns, (frames.shape[2], frames.shape[1])))
    points, frames = upright.landmarks, np.rot90(frames, face.turns, axes=(1, 2))
    eyes, mouth = (points[36:42].mean(0) + points[42:48].mean(0)) / 2, points[48:68].mean(0)
    side = max(24, round(float(SIDE * np.linalg.norm(mouth - eyes))))
    left, top = (round(float(eyes[axis] - share * side)) for axis, share in ((0, LEFT), (1, TOP)))
    height, width = frames.shape[1:3]
    over = [max(0, -top), max(0, top + side - height), max(0, -left), max(0, left + side - width)]
    padded = np.pad(frames, ((0, 0), (over[0], over[1]), (over[2], over[3]), (0, 0)), "edge")
    row, column = top + over[0], left + over[2]
    return np.stack([frame[row : row + side, column : column + side] for frame in padded])
