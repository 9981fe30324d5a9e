"""DISFA (Mavadati et al. 2013): 27 people before two cameras, twelve action units in every frame, coded by hand.

As its authors send it:

    ActionUnit_Labels/SN001/SN001_au1.txt .. SN001_au26.txt     lines "frame,intensity", frames from 1, intensities 0..5
    Videos_LeftCamera/LeftVideoSN001_comp.avi
    Video_RightCamera/RightVideoSN001_comp.avi
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from filelock import FileLock
from PIL import Image
from tqdm import tqdm

from common.core.errors import FaceNotFoundError, InputError
from common.core.files import left_out, replace_file
from common.core.fingerprint import claim
from common.core.jsonio import read_config, read_text
from common.core.records import checked
from common.faces import Crop, choose_face, get_detector
from common.faces.upright import notice
from common.facs.action_units import ACTION_UNITS
from common.imaging.image_files import suffixes
from common.imaging.images import read_image, rgb
from common.imaging.videos import read_frames
from common.weights.text_encoder import PROMPT

from .samples import Listed, Pictures, folder_of

log = logging.getLogger(__name__)

Units = tuple[float, ...]
DROPPED = "dropped.json"
LABELS = "ActionUnit_Labels"
NEUTRAL = 8305
VIDEOS = {"left": "Videos_LeftCamera/LeftVideo{}_comp.avi", "right": "Video_RightCamera/RightVideo{}_comp.avi"}


def cut_frames(source: Path, numbers: Sequence[int], size: int, target: Path) -> dict[int, Path]:
    """Crops the faces of frames into a folder, where they are not there yet; processes take turns.

    Frames without a face, and those that the video does not have (labels reach one frame further than some of DISFA's
    videos), are dropped, which is logged.

    The source is a video, or a folder of pictures whose names end in the frame's number, from 1; `size` is the side of
    the crops in pixels. Returns frame -> picture. Raises InputError: there is no such source, or the target holds faces
    of another size or source.
    """
    if not source.exists():
        raise InputError(f"There is no {source}.", code="missing")
    target.mkdir(parents=True, exist_ok=True)
    with FileLock(target / ".lock"):
        claim(target / "faces.json", {"size": size, "source": source.name}, "name another cache, or delete this one")
        known = read_config(target / DROPPED, "delete the folder") if (target / DROPPED).is_file() else {}
        dropped = {int(number): str(why) for number, why in known.items()}
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
    wanted = {number - 1 for number in numbers}  # videos count from 0
    video = ((number + 1, pixels) for number, pixels in read_frames(source, wanted=wanted) if pixels is not None)
    frames = _pictures(source, numbers) if source.is_dir() else video
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


def _pictures(folder: Path, numbers: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    places: dict[int, Path] = {}
    others: list[Path] = []
    for path in sorted(folder.iterdir()):
        found = re.findall(r"\d+", path.stem)
        if path.name.startswith(".") or path.suffix.lower() not in suffixes() or not found:
            others.append(path)
            continue
        if int(found[-1]) in places:
            both = path.name, places[int(found[-1])].name
            raise InputError(f"Two pictures in {folder} are one frame.", code="duplicate", actual=both)
        places[int(found[-1])] = path
    if line := left_out(folder, others, "numbered pictures"):
        log.warning(line)
    for number in numbers:
        if number in places:
            yield number, rgb(read_image(places[number]))


class Disfa(Pictures):
    """All frames with an active action unit, and some neutral ones, each cropped around its face.

    The faces are detected and cropped when the data set is first opened, about 25 frames a second, and cached.

    Args:
        path: folder with `ActionUnit_Labels` and the videos.
        size: S, side of the samples in pixels.
        cache: folder of the crops.
        neutral: how many frames without any action unit are drawn; the paper's number.
        seed: random seed of that drawing.
        camera: whose video.
        frames: folder with extracted frames, `SN001/...<number>.png` or .jpg, in place of the videos; the frame's
            number, from 1, is the last one in the file's name.
        subjects: only these, such as "SN001"; empty takes all.
        without: all but these.
        caption: for every frame; the data set has none.

    Raises InputError: a folder, a label file or a video is missing, or lines of labels cannot be used.
    """

    def __init__(
        self,
        path: str | Path,
        size: int,
        cache: str | Path,
        *,
        neutral: int = NEUTRAL,
        seed: int = 0,
        camera: Literal["left", "right"] = "left",
        frames: str | Path | None = None,
        subjects: Sequence[str] = (),
        without: Sequence[str] = (),
        caption: str = PROMPT,
    ) -> None:
        root = folder_of(path, f"DISFA's {LABELS} and videos")
        labels = {name: read_labels(root, name) for name in _subjects(root, subjects, without)}
        chosen = choose_frames(labels, neutral, seed)
        extracted = None if frames is None else folder_of(frames, "a folder of frames for every subject, SN001 ..")
        listed: list[Listed] = []
        for name, numbers in chosen.items():
            source = root / VIDEOS[camera].format(name) if extracted is None else extracted / name
            target = Path(cache).expanduser() / ("frames" if extracted else camera) / name
            for number, picture in cut_frames(source, numbers, size, target).items():
                listed.append(Listed(picture, caption, labels[name][number]))
        super().__init__(listed, size, Path(cache).expanduser())


def read_labels(root: Path, subject: str) -> dict[int, Units]:
    """Frame -> twelve intensities of a subject. Raises InputError: files, frames or values that cannot be used."""
    files = {name: root / LABELS / subject / f"{subject}_au{name.removeprefix('AU')}.txt" for name in ACTION_UNITS}
    missing = [path for path in files.values() if not path.is_file()]
    if missing:
        expected = "\n".join(map(str, missing))
        raise InputError(f"DISFA's labels of {subject} are not complete.", code="missing", expected=expected)
    columns = {name: _read_column(path) for name, path in files.items()}
    first = columns["AU1"]
    for name, column in columns.items():
        if column.keys() != first.keys():
            frame = min(column.keys() ^ first.keys())
            where = files["AU1"] if frame in column else files[name]
            raise InputError(f"{where} has no line for frame {frame}.", code="missing", expected=frame)
    return {frame: tuple(float(column[frame]) for column in columns.values()) for frame in first}


def choose_frames(labels: dict[str, dict[int, Units]], neutral: int, seed: int) -> dict[str, list[int]]:
    """Subject -> frames in order: all that are active, and so many neutral ones of all subjects, or all there are."""
    active = {name: [frame for frame, units in rows.items() if any(units)] for name, rows in labels.items()}
    calm = [(name, frame) for name, rows in labels.items() for frame, units in rows.items() if not any(units)]
    for place in np.random.default_rng(seed).permutation(len(calm))[:neutral]:
        name, frame = calm[place]
        active[name].append(frame)
    return {name: sorted(frames) for name, frames in active.items() if frames}


def _subjects(root: Path, only: Sequence[str], without: Sequence[str]) -> list[str]:
    folder = folder_of(root / LABELS, "a folder of label files for every subject, SN001 ..")
    present = sorted(path.name for path in folder.glob("SN*") if path.is_dir())
    for name in (*only, *without):
        if name not in present:
            raise InputError(f"{folder} lacks a subject.", code="unknown", expected=", ".join(present), actual=name)
    chosen = [name for name in only or present if name not in without]
    if not chosen:
        raise InputError(f"No subject of {folder} is left.", code="empty", actual=present)
    return chosen


def _read_column(path: Path) -> dict[int, int]:
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {path}: {error}", code="unreadable") from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    found = dict(checked(path, lines, _label))
    if len(found) != len(lines):
        raise InputError(f"{path} names a frame twice.", code="duplicate", expected=len(lines), actual=len(found))
    return found


def _label(line: str) -> tuple[int, int]:
    frame, comma, value = (part.strip() for part in line.partition(","))
    if not comma or not frame.isdecimal() or value not in ("0", "1", "2", "3", "4", "5"):
        raise InputError("the line has another form", code="format", expected="frame,intensity 0 to 5", actual=line)
    return int(frame), int(value)
