"""Clips of faces: frames, and the onset, apex and offset of the expression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from common.core.errors import FaceNotFoundError, ImageError, InputError, ShapeError
from common.faces import FaceDetector, choose_face
from common.faces.affine import quarter_turn
from common.faces.upright import notice
from common.imaging.image_files import is_encoded
from common.imaging.images import ImageLike, read_image, rgb
from common.imaging.videos import read_frames

SIDE, TOP, LEFT = 2.24, 0.233, 0.497
"""Side of the square in distances from the eyes to the mouth, and the position of the middle of the eyes in it, as
measured on 18 synthetic clips."""


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames of one face, and the times of its expression.

    Attributes:
        frames: (T, H, W, 3) uint8 RGB, T at least 2.
        onset: row of the first frame of the expression.
        apex: row of the strongest frame; None if unknown, see `flow.flow_sizes`.
        offset: row of the last frame of the expression; -1 is that of the clip.
        fps: frames per second, above 0.

    Raises:
        ShapeError: frames of another shape.
        InputError: one frame (code "count"), times not in order within the clip ("order"), or fps out of range
            ("range").
    """

    frames: np.ndarray = field(repr=False)
    onset: int = 0
    apex: int | None = None
    offset: int = -1
    fps: float = 100.0
    name: str = "the clip"

    def __post_init__(self) -> None:
        frames = self.frames
        if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
            raise ShapeError(f"{self.name}: frames", "(T, H, W, 3) uint8", frames.shape, f"dtype: {frames.dtype}")
        if len(frames) < 2:
            raise InputError(f"{self.name}: motion needs two frames or more.", code="count", actual=len(frames))
        if self.offset == -1:
            object.__setattr__(self, "offset", len(frames) - 1)
        apex = self.onset if self.apex is None else self.apex
        if not 0 <= self.onset <= apex <= self.offset < len(frames) or self.onset == self.offset:
            needed = f"0 <= onset <= apex <= offset < {len(frames)}, onset < offset"
            times = (self.onset, self.apex, self.offset)
            raise InputError(f"{self.name}: times are out of order.", code="order", expected=needed, actual=times)
        if not 0 < self.fps < float("inf"):
            raise InputError(f"{self.name}: fps is out of range.", code="range", expected="above 0", actual=self.fps)

    def __len__(self) -> int:
        return len(self.frames)


def read_clip(
    source: str | Path | Sequence[ImageLike] | np.ndarray,
    *,
    onset: int = 0,
    apex: int | None = None,
    offset: int = -1,
    fps: float = 100.0,
) -> Clip:
    """A clip of a folder of pictures (in the order of the numbers in their names), a video file, or arrays.

    The source is a path; uint8 (T, H, W) or (T, H, W, 3); or a sequence of pictures in any form that
    `common.imaging.images.read_image` reads. For the other arguments see `Clip`.

    Raises:
        InputError: nothing at the path (code "missing"), another type ("type"), no frames ("empty"), or see `Clip`.
        ImageError: a frame cannot be read.
        ShapeError: frames of different sizes; the message names the frame.
    """
    if isinstance(source, (str, Path)):
        path = Path(source)
        if not path.exists():
            raise InputError(f"{path} does not exist.", code="missing", expected="a folder of pictures or a video file")
        name, frames = str(path), []
        for number, frame in read_frames(path):
            if frame is None:
                raise ImageError(f"{path}: frame {number} cannot be read.")
            frames.append(frame)
    else:
        if is_encoded(source) or not hasattr(source, "__iter__"):
            needed = "the path of a folder or of a video, or frames in a list"
            raise InputError("This is not a clip.", code="type", expected=needed, actual=type(source).__name__)
        name = "the clip"
        frames = [each if isinstance(each, np.ndarray) else rgb(read_image(each)) for each in source]
    if not frames:
        raise InputError(f"{name} has no frames.", code="empty")
    frames = [np.repeat(frame[..., None], 3, 2) if frame.ndim == 2 else frame for frame in frames]
    for number, frame in enumerate(frames):
        if frame.shape != frames[0].shape:
            raise ShapeError(f"{name}: frame {number}", f"as frame 0, {frames[0].shape}", frame.shape)
    return Clip(np.stack(frames), onset, apex, offset, fps, name)


def cut_face(frames: np.ndarray, detector: FaceDetector, name: str = "the clip") -> np.ndarray:
    """(T, S, S, 3) of (T, H, W, 3): the square of the largest face of the first frame, from brows to chin, upright, at
    the same place in all frames; outside of the picture its border is repeated.

    Raises FaceNotFoundError: no face in the first frame.
    """
    faces = detector.find(frames[0])
    if not faces:
        raise FaceNotFoundError(f"No face in the first frame of {name}.", expected="a face seen from the front")
    face = choose_face(faces)
    notice(face, f"the face of {name}")
    upright = face.mapped(quarter_turn(face.turns, (frames.shape[2], frames.shape[1])))
    points, frames = upright.landmarks, np.rot90(frames, face.turns, axes=(1, 2))
    eyes, mouth = (points[36:42].mean(0) + points[42:48].mean(0)) / 2, points[48:68].mean(0)
    side = max(24, round(float(SIDE * np.linalg.norm(mouth - eyes))))
    left, top = (round(float(eyes[axis] - part * side)) for axis, part in ((0, LEFT), (1, TOP)))
    height, width = frames.shape[1:3]
    over = [max(0, -top), max(0, top + side - height), max(0, -left), max(0, left + side - width)]
    padded = np.pad(frames, ((0, 0), (over[0], over[1]), (over[2], over[3]), (0, 0)), "edge")
    row, column = top + over[0], left + over[2]
    return np.stack([frame[row : row + side, column : column + side] for frame in padded])
