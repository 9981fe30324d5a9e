"""One video to a record, all records to the manifest, its report and a sheet; re-run it to resume."""

from __future__ import annotations

import json
import shutil
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from common.core.errors import FaceEditError, InputError
from common.core.files import alone, replace_file
from common.core.fingerprint import claim
from common.core.jsonio import read_config
from common.faces import FaceDetector
from common.facs.action_units import ACTION_UNITS, to_text, to_vector
from common.imaging.images import save_image
from common.imaging.videos import bytes_of, find_videos
from common.measure.estimators import AUEstimator, described
from common.measure.film_chart import save_chart
from common.measure.film_csv import write_csv
from common.parsing import Parser, masked_background
from common.training.sheet import sheet

from ..data import ManifestPairs
from .choose import Screened, Settings, choose
from .read import Labels, VideoReading, crops, digest_of, read_by_estimator, read_by_film

SHOWN = 12  # pairs of the sheet
SIDE = 160  # pixels of its pictures


@dataclass(frozen=True)
class Tools:
    """What a preparation sees with; pictures of different tools are not mixed.

    Attributes:
        detector: of faces; the film reader needs the points of "mediapipe".
        parser: of faces.
        estimator: measures crops; None follows one face by the film reader, see `common.measure.film`.
        labels: CSV files of another tool in place of the film reader's intensities.

    Raises InputError: labels and an estimator.
    """

    detector: FaceDetector
    parser: Parser
    estimator: AUEstimator | None = None
    labels: Labels | None = None

    def __post_init__(self) -> None:
        if self.estimator is not None and self.labels is not None:
            raise InputError(
                "Labels take the place of an estimator.", code="conflict", expected="labels, or an estimator"
            )

    @property
    def measured_by(self) -> str:
        """Where the intensities come from."""
        if self.labels is not None:
            return self.labels.name
        return "landmarker" if self.estimator is None else self.estimator.name

    @property
    def names(self) -> list[str]:
        """The names of the three."""
        return [self.detector.name, self.parser.name, self.measured_by]


def prepare(folder: Path, manifest: Path, settings: Settings, tools: Tools, *, progress: bool = True) -> dict[str, Any]:
    """Makes a manifest of the videos below a folder, with its pictures, its report and a sheet beside it.

    Beside `pairs.jsonl`: `pairs/` with the pictures and a record of each finished video, which another call skips;
    `pairs.report.json`; `pairs.sheet.png`. With the pictures of a video lie its readings, `readings.csv`, and
    `readings.png`, which shows them over time (with matplotlib installed). Each video, or folder of frames, shows one
    person, or one to follow.

    Returns:
        The report, as it is on disk.

    Raises:
        InputError: no videos, no labels, no .jsonl, or a manifest of other settings, or one that another run writes.
        FaceEditError: not one pair was found; the message says why.
    """
    folder, manifest = folder.expanduser().resolve(), manifest.expanduser().resolve()
    if manifest.suffix != ".jsonl":
        raise InputError("A manifest is a .jsonl file.", code="name", actual=str(manifest))
    if folder in manifest.parents:
        raise InputError("The manifest is in the folder of the videos.", code="conflict", actual=str(manifest))
    videos = find_videos(folder)
    if tools.labels is not None:
        tools.labels.check()
    keys = {_key(folder, video): video for video in videos}
    if len(keys) < len(videos):
        twins = [str(video) for video in videos if keys[_key(folder, video)] != video]
        raise InputError(
            "The pictures of these videos get the names of others; rename them.", code="name", actual=twins
        )
    pictures = manifest.with_suffix("")
    with alone(pictures):
        claim(
            pictures / "settings.json",
            {**asdict(settings), "tools": tools.names},
            "keep the settings, name another manifest, or delete the folder",
        )
        records = {}
        for key, video in tqdm(keys.items(), desc="Preparing videos", unit="video", disable=not progress):
            path = pictures / key / "record.json"
            kept = read_config(path, "delete it; the next run makes it again") if path.is_file() else {}
            labels = None
            error = ""
            if tools.labels is not None:
                try:
                    labels = tools.labels.of(folder, video, videos)
                except InputError as problem:
                    error = str(problem)
            same = kept.get("bytes") == bytes_of(video) and kept.get("labels") == digest_of(labels)
            if error:
                kept = _empty(video, labels) | {"error": error}
                _write(path, json.dumps(kept, indent=1))
            elif not same or kept["error"]:
                kept = _prepare_one(video, pictures / key, settings, tools, labels, progress)
                _write(path, json.dumps(kept, indent=1))
            records[key] = kept
        report = {"action_units_by": described(tools.measured_by), **summary(records)}
        _write(manifest.with_suffix(".report.json"), json.dumps(report, indent=1))
        rows = [row for record in records.values() for row in record["pairs"]]
        if not rows:
            raise FaceEditError(f"No pair was found.\n{table(report)}", code="empty")
        _write(manifest, "".join(json.dumps(row) + "\n" for row in rows))
        write_sheet(manifest, manifest.with_suffix(".sheet.png"))
        return report


