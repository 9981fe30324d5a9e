"""One video to a record, all records to the manifest; goes on where it was stopped."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.core.errors import FaceEditError, FaceNotFoundError, InputError
from common.core.files import alone, replace_file
from common.core.fingerprint import claim
from common.core.jsonio import read_config
from common.faces import FaceDetector
from common.facs.action_units import ACTION_UNITS
from common.imaging.images import save_image
from common.imaging.videos import bytes_of, find_videos, read_frames
from common.measure.estimators import described
from common.parsing import Parser, masked_background

from .choose import Screened, Settings, choose, screen
from .report import summary, table, write_sheet


class Measured(Protocol):
    """What an estimator says of a picture."""

    @property
    def units(self) -> np.ndarray:
        """(12,) intensities of the action units."""
        ...

    @property
    def angles(self) -> np.ndarray:
        """(3,) degrees: yaw, pitch, roll."""
        ...


AUEstimator = Callable[[np.ndarray], Measured]
"""Reads a picture (H, W, 3) uint8; raises a FaceNotFoundError where it sees no face."""


@dataclass(frozen=True)
class Tools:
    """Who finds faces, who parses them, and who measures them.

    `names` are those of the three; pictures made by others are not mixed.
    """

    detector: FaceDetector
    parser: Parser
    estimator: AUEstimator
    names: tuple[str, str, str]


def prepare(folder: Path, manifest: Path, settings: Settings, tools: Tools, *, progress: bool = True) -> dict[str, Any]:
    """Makes a manifest of the videos below a folder, with its pictures, its report and a sheet beside it.

    Beside `pairs.jsonl`: `pairs/` with the pictures and a record of each finished video, which another call does not
    do again; `pairs.report.json`; `pairs.sheet.png`.

    Each video, or folder of frames, shows one person; the manifest is a .jsonl file to write.

    Returns:
        The report, as it is on disk.

    Raises:
        InputError: no videos, no .jsonl, or a manifest that other settings began, or another run writes.
        FaceEditError: not one pair was found; the message says why.
    """
    folder, manifest = folder.expanduser().resolve(), manifest.expanduser().resolve()
    if manifest.suffix != ".jsonl":
        raise InputError(f"A manifest is a .jsonl file; got {manifest}.")
    if folder in manifest.parents:
        raise InputError(f"{manifest} lies in the folder of the videos, where its pictures would pass for one.")
    videos = find_videos(folder)
    keys = {_key(folder, video): video for video in videos}
    if len(keys) < len(videos):
        twins = [str(video) for video in videos if keys[_key(folder, video)] != video]
        raise InputError(f"Other videos' pictures would get the same names; rename {', '.join(twins)}.")
    pictures = manifest.with_suffix("")
    with alone(pictures):
        claim(
            pictures / "settings.json",
            {**asdict(settings), "tools": list(tools.names)},
            "go on with the old settings, name another manifest, or delete the folder",
        )
        records = {}
        for key, video in tqdm(keys.items(), desc="Preparing videos", unit="video", disable=not progress):
            path = pictures / key / "record.json"
            kept = read_config(path, "delete it, and it is made again") if path.is_file() else {}
            if kept.get("bytes") != bytes_of(video) or kept["error"]:
                kept = _prepare_one(video, pictures / key, settings, tools, progress)
                replace_file(path, partial(_write_json, kept))
            records[key] = kept
        report = {"action_units_by": described(tools.names[2]), **summary(records)}
        replace_file(manifest.with_suffix(".report.json"), partial(_write_json, report))
        rows = [row for record in records.values() for row in record["pairs"]]
        if not rows:
            raise FaceEditError(f"No pair was found.\n{table(report)}")
        text = "".join(json.dumps(row) + "\n" for row in rows)
        replace_file(manifest, lambda path: path.write_text(text, encoding="utf-8"))
        write_sheet(manifest, manifest.with_suffix(".sheet.png"))
        return report


def _prepare_one(video: Path, target: Path, settings: Settings, tools: Tools, progress: bool) -> dict[str, Any]:
    """Writes the pictures of a video's pairs into a new folder `target`, and returns its record."""
    shutil.rmtree(target, ignore_errors=True)  # what a stopped preparation left
    record: dict[str, Any] = {"bytes": bytes_of(video), "error": "", "frames": 0, "kept": 0, "dropped": {}, "pairs": []}
    bar = partial(tqdm, unit="frame", leave=False, disable=not progress)
    try:
        screened = screen(
            bar(read_frames(video, settings.every), desc=f"{video.name}: faces"), tools.detector, settings
        )
    except InputError as error:
        return record | {"error": str(error)}
    looked_at = len(screened.faces) + screened.dropped.total()
    crops = bar(_crops(video, screened), desc=f"{video.name}: expressions", total=len(screened.faces))
    units, angles = {}, {}
    for number, crop in crops:
        try:
            found = tools.estimator(crop)
        except FaceNotFoundError:
            screened.dropped["not measured"] += 1
            continue
        # Rounded here, so that what is chosen by is what is written; below 0 are the antagonist's, which has a place
        # of its own.
        units[number] = np.asarray(found.units, np.float64).clip(0, 5).round(3)
        angles[number] = np.asarray(found.angles, np.float64)
    numbers = list(units)
    chosen = choose(
        np.array([units[n] for n in numbers]).reshape(-1, len(ACTION_UNITS)),
        np.array([angles[n] for n in numbers]).reshape(-1, 3),
        settings,
        zlib.crc32(target.name.encode()),
    )
    pairs = sorted((numbers[i], numbers[j]) for i, j in chosen)
    _write_pictures(video, target, screened, pairs, settings, tools.parser)
    return record | {
        "frames": looked_at,
        "kept": len(units),
        "dropped": dict(sorted(screened.dropped.items())),
        "pairs": [_row(target, source, to, units, settings) for source, to in pairs],
    }


