"""A face that was found in a photo, what finds it, and the choice of one among several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Protocol

import numpy as np

from ..core.errors import FaceNotFoundError, InputError, ShapeError
from .affine import quarters_of, scale_of, transform
from .landmarks import outline_of_landmarks, outline_of_mesh

SMALLEST = 12  # pixels; no detector sees a face in fewer

SAME_FACE = 0.5
"""Boxes that share this part of the smaller one show one face."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face: where it is and what is known of it. Coordinates are photo pixels, integers at pixel centres.

    Attributes:
        box: (4,) x0 y0 x1 y1, from the hairline to the chin and from cheek to cheek.
        score: How sure the detector is, 0 to 1.
        points: (5, 2) eye at the image's left, eye at its right, nose tip, mouth corner at the left, at the right; left
            and right as seen when the face is upright.
        landmarks: (68, 2) in the iBUG order.
        backend: Name of the detector.
        mesh: (478, 3) MediaPipe's mesh with irises, or (468, 3) without; depth in pixels too and smaller towards the
            camera; None from other detectors.
        embedding: (512,) identity vector of length 1; None from detectors without a recognition network.
        turns: quarter turns anticlockwise, 0 to 3, after which the face is upright, as `np.rot90` counts them.

    Raises:
        ShapeError: An array has another shape. All are kept as float32.
    """

    box: np.ndarray
    score: float
    points: np.ndarray
    landmarks: np.ndarray
    backend: str
    mesh: np.ndarray | None = None
    embedding: np.ndarray | None = None
    turns: int = 0

    def __post_init__(self) -> None:
        shapes = {"box": (4,), "points": (5, 2), "landmarks": (68, 2), "mesh": (468, 3), "embedding": (512,)}
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is None and name in ("mesh", "embedding"):
                continue
            array = np.asarray(value, np.float32)
            if name == "mesh" and array.shape == (478, 3):
                shape = (478, 3)
            if array.shape != shape:
                raise ShapeError(f"Face.{name}", str(shape), array.shape)
            object.__setattr__(self, name, array)

    @property
    def centre(self) -> np.ndarray:
        """Centre (2,) of the box."""
        return (self.box[:2] + self.box[2:]) / 2

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        width, height = np.clip(self.box[2:] - self.box[:2], 0, None)
        return float(width * height)

    @property
    def outline(self) -> np.ndarray:
        """Closed polygon (N, 2) round the whole face, forehead included; the last point joins the first."""
        return outline_of_landmarks(self.landmarks) if self.mesh is None else outline_of_mesh(self.mesh)

    @property
    def roll(self) -> float:
        """Degrees, above -180 up to 180, by which the face is tilted clockwise in the image; 0 for one that is upright.

        Told by the eyes, the nose and the mouth together.
        """
        left, right, _, *mouth = self.points.astype(np.float64)
        across, down = right - left, np.mean(mouth, axis=0) - (left + right) / 2
        return math.degrees(math.atan2(across[1] - down[0], across[0] + down[1]))

    def mapped(self, matrix: np.ndarray) -> Face:
        """The same face in the coordinates of a picture made by the affine `matrix` (2, 3), such as a crop's."""
        corners = np.array([(x, y) for x in self.box[::2] for y in self.box[1::2]])
        corners = transform(corners, matrix)
        mesh = self.mesh
        if mesh is not None:
            mesh = np.column_stack([transform(mesh[:, :2], matrix), scale_of(matrix) * mesh[:, 2]])
        return replace(
            self,
            box=np.concatenate([corners.min(axis=0), corners.max(axis=0)]),
            points=transform(self.points, matrix),
            landmarks=transform(self.landmarks, matrix),
            mesh=mesh,
            turns=(self.turns - quarters_of(matrix)) % 4,
        )


def shared(one: Face, other: Face) -> float:
    """Part of the smaller of two boxes that lies in the other."""
    sides = np.minimum(one.box[2:], other.box[2:]) - np.maximum(one.box[:2], other.box[:2])
    return float(np.clip(sides, 0, None).prod()) / max(min(one.area, other.area), 1e-9)


def left_to_right(faces: Sequence[Face]) -> list[Face]:
    """Faces in the order of their box centres, from the image's left to its right."""
    return sorted(faces, key=lambda face: tuple(face.centre.tolist()))


def choose_face(faces: Sequence[Face], which: str | int | Sequence[float] | np.ndarray = "largest") -> Face:
    """Picks the face to edit.

    Args:
        faces: What a detector found in the photo.
        which: "largest" (by area of the box), an index counted from left to right starting at 0, or a point (x, y) in
            photo pixels: the face whose box holds it, the smallest of several.

    Raises:
        FaceNotFoundError: There is no face, or none with this index or at this point.
        InputError: `which` is none of the three.
    """
    kind = _kind(which)
    if not faces:
        raise FaceNotFoundError(
            "No face was found in the photo.\n"
            "  A face should be uncovered and at least about 30 pixels wide; enlarge or crop the photo."
        )
    if kind == "largest":
        return max(faces, key=lambda face: face.area)
    ordered = left_to_right(faces)
    if kind == "index":
        index = int(which)  # pyright: ignore[reportArgumentType]
        if 0 <= index < len(ordered):
            return ordered[index]
        raise FaceNotFoundError(
            f"There is no face {index}: {_listed(ordered)}\n  Give an index from 0 to {len(ordered) - 1}."
        )
    point = np.asarray(which, np.float64)
    holding = [face for face in ordered if np.all(face.box[:2] <= point) and np.all(point <= face.box[2:])]
    if holding:
        return min(holding, key=lambda face: face.area)
    raise FaceNotFoundError(
        f"No face lies at ({point[0]:g}, {point[1]:g}): {_listed(ordered)}\n  Give a point inside a face, or an index."
    )


def _kind(which: object) -> str:
    if isinstance(which, str) and which == "largest":
        return "largest"
    if isinstance(which, Integral) and not isinstance(which, bool):
        return "index"
    if isinstance(which, (Sequence, np.ndarray)) and not isinstance(which, str) and len(which) == 2:
        numbers = [value for value in which if isinstance(value, Real) and not isinstance(value, bool)]
        if len(numbers) == 2 and np.isfinite(np.asarray(numbers, np.float64)).all():
            return "point"
    raise InputError(
        f'Which face? Expected "largest", an index counted from left to right such as 0, or a point (x, y); '
        f"got {which!r}."
    )


def _listed(faces: Sequence[Face]) -> str:
    centres = ", ".join(f"{i} at ({x:.0f}, {y:.0f})" for i, (x, y) in enumerate(face.centre for face in faces))
    return f"{len(faces)} {'face was' if len(faces) == 1 else 'faces were'} found, {centres}."


class FaceDetector(Protocol):
    """Finds the faces of a photo. Detectors may be shared by threads."""

    @property
    def name(self) -> str:
        """Name by which `get_detector` knows it."""
        ...

    def find(self, image: np.ndarray) -> list[Face]:
        """All faces of a photo (H, W, 3), uint8 RGB, from left to right; the empty list if there are none. Raises as
        `check_photo`.
        """
        ...


def check_photo(image: np.ndarray) -> np.ndarray:
    """The photo as it came; raises ShapeError unless it is (H, W, 3), InputError unless it is uint8."""
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ShapeError("image", "(H, W, 3), RGB, neither side 0", image.shape)
    if image.dtype != np.uint8:
        raise InputError(f"image must be uint8, 0 to 255; got {image.dtype}.")
    return image
