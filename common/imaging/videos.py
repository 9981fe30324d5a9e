"""The videos of a folder, and their frames. A folder of pictures is a video too."""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..core.errors import ImageError, InputError
from ..core.files import files_below, left_out
from .image_files import suffixes
from .images import read_image, rgb

log = logging.getLogger(__name__)

FOLDER_RATE = 25.0
"""Frames a second that a folder of pictures is taken for, as it has no time of its own."""
VIDEOS = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"}


def find_videos(folder: Path) -> list[Path]:
    """All videos below a folder, by name: files of `VIDEOS`, and folders that hold two pictures or more. Raises
    InputError: no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", code="missing")
    found: list[Path] = []
    others: list[Path] = []
    pictures: dict[Path, list[Path]] = {}
    for path in files_below(folder):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            others.append(path)
        elif path.suffix.lower() in VIDEOS:
            found.append(path)
        elif path.suffix.lower() in suffixes():
            pictures.setdefault(path.parent, []).append(path)
        else:
            others.append(path)
    found += [parent for parent, frames in pictures.items() if len(frames) > 1]
    others += [path for frames in pictures.values() if len(frames) == 1 for path in frames]
    if line := left_out(folder, others, "videos or folders of frames"):
        log.warning(line)
    if not found:
        expected = f"files {', '.join(sorted(VIDEOS))}, or a folder of frames (.jpg, .png, ...) for each person"
        raise InputError(f"{folder} holds no videos.", code="empty", expected=expected)
    return sorted(found)


def bytes_of(video: Path) -> int:
    """How large a video is, by which a changed one is known."""
    return sum(path.stat().st_size for path in (pictures_of(video) if video.is_dir() else [video]))


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a video.

    Attributes:
        number: counted from 0 over all frames of the video.
        time: seconds after the first frame, by the container's own time stamps; a folder has `FOLDER_RATE`.
        pixels: (H, W, 3) uint8 RGB, upright as the container's display matrix says; None for a frame that cannot be
            read.
    """

    number: int
    time: float
    pixels: np.ndarray | None


def read_frames(
    video: Path, every: int = 1, wanted: Collection[int] | None = None
) -> Iterator[tuple[int, np.ndarray | None]]:
    """Numbers, from 0, and frames (H, W, 3) uint8 RGB of a video in their order; None for one that cannot be read.

    The video is a file or a folder of pictures; of its frames come only each n-th of `every`, and only the `wanted`
    numbers. Raises InputError: OpenCV cannot open it.
    """
    for frame in timed_frames(video, every, wanted):
        yield frame.number, frame.pixels


def timed_frames(video: Path, every: int = 1, wanted: Collection[int] | None = None) -> Iterator[Frame]:
    """The frames of a video with their times; takes and raises what `read_frames` does."""
    end = max(wanted, default=-1) if wanted is not None else None
    frames = _of_folder(video) if video.is_dir() else _of_file(video)
    with closing(frames):
        for number, time, read in frames:
            if end is not None and number > end:
                return
            if number % every == 0 and (wanted is None or number in wanted):
                yield Frame(number, time, read())


def frame_count(video: Path) -> int:
    """How many frames a video states; 0 where it does not. Raises InputError: OpenCV cannot open it."""
    if video.is_dir():
        return len(pictures_of(video))
    capture = _opened(video)
    try:
        return max(0, round(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
    finally:
        capture.release()


def _opened(video: Path) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(str(video))
    if not capture.isOpened():
        capture.release()
        raise InputError(
            f"OpenCV cannot read {video} as a video.",
            code="unreadable",
            expected="a file with pictures, written to its end",
            hint="a file of sound alone has no frames, and one that was cut off may lack its index: copy it again",
        )
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # films of telephones lie on their side and say so
    return capture


Reader = Callable[[], "np.ndarray | None"]


def _of_file(video: Path) -> Generator[tuple[int, float, Reader], None, None]:
    """Numbers, times, and what decodes each frame: most are passed over."""
    capture = _opened(video)
    try:
        if not capture.grab():
            raise InputError(
                f"OpenCV cannot read {video} as a video.", code="unreadable", expected="one frame at least", actual=0
            )
        first = capture.get(cv2.CAP_PROP_POS_MSEC)

        def read() -> np.ndarray | None:
            whole, frame = capture.retrieve()
            return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) if whole else None

        yield 0, 0.0, read
        for number in itertools.takewhile(lambda _: capture.grab(), itertools.count(1)):
            yield number, (capture.get(cv2.CAP_PROP_POS_MSEC) - first) / 1000, read
    finally:
        capture.release()


def _of_folder(video: Path) -> Generator[tuple[int, float, Reader], None, None]:
    for number, path in enumerate(pictures_of(video)):

        def read(path: Path = path) -> np.ndarray | None:
            try:
                return rgb(read_image(path))
            except ImageError:
                return None

        yield number, number / FOLDER_RATE, read


def pictures_of(folder: Path) -> list[Path]:
    """The pictures of a folder in the order of the numbers in their names: 9.png before 10.png."""
    shown = (path for path in folder.iterdir() if not path.name.startswith("."))
    found = [path for path in shown if path.suffix.lower() in suffixes() and path.is_file()]
    return sorted(
        found, key=lambda path: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]
    )