def _empty(video: Path, labels: Path | None) -> dict[str, Any]:
    """The record of a video of which nothing is known yet."""
    return {
        "bytes": bytes_of(video),
        "labels": digest_of(labels),
        "error": "",
        "notes": [],
        "frames": 0,
        "kept": 0,
        "dropped": {},
        "not_measured": [],
        "pairs": [],
    }


def _prepare_one(
    video: Path, target: Path, settings: Settings, tools: Tools, labels: Path | None, progress: bool
) -> dict[str, Any]:
    """Writes the pictures of a video's pairs into a new folder `target`, and returns its record."""
    shutil.rmtree(target, ignore_errors=True)  # pictures of a preparation that stopped
    record = _empty(video, labels)
    bar = partial(tqdm, unit="frame", leave=False, disable=not progress)
    try:
        if tools.estimator is None:
            reading = read_by_film(video, settings, tools.detector, labels, bar)
        else:
            reading = read_by_estimator(video, settings, tools.detector, tools.estimator, bar)
    except InputError as error:
        return record | {"error": str(error)}
    numbers = list(reading.units)
    units = np.array([reading.units[n] for n in numbers]).reshape(-1, len(ACTION_UNITS))
    angles = np.array([reading.angles[n] for n in numbers]).reshape(-1, 3)
    chosen = choose(units, angles, settings, zlib.crc32(target.name.encode()))
    pairs = sorted((numbers[i], numbers[j]) for i, j in chosen)
    _write_pictures(video, target, reading.screened, pairs, settings, tools.parser)
    _write_readings(video, target, reading, pairs, settings)
    known = [bool(np.isfinite(units[:, column]).any()) for column in range(len(ACTION_UNITS))]
    return record | {
        "notes": list(reading.notes),
        "frames": len(reading.screened.faces) + reading.screened.dropped.total() - _measured_in_vain(reading),
        "kept": len(units),
        "dropped": dict(sorted(reading.screened.dropped.items())),
        "not_measured": [name for name, found in zip(ACTION_UNITS, known) if not found] if len(units) else [],
        "pairs": [_row(target, source, to, reading.units, settings) for source, to in pairs],
    }


def _measured_in_vain(reading: VideoReading) -> int:
    """Frames that an estimator could not measure: they are screened, and dropped too."""
    return len(reading.screened.faces) - len(reading.units)


def _write_readings(
    video: Path, target: Path, reading: VideoReading, pairs: list[tuple[int, int]], settings: Settings
) -> None:
    """The video's CSV and picture; nothing from an AU estimator."""
    if reading.tracks is None or not len(reading.tracks):
        return
    target.mkdir(parents=True, exist_ok=True)
    write_csv(reading.tracks, target / "readings.csv", settings.format)
    save_chart(reading.tracks, target / "readings.png", pairs, video.name)


def _write_pictures(
    video: Path, target: Path, screened: Screened, pairs: list[tuple[int, int]], settings: Settings, parser: Parser
) -> None:
    behind = {pair[settings.conditioning_image == "target"] for pair in pairs if settings.conditioning_image != "photo"}
    for number, crop in crops(video, screened, {number for pair in pairs for number in pair}):
        save_image(Image.fromarray(crop), target / _name(number))
        if number in behind and screened.crop is not None:
            face = screened.faces[number].mapped(screened.crop.matrix)
            labels = parser.parse(crop, outline=face.outline, landmarks=face.landmarks)
            background = masked_background(crop, labels, face.landmarks, face.points, settings.region)
            save_image(Image.fromarray(background), target / _name(number, "-background"))


