"""How a face is turned, from its points: a rigid fit of MediaPipe's canonical face."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..core.errors import CheckpointError, ShapeError
from .landmarker import GEOMETRY, part

PROFILE = 60.0
"""Degrees of yaw beyond which half of the face is hidden, and its points are guesses."""


@dataclass(frozen=True)
class HeadPose:
    """Where a head is turned, degrees, as `face3d.camera.rotation_matrix` counts them.

    Attributes:
        yaw: positive turns the face to the picture's right.
        pitch: positive looks up.
        roll: positive tilts the head's top to the picture's left.
    """

    yaw: float
    pitch: float
    roll: float

    @property
    def profile(self) -> bool:
        """Whether the face is turned so far aside that it cannot be read."""
        return abs(self.yaw) > PROFILE


def head_pose(points: np.ndarray) -> HeadPose:
    """The pose of a face's points.

    The canonical face is moved, turned and scaled to the points, those weighted that no expression moves far. The
    camera is taken for far away, so that a face beside the picture's middle seems turned by as much as it is seen from
    aside.

    Args:
        points: (468 or 478, 3) as in `Face.mesh`: pixels, depth too and smaller towards the camera.

    Raises:
        ShapeError: the points have another shape.
        MissingDependencyError: the Face Landmarker's file is not on this machine.
    """
    if points.ndim != 2 or len(points) not in (468, 478) or points.shape[1] != 3:
        raise ShapeError("points", "(468, 3) or (478, 3)", points.shape)
    face, rows, weights = canonical()
    source = face[rows]
    target = points[rows].astype(np.float64) * [1.0, -1.0, -1.0]  # up and towards the camera are positive in the face
    source = source - weights @ source
    target = target - weights @ target
    u, _, vt = np.linalg.svd((target * weights[:, None]).T @ source)
    turn = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    yaw = math.asin(float(np.clip(-turn[2, 0], -1.0, 1.0)))
    pitch = -math.atan2(turn[2, 1], turn[2, 2])
    roll = math.atan2(turn[1, 0], turn[0, 0])
    return HeadPose(math.degrees(yaw), math.degrees(pitch), math.degrees(roll))


def straightened(points: np.ndarray, pose: HeadPose, *, roll_only: bool = False) -> np.ndarray:
    """Points (N, 3) of a face, as in `Face.mesh`, turned back about their middle to look straight ahead.

    With `roll_only`, the face is brought upright and keeps its yaw and pitch.
    """
    yaw, pitch = (0.0, 0.0) if roll_only else (math.radians(pose.yaw), math.radians(-pose.pitch))
    roll = math.radians(pose.roll)
    about_z = np.array([[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]])
    about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    axes = np.array([1.0, -1.0, -1.0])
    upwards = points.astype(np.float64) * axes
    middle = upwards.mean(axis=0)
    turned = (upwards - middle) @ (about_z @ about_y @ about_x) + middle
    return (turned * axes).astype(np.float32)


@lru_cache(maxsize=1)
def canonical() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The canonical face: points (468, 3) in centimetres, x to the picture's right, y up, z towards the camera; the
    rows (N,) of those by which a pose is found, and their weights (N,), which sum to 1.
    """
    vertices, rows, weights = np.zeros((0, 5), np.float32), [], []
    try:
        for number, value in _fields(part(GEOMETRY)):
            if number == 1 and isinstance(value, bytes):
                numbers = [each for key, each in _fields(value) if key == 3]
                vertices = np.array(numbers, np.float32).reshape(-1, 5)  # a position and a place in a texture each
            elif number == 2 and isinstance(value, bytes):
                entry = dict(_fields(value))
                rows.append(int(entry[1]))
                weights.append(float(entry[2]))
    except (IndexError, KeyError, ValueError, struct.error) as error:
        raise CheckpointError(f"{GEOMETRY} of the Face Landmarker cannot be read: {error}") from error
    if vertices.shape != (468, 5) or not rows:
        raise CheckpointError(f"{GEOMETRY} of the Face Landmarker has no canonical face of 468 points.")
    shares = np.array(weights, np.float64)
    return vertices[:, :3].astype(np.float64), np.array(rows), shares / shares.sum()


def _fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """The numbered fields of a message of protocol buffers: whole numbers, float32 numbers, and bytes."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield key >> 3, value
        elif kind == 2:
            length, place = _varint(message, place)
            yield key >> 3, message[place : place + length]
            place += length
        elif kind == 5:
            yield key >> 3, struct.unpack_from("<f", message, place)[0]
            place += 4
        else:
            raise ValueError(f"field of wire type {kind}")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """A whole number of seven bits a byte, and the place after it."""
    value, shift = 0, 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place
