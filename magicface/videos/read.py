"""The readings of one video, by the film reader, by the labels of another tool, or by an AU estimator."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from common.core.errors import FaceNotFoundError, InputError
from common.core.files import sha256
from common.editing.options import read_face
from common.faces import FaceDetector
from common.facs.action_units import ACTION_UNITS
from common.imaging.videos import read_frames, timed_frames
from common.measure.estimators import AUEstimator
from common.measure.film import FilmReader, FilmReading, Tracks, broken_off
from common.measure.film_csv import matched, read_csv

from .choose import Screened, Screening, Settings, screen

Bar = Callable[..., Iterable[Any]]


@dataclass(frozen=True)
class VideoReading:
    """What pairs of a video are chosen by.

    Attributes:
        screened: the frames that can be used.
        units: frame number -> (12,) intensities 0 to 5, in the order of `ACTION_UNITS`; NaN for a unit not known.
        angles: frame number -> (3,) yaw, pitch and roll in degrees.
        tracks: all frames that were looked at; None from an AU estimator, which sees usable frames alone.
        notes: what a user should know of the video.
    """

    screened: Screened
    units: dict[int, np.ndarray]
    angles: dict[int, np.ndarray]
    tracks: Tracks | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()


def read_by_film(
    video: Path, settings: Settings, detector: FaceDetector, labels: Path | None, bar: Bar
) -> VideoReading:
    """Follows one face through the video, and reads it against its calmest frame, or by labels.

    Frames are dropped that show no face, that cannot be read with confidence, or whose eyes are closed: a pair says
    nothing of its eyes. With labels, what they do not cover is dropped instead.

    Raises InputError: the video or the labels cannot be read, or not one label lies at a frame.
    """
    given = None if labels is None else read_csv(labels)
    reader = FilmReader(read_face("face", settings.face), detector)
    screening = Screening(settings)
    last = -1
    for frame in bar(timed_frames(video, settings.every), desc=f"{video.name}: faces"):
        last = frame.number
        usable = screening.fits(frame.pixels)
        face = reader.add(frame.number, frame.time, frame.pixels if usable else None)
        if face is not None and frame.pixels is not None:
            screening.add(frame.number, frame.pixels, face)
        elif usable:
            screening.drop("no face")
    film = reader.finish()
    notes = (*film.notes, *broken_off(video, last + settings.every))
    own = film.tracks(relative=True)
    if given is None or labels is None:
        tracks = own
        unusable = _unreadable(film)
    else:
        tracks = _labelled(given, own, labels)
        unusable = {int(number): "no label" for number in tracks.numbers[~tracks.found]}
    for number in tracks.numbers[tracks.closed]:
        unusable.setdefault(int(number), "eyes closed")
    for number, reason in unusable.items():
        screening.leave_out(number, reason)
    screened = screening.finish()
    rows = {int(number): row for row, number in enumerate(tracks.numbers)}
    units = {number: _editable(tracks, rows[number]) for number in screened.faces}
    angles = {number: tracks.pose[rows[number]] for number in screened.faces}
    return VideoReading(screened, units, angles, tracks, notes)


def read_by_estimator(
    video: Path, settings: Settings, detector: FaceDetector, estimator: AUEstimator, bar: Bar
) -> VideoReading:
    """Finds the one face of each frame, and measures its crop.

    Raises InputError: the video cannot be read.
    """
    screened = screen(bar(read_frames(video, settings.every), desc=f"{video.name}: faces"), detector, settings)
    units: dict[int, np.ndarray] = {}
    angles: dict[int, np.ndarray] = {}
    for number, crop in bar(crops(video, screened), desc=f"{video.name}: expressions", total=len(screened.faces)):
        try:
            found = estimator(crop)
        except FaceNotFoundError:
            screened.dropped["not measured"] += 1
            continue
        # Rounded here, so that pairs are chosen by what is written; below 0 is the antagonist, which has its own value.
        units[number] = np.asarray(found.units, np.float64).clip(0, 5).round(3)
        angles[number] = np.asarray(found.angles, np.float64)
    return VideoReading(screened, units, angles)


def crops(video: Path, screened: Screened, wanted: Collection[int] | None = None) -> Iterator[tuple[int, np.ndarray]]:
    """Numbers and crops of a video's usable frames, or of the wanted ones."""
    numbers = set(screened.faces if wanted is None else wanted)
    for number, frame in read_frames(video, wanted=numbers):
        if screened.crop is not None and frame is not None:
            yield number, screened.crop.apply(frame)