def _row(target: Path, source: int, to: int, units: dict[int, np.ndarray], settings: Settings) -> dict[str, Any]:
    place = f"{target.parent.name}/{target.name}"

    def intensities(number: int) -> dict[str, float]:
        return {name: float(value) for name, value in zip(ACTION_UNITS, units[number]) if value > 0}

    background = _name(
        to if settings.conditioning_image == "target" else source,
        "" if settings.conditioning_image == "photo" else "-background",
    )
    return {
        "source": f"{place}/{_name(source)}",
        "target": f"{place}/{_name(to)}",
        "au_source": intensities(source),
        "au_target": intensities(to),
        "background": f"{place}/{background}",
        "person": target.name,
    }


def _name(number: int, kind: str = "") -> str:
    return f"{number:06d}{kind}.png"


def _key(folder: Path, video: Path) -> str:
    """Name of a video's pictures: its path below the folder as one name."""
    return "--".join(video.relative_to(folder).parts) or folder.name


def _write(path: Path, text: str) -> None:
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def summary(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The report of a preparation, ready for JSON; `records` is name -> the record of a video."""
    dropped: Counter[str] = Counter()
    units = {name: {"rises": 0, "falls": 0, "largest": 0.0} for name in ACTION_UNITS}
    for record in records.values():
        dropped.update(record["dropped"])
        for row in record["pairs"]:
            before, after = to_vector(row["au_source"]), to_vector(row["au_target"])
            for count, change in zip(units.values(), (b - a for a, b in zip(before, after))):
                count["rises" if change > 0 else "falls"] += abs(change) >= 1
                count["largest"] = round(max(count["largest"], abs(change)), 3)
    return {
        "videos": len(records),
        "unreadable": {name: record["error"] for name, record in records.items() if record["error"]},
        "notes": {name: record["notes"] for name, record in records.items() if record["notes"]},
        "not_measured": [
            name
            for name in ACTION_UNITS
            if any(record["kept"] for record in records.values())
            and all(name in record["not_measured"] for record in records.values() if record["kept"])
        ],
        "without_pairs": [name for name, record in records.items() if not record["error"] and not record["pairs"]],
        "frames": sum(record["frames"] for record in records.values()),
        "kept": sum(record["kept"] for record in records.values()),
        "dropped": dict(dropped.most_common()),
        "pairs": sum(len(record["pairs"]) for record in records.values()),
        "units": units,
        "by_video": {
            name: {key: record[key] for key in ("frames", "kept", "dropped")} | {"pairs": len(record["pairs"])}
            for name, record in records.items()
        },
    }


def table(report: Mapping[str, Any]) -> str:
    """The report as text."""
    lines = [
        f"{report['videos']} videos, {len(report['unreadable'])} unreadable, {len(report['without_pairs'])} without"
        " a pair",
        f"{report['frames']} frames looked at, {report['kept']} kept",
        *(f"  {count:8d}  {reason}" for reason, count in report["dropped"].items()),
        f"action units measured by {report['action_units_by']}",
        f"{report['pairs']} pairs; those in which a unit changes by 1 and more:",
        "  unit   rises  falls  largest",
        *(
            f"  {name:5s} {count['rises']:6d} {count['falls']:6d} {count['largest']:8.2f}"
            for name, count in report["units"].items()
        ),
        *(f"no frame tells {name}; pairs take it for unchanged" for name in report["not_measured"]),
        *(f"{name}: {note}" for name, notes in report["notes"].items() for note in notes),
        *(error for error in report["unreadable"].values()),
    ]
    return "\n".join(lines)


def write_sheet(manifest: Path, target: Path) -> None:
    """A sheet of pairs from all over the manifest, read as a training reads them."""
    pairs = ManifestPairs(manifest, SIDE)
    shown = [pairs[i * len(pairs) // min(SHOWN, len(pairs))] for i in range(min(SHOWN, len(pairs)))]
    columns = {
        "source": torch.stack([pair["source"] for pair in shown]),
        "target": torch.stack([pair["target"] for pair in shown]),
        "background": torch.stack([pair["conditioning_images"][0] for pair in shown]),
    }
    page = sheet(columns, [to_text([round(v, 1) for v in pair["vector"].tolist()]) for pair in shown])
    replace_file(target, page.save)
