"""The videos of a folder, and their frames. A folder of pictures is a video too."""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

from ..core.errors import ImageError, InputError
from ..core.files import files_below, left_out
from .image_files import suffixes
from .images import read_image, rgb

log = logging.getLogger(__name__)

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


def read_frames(
    video: Path, every: int = 1, wanted: Collection[int] | None = None
) -> Iterator[tuple[int, np.ndarray | None]]:
    """Numbers, from 0, and frames (H, W, 3) uint8 RGB of a video in their order; None for one that cannot be read.

    The video is a file or a folder of pictures; of its frames come only each n-th of `every`, and only the `wanted`
    numbers. Raises InputError: OpenCV cannot open it.
    """
    end = max(wanted, default=-1) if wanted is not None else None
    frames = _of_folder(video) if video.is_dir() else _of_file(video)
    with closing(frames):
        for number, read in frames:
            if end is not None and number > end:
                return
            if number % every == 0 and (wanted is None or number in wanted):
                yield number, read()


Reader = Callable[[], "np.ndarray | None"]


def _of_file(video: Path) -> Generator[tuple[int, Reader], None, None]:
    """Numbers, and what decodes each frame: most are passed over."""
    capture = cv2.VideoCapture(str(video))
    try:
        if not capture.isOpened() or not capture.grab():
            raise InputError(f"OpenCV cannot read {video} as a video.", code="unreadable")

        def read() -> np.ndarray | None:
            whole, frame = capture.retrieve()
            return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) if whole else None

        yield 0, read
        for number in itertools.takewhile(lambda _: capture.grab(), itertools.count(1)):
            yield number, read
    finally:
        capture.release()


def _of_folder(video: Path) -> Generator[tuple[int, Reader], None, None]:
    for number, path in enumerate(pictures_of(video)):

        def read(path: Path = path) -> np.ndarray | None:
            try:
                return rgb(read_image(path))
            except ImageError:
                return None

        yield number, read


def pictures_of(folder: Path) -> list[Path]:
    """The pictures of a folder in the order of the numbers in their names: 9.png before 10.png."""
    shown = (path for path in folder.iterdir() if not path.name.startswith("."))
    found = [path for path in shown if path.suffix.lower() in suffixes() and path.is_file()]
    return sorted(
        found, key=lambda path: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]
    )