def _crops(video: Path, screened: Screened, wanted: Collection[int] | None = None) -> Iterator[tuple[int, np.ndarray]]:
    numbers = set(screened.faces if wanted is None else wanted)
    for number, frame in read_frames(video, wanted=numbers):
        if screened.crop is not None and frame is not None:
            yield number, screened.crop.apply(frame)


def _write_pictures(
    video: Path, target: Path, screened: Screened, pairs: list[tuple[int, int]], settings: Settings, parser: Parser
) -> None:
    behind = {pair[settings.guide == "target"] for pair in pairs if settings.guide != "photo"}
    for number, crop in _crops(video, screened, {number for pair in pairs for number in pair}):
        save_image(Image.fromarray(crop), target / _name(number))
        if number in behind and screened.crop is not None:
            face = screened.faces[number].mapped(screened.crop.matrix)
            labels = parser.parse(crop, outline=face.outline, landmarks=face.landmarks)
            background = masked_background(crop, labels, face.landmarks, face.points, settings.region)
            save_image(Image.fromarray(background), target / _name(number, "-background"))


def _row(target: Path, source: int, to: int, units: dict[int, np.ndarray], settings: Settings) -> dict[str, Any]:
    place = f"{target.parent.name}/{target.name}"

    def intensities(number: int) -> dict[str, float]:
        return {name: float(value) for name, value in zip(ACTION_UNITS, units[number]) if value}

    guide = _name(to if settings.guide == "target" else source, "" if settings.guide == "photo" else "-background")
    return {
        "source": f"{place}/{_name(source)}",
        "target": f"{place}/{_name(to)}",
        "au_source": intensities(source),
        "au_target": intensities(to),
        "background": f"{place}/{guide}",
        "person": target.name,
    }


def _name(number: int, kind: str = "") -> str:
    return f"{number:06d}{kind}.png"


def _key(folder: Path, video: Path) -> str:
    """Name of a video's pictures: its path below the folder in one word."""
    return "--".join(video.relative_to(folder).parts) or folder.name


def _write_json(value: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")