@dataclass(frozen=True)
class Labels:
    """CSV files of another tool in place of our readings: one file for one video, or a folder with one for each.

    In a folder, `ann/film.csv` or `film.csv` belongs to the video `ann/film.mp4`.
    """

    place: Path

    @property
    def name(self) -> str:
        """Name that a report gives them."""
        return f"labels {self.place.name}"

    def of(self, folder: Path, video: Path, videos: Collection[Path]) -> Path:
        """The file of a video. Raises InputError: there is none, or one file for several videos."""
        if not self.place.is_dir():
            if len(videos) > 1:
                raise InputError(
                    f"{self.place} is one file for {len(videos)} videos.",
                    code="conflict",
                    expected="a folder with a CSV file for each video",
                    actual=str(self.place),
                )
            return self.place
        below = video.relative_to(folder) if video != folder else Path(folder.name)
        candidates = [self.place / f"{below}.csv", self.place / below.with_suffix(".csv")]
        if sum(each.stem == video.stem for each in videos) == 1:
            candidates.append(self.place / f"{video.stem}.csv")
        for path in candidates:
            if path.is_file():
                return path
        raise InputError(
            f"{self.place} has no labels of {video.name}.",
            code="missing",
            expected=str(candidates[1].relative_to(self.place)),
        )

    def check(self) -> None:
        """Raises InputError: there is no such file or folder."""
        if not self.place.exists():
            raise InputError("There are no labels.", code="missing", actual=str(self.place))


def digest_of(labels: Path | None) -> str | None:
    """By which changed labels are known."""
    return None if labels is None or not labels.is_file() else sha256(labels)


def _unreadable(film: FilmReading) -> dict[int, str]:
    """Frame number -> why it is not used, of frames with a face."""
    reasons = {}
    for frame in film.frames:
        if frame.reading is None or frame.change is None:
            continue
        if frame.reading.pose is not None and frame.reading.pose.profile:
            reasons[frame.number] = "profile"
        elif frame.change.reason is not None:
            reasons[frame.number] = "not measured"
        elif not frame.reading.reliable:
            reasons[frame.number] = "not reliable"
    return reasons


def _labelled(given: Tracks, own: Tracks, labels: Path) -> Tracks:
    """Labels at the video's frames; the head's pose is ours where they do not tell it, and so are the eyes."""
    try:
        tracks = matched(given, own.numbers.tolist(), own.times.tolist())
    except InputError as error:
        raise InputError(f"{labels}: {error}", code=error.code) from error
    pose = np.where(np.isfinite(tracks.pose), tracks.pose, own.pose)
    tracks = dataclasses.replace(tracks, pose=pose, openness=own.openness)
    known = tracks.found & np.isfinite(pose).all(axis=1)
    return dataclasses.replace(tracks, found=known)


def _editable(tracks: Tracks, row: int) -> np.ndarray:
    """(12,) of the units that can be edited, as a manifest has them."""
    values = np.full(len(ACTION_UNITS), np.nan)
    for column, name in enumerate(ACTION_UNITS):
        if name in tracks.names:
            values[column] = tracks.of(name)[row]
    # Rounded here, so that pairs are chosen by what is written; below 0 is the antagonist, which has its own value.
    return values.clip(0, 5).round(3)
