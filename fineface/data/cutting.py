"""Frames of a video, or a folder of them, to faces: found, cut out once, and kept."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from filelock import FileLock
from PIL import Image
from tqdm import tqdm

from common.core.errors import FaceNotFoundError, InputError
from common.core.files import left_out, replace_file
from common.core.fingerprint import claim
from common.core.jsonio import read_config
from common.faces import Crop, choose_face, get_detector
from common.faces.upright import notice
from common.imaging.image_files import suffixes
from common.imaging.images import read_image, rgb
from common.imaging.videos import read_frames

log = logging.getLogger(__name__)

DROPPED = "dropped.json"


def cut_frames(source: Path, numbers: Sequence[int], size: int, target: Path) -> dict[int, Path]:
    """Cuts the face out of every frame that is asked for and not there yet; processes take turns.

    Frames without a face, and those that the video does not have (labels reach one frame further than some of DISFA's
    videos), are dropped, and told in a warning.

    The source is a video, or a folder of pictures whose names end in the frame's number, from 1; `size` is the side of
    the faces in pixels.

    Returns:
        Frame -> picture, of those that have a face.

    Raises:
        InputError: there is no such source, or the target holds faces of another size or source.
    """
    if not source.exists():
        raise InputError(f"There is no {source}; its frames were asked for.")
    target.mkdir(parents=True, exist_ok=True)
    with FileLock(target / ".lock"):
        claim(target / "faces.json", {"size": size, "source": source.name}, "name another cache, or delete this one")
        dropped = {}
        if (target / DROPPED).is_file():
            dropped = {
                int(number): str(why) for number, why in read_config(target / DROPPED, "delete the folder").items()
            }
        missing = [n for n in numbers if n not in dropped and not place(target, n).is_file()]
        if missing:
            dropped |= _cut(source, missing, size, target)
            text = json.dumps({str(number): why for number, why in sorted(dropped.items())}, indent=1) + "\n"
            replace_file(target / DROPPED, lambda path: path.write_text(text, encoding="utf-8"))
    gone = [dropped[n] for n in numbers if n in dropped]
    if gone:
        reasons = ", ".join(f"{gone.count(why)} {why}" for why in sorted(set(gone)))
        log.warning("%s: %d of %d frames are left out: %s", source.name, len(gone), len(numbers), reasons)
    return {n: place(target, n) for n in numbers if n not in dropped}


def place(target: Path, number: int) -> Path:
    """Where a frame's face lies."""
    return target / f"{number:06d}.png"


def _cut(source: Path, numbers: Sequence[int], size: int, target: Path) -> dict[int, str]:
    frames = _pictures(source, numbers) if source.is_dir() else _video(source, numbers)
    detector = get_detector()
    dropped = dict.fromkeys(numbers, "without a picture")
    seen: set[int] = set()
    for number, pixels in tqdm(frames, desc=f"Cutting {source.stem}", total=len(numbers), unit="face"):
        try:
            face = choose_face(detector.find(pixels))
        except FaceNotFoundError:
            dropped[number] = "without a face"
            continue
        if face.turns not in seen:
            notice(face, f"the face of {source.name}")
            seen.add(face.turns)
        crop = Crop.around(face.box, (pixels.shape[1], pixels.shape[0]), size, turns=face.turns)
        replace_file(place(target, number), partial(Image.fromarray(crop.apply(pixels)).save, compress_level=4))
        del dropped[number]
    return dropped


def _video(video: Path, numbers: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    for number, pixels in read_frames(video, wanted={number - 1 for number in numbers}):  # it counts from 0
        if pixels is not None:
            yield number + 1, pixels


def _pictures(folder: Path, numbers: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    places: dict[int, Path] = {}
    others: list[Path] = []
    for path in sorted(folder.iterdir()):
        found = re.findall(r"\d+", path.stem)
        if path.name.startswith(".") or path.suffix.lower() not in suffixes() or not found:
            others.append(path)
            continue
        if int(found[-1]) in places:
            raise InputError(f"{path.name} and {places[int(found[-1])].name} in {folder} are the same frame.")
        places[int(found[-1])] = path
    if line := left_out(folder, others, "numbered pictures"):
        log.warning(line)
    for number in numbers:
        if number in places:
            yield number, rgb(read_image(places[number]))
