"""Our own small network that reads a face: action units, pose and light from one square of 80 pixels.

It was trained by `examples/train_regressor.py` on synthetic faces only, of photographs it extrapolates: 11,000 pairs of
8,000 people, an hour and a half on part of a CPU core. First 5,200 steps of 24 pairs without the part that compares two
pictures, then, with `--start` from there and a new rate of 1.2e-3, 3,600 with it. From nothing, without `--start`, the
script trains both parts together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import safe_open
from torch import nn

from ..core.errors import InputError, ShapeError
from ..core.finite import check_finite
from ..face3d.camera import rotation_matrix
from ..face3d.heads.au_scale import from_scale
from ..face3d.rendering.lighting import rotate
from ..faces import Face, FaceDetector, choose_face, get_detector
from ..faces.affine import sample
from ..imaging.images import ImageLike, read_image, rgb
from ..weights.blocks import Block
from ..weights.state_dict import frozen
from .estimators import Measurement

SIDE = 80  # pixels of the square; at 128 px pictures this is their own resolution
AU_SCALE_KEY = "au_scale"  # in the metadata of a file of weights
WEIGHTS = Path(__file__).with_name("regressor.safetensors")
UNIT_SCALE, ANGLE_SCALE = 1.5, 15.0  # the network answers in these, so that all its numbers are of one size
_WIDTHS = (24, 48, 96, 160)
_BLOCKS = (1, 2, 3, 2)
_HIDDEN = 128
_SHARED = 3  # blocks that also see a pair of pictures, whose change is read where lids and lips are still sharp
_SQUARE = 2.1  # side of the square in distances between the outer corners of the eyes: brows to a dropped chin
_DOWN = 0.7  # its centre, on the way from the eyes to the base of the nose
_EYES_TO_NOSE = 1.69  # distance of the outer corners of the eyes over that from the eyes to the base of the nose
_BATCH = 64


class Network(nn.Module):
    """A residual network on squares (B, 3, SIDE, SIDE) in [-1, 1].

    Returns:
        Units (B, 12) over UNIT_SCALE, angles (B, 3) in degrees over ANGLE_SCALE, light (B, 9, 3); of the square, which
        `level` turned upright. `features` gives the (B, 128) numbers from which these follow.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, _WIDTHS[0], 5, 2, 2, bias=False), nn.BatchNorm2d(_WIDTHS[0]), nn.ReLU())
        channels, blocks = _WIDTHS[0], []
        for stage, (width, count) in enumerate(zip(_WIDTHS, _BLOCKS)):
            for number in range(count):
                blocks.append(Block(channels, width, 2 if stage and not number else 1))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        # Where something is seen matters, so the last map is not averaged.
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(channels * (SIDE // 16) ** 2, _HIDDEN), nn.ReLU())
        self.head = nn.Linear(_HIDDEN, 12 + 3 + 27)
        self.pair = nn.Sequential(
            Block(2 * _WIDTHS[1], 64, 2),
            Block(64, 96, 2),
            nn.Flatten(),
            nn.Linear(96 * (SIDE // 16) ** 2, 96),
            nn.ReLU(),
            nn.Linear(96, 12),
        )

    def features(self, squares: torch.Tensor) -> torch.Tensor:
        """(B, 3, SIDE, SIDE) -> (B, 128)."""
        return self.late(self.early(squares))

    def early(self, squares: torch.Tensor) -> torch.Tensor:
        """(B, 3, SIDE, SIDE) -> (B, 48, SIDE / 4, SIDE / 4), what `change` compares."""
        return self.blocks[:_SHARED](self.stem(squares))

    def late(self, early: torch.Tensor) -> torch.Tensor:
        """What `early` gave -> (B, 128)."""
        return self.hidden(self.blocks[_SHARED:](early))

    def change(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        """By how much the units of one head that has not moved differ, (B, 12) over UNIT_SCALE; both from `early`.

        Read in both directions: nothing changed is zero, and backwards is the opposite.
        """
        there, back = self.pair(
            torch.cat([torch.cat([before, after - before], 1), torch.cat([after, before - after], 1)])
        ).chunk(2)
        return (there - back) / 2

    def forward(self, squares: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """See the class."""
        units, angles, light = self.head(self.features(squares)).split((12, 3, 27), 1)
        return units, angles, light.unflatten(1, (9, 3))


class Regressor:
    """Measures by our own network, trained on synthetic faces; many pictures at once if asked for.

    Its errors on 149 held-out synthetic pairs of 128 px, found as in use, by `benchmarks/measure.py`: mean absolute
    error in intensities (0 to 5), and how the change in a report, mostly by `change`, correlates with the true one:

        AU1   0.37  0.96        AU6   0.34  0.96        AU17  0.39  0.83
        AU2   0.39  0.93        AU9   0.29  0.95        AU20  0.34  0.90
        AU4   0.43  0.93        AU12  0.17  0.98        AU25  0.31  0.95
        AU5   0.45  0.87        AU15  0.32  0.89        AU26  0.13  0.98

    It measures changes a little too small: 0.75 (AU5) to 1.0 (AU12) of the true ones. Yaw, pitch and roll are off by
    1.3, 2.3 and 0.7 degrees, the light's direction by 23 degrees (the correlation of its components is 0.88 to the
    side, 0.43 upwards).

    Args:
        detector: of the face; None is "mediapipe".
        weights: a file that `examples/train_regressor.py` wrote; None is the one that comes with this package.
    """

    name = "regressor"

    def __init__(self, detector: FaceDetector | None = None, weights: str | Path | None = None) -> None:
        self.detector = detector or get_detector("mediapipe")
        self.weights = Path(weights or WEIGHTS)
        self.network = frozen(Network(), self.weights)
        self._scale = _scale_of(self.weights)

    def __call__(self, image: ImageLike) -> Measurement:
        """See `AUEstimator`."""
        return self.many([image])[0]

    def many(self, images: Sequence[ImageLike], *, faces: Sequence[Face] | None = None) -> list[Measurement]:
        """Measure pictures, of which each may have its own size.

        Args:
            images: anything that `read_image` reads.
            faces: where their faces are, one for each, if that is known: finding takes longer than measuring. With the
                face of the picture before the edit, both are seen through the same square.

        Raises:
            ImageError: a picture cannot be read.
            FaceNotFoundError: a picture shows no face.
            InputError: not as many faces as pictures.
        """
        if faces is not None and len(faces) != len(images):
            raise InputError(
                f"Expected one face for each picture.\n  expected: {len(images)}\n  got:      {len(faces)}"
            )
        found: list[Measurement] = []
        for start in range(0, len(images), _BATCH):
            photos = [rgb(read_image(image)) for image in images[start : start + _BATCH]]
            if faces is None:
                here = [choose_face(self.detector.find(photo)) for photo in photos]
            else:
                here = list(faces[start : start + _BATCH])
            found += self._measure(photos, here)
        return found

    def change(self, before: ImageLike, afters: Sequence[ImageLike], face: Face) -> np.ndarray:
        """By how much the units of pictures of one head that has not moved differ from the first's, (N, 12).

        It sees what has changed between two pictures, where `many` has to tell an expression from the person's own
        features, and so is much the better judge of an edit. The pictures must lie upon each other: half a pixel of
        shift already looks like a change of 1.

        Args:
            before: anything that `read_image` reads.
            afters: of its size.
            face: where it is in all of them.

        Raises:
            ImageError: a picture cannot be read.
            ShapeError: sizes differ.
        """
        photos = [rgb(read_image(image)) for image in (before, *afters)]
        for photo in photos[1:]:
            if photo.shape != photos[0].shape:
                raise ShapeError("after", f"{photos[0].shape}, as `before`", photo.shape)
        matrix = level(face.landmarks)
        seen = self.network.early(to_input(np.stack([square(photo, matrix) for photo in photos])))
        read = self.network.change(seen[:1].expand_as(seen[1:]), seen[1:])
        changes = from_scale(UNIT_SCALE * read, self._scale)
        check_finite(changes, "The measured changes", {"the regressor": self.network})
        return changes.numpy()

    def _measure(self, photos: list[np.ndarray], faces: list[Face]) -> list[Measurement]:
        matrices = [level(face.landmarks) for face in faces]
        squares = np.stack([square(photo, matrix) for photo, matrix in zip(photos, matrices)])
        units, angles, light = self.network(to_input(squares))
        check_finite((units, angles, light), "The measured values", {"the regressor": self.network})
        turns = torch.tensor([[0.0, 0.0, turn_of(matrix)] for matrix in matrices])
        angles = ANGLE_SCALE * angles + turns
        light = rotate(light, rotation_matrix(torch.deg2rad(turns)))
        units = from_scale(UNIT_SCALE * units, self._scale)
        rows = zip(units.numpy(), angles.numpy(), light.numpy(), faces)
        return [Measurement(*row[:3], face=row[3]) for row in rows]


def _scale_of(weights: Path) -> int:
    """The scale of the action units that a network was trained on; files that do not say are of the first."""
    with safe_open(weights, "pt") as file:
        return int((file.metadata() or {}).get(AU_SCALE_KEY, 1))


def level(landmarks: np.ndarray, side: int = SIDE, reach: float = _SQUARE, down: float = _DOWN) -> np.ndarray:
    """The matrix (2, 3), picture to square, that puts a face (68, 2) level into it.

    Size and place follow from eyes and nose, which no expression moves far.

    Args:
        landmarks: of the face in the picture.
        side: of the square in pixels.
        reach: side of the square in distances between the outer corners of the eyes.
        down: its centre, on the way from the eyes to the base of the nose.
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape != (68, 2):
        raise ShapeError("landmarks", "(68, 2)", points.shape)
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    eyes, nose = (left + right) / 2, points[33]
    across = float(np.linalg.norm(points[45] - points[36]))
    along = _EYES_TO_NOSE * float(np.linalg.norm(nose - eyes))
    scale = side / max(reach * math.sqrt((across**2 + along**2) / 2), 1e-6)  # a turned head is narrower, not higher
    tilt = math.atan2(right[1] - left[1], right[0] - left[0])
    turn = np.array([[math.cos(tilt), math.sin(tilt)], [-math.sin(tilt), math.cos(tilt)]]) * scale
    return np.column_stack([turn, (side - 1) / 2 - turn @ (eyes + down * (nose - eyes))])


def turn_of(matrix: np.ndarray) -> float:
    """Degrees of roll that a matrix (2, 3) without mirroring takes out of the picture."""
    return math.degrees(math.atan2(-matrix[0, 1], matrix[0, 0]))


def square(photo: np.ndarray, matrix: np.ndarray, side: int = SIDE) -> np.ndarray:
    """The square (side, side, 3) uint8 of a photo (H, W, 3); drawn twice as large and averaged, against aliasing."""
    double = np.column_stack([2 * matrix[:, :2], 2 * matrix[:, 2] + 0.5])
    large = sample(photo, double, (2 * side, 2 * side), border=cv2.BORDER_REPLICATE)
    return cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA)


def to_input(squares: np.ndarray) -> torch.Tensor:
    """(B, SIDE, SIDE, 3) uint8 -> (B, 3, SIDE, SIDE) float32 in [-1, 1]."""
    return torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 127.5 - 1  # keeps the channels last in memory
