"""The action units of one face through a film: a reading of each frame, as such and against the calmest one.

film = read_film("clip.mp4")
film.tracks().of("AU12"), film.tracks().blinks, film.notes

A frame in which no face is found, or whose face cannot be read, is a gap: NaN, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..core.errors import FaceNotFoundError, InputError
from ..faces import Face, FaceDetector, get_detector
from ..faces.tracking import FaceTracker
from ..imaging.videos import frame_count, timed_frames
from .readings import AUReading, au_maps, calmest, trust, units_of

# Corners of an eye, then its upper and lower lids in three places; the person's left eye, then the right one.
_EYES = (
    ((263, 362), (385, 386, 387), (380, 374, 373)),
    ((33, 133), (160, 159, 158), (144, 145, 153)),
)
CLOSED = 0.5
"""Part of the film's median openness below which eyes are closed."""
CLOSED_UNIT = 2.5
"""Intensity of AU45 or AU43 from which eyes are closed, where their openness is not known."""
BLINK = 0.5
"""Seconds that a blink lasts at most; longer, eyes are shut."""
_WHOLE = 0.9  # of the frames that a container states, below which it counts as broken off: some state an estimate


@dataclass(frozen=True, eq=False)
class FilmFrame:
    """What one frame shows of the face that is followed.

    Attributes:
        number: of the frame in the film, from 0.
        time: seconds after the first frame, by the container's time stamps.
        face: where it is; None where it is not found.
        reading: its action units with sides and reliability, pose and gaze; None without a face.
        change: the same against the calmest frame; None without a face, or without a calm frame.
        openness: height of each eye over its width, the person's left and right; open eyes have about 0.3, closed ones
            under 0.1. None where the points are not known.
    """

    number: int
    time: float
    face: Face | None
    reading: AUReading | None
    change: AUReading | None
    openness: tuple[float, float] | None

    @property
    def found(self) -> bool:
        """Whether the face is in the frame, readable or not."""
        return self.face is not None

    @property
    def reason(self) -> str | None:
        """Why the frame cannot be read; None where it can."""
        if self.reading is None:
            return "no face"
        return self.reading.reason


@dataclass(frozen=True, eq=False)
class Tracks:
    """Numbers over the T frames of a film; NaN where something is not known.

    Attributes:
        names: the K action units.
        numbers: (T,) int, frame numbers in the film, from 0, rising.
        times: (T,) seconds after the first frame; NaN where a file does not tell.
        found: (T,) bool, whether the frame was read.
        confidence: (T,) 0 to 1.
        units: (T, K) intensities, 0 to 5, the mean of the sides that are known; changes are -5 to 5.
        sides: (T, K, 2) the same of the person's left and right.
        reliability: (T, K) 0 to 1.
        pose: (T, 3) yaw, pitch and roll in degrees, see `HeadPose`.
        gaze: (T, 2) yaw and pitch of the eyes in degrees, from the head, see `AUReading`.
        openness: (T, 2) of the person's left and right eye, see `FilmFrame`.
    """

    names: tuple[str, ...]
    numbers: np.ndarray
    times: np.ndarray
    found: np.ndarray
    confidence: np.ndarray
    units: np.ndarray
    sides: np.ndarray = field(repr=False)
    reliability: np.ndarray = field(repr=False)
    pose: np.ndarray = field(repr=False)
    gaze: np.ndarray = field(repr=False)
    openness: np.ndarray = field(repr=False)

    @classmethod
    def empty(cls, names: Sequence[str], numbers: Sequence[int], times: Sequence[float]) -> Tracks:
        """Tracks of which nothing is known but the frames; the arrays are filled by who makes them."""
        frames = len(numbers)
        count = len(names)
        return cls(
            names=tuple(names),
            numbers=np.array(numbers, int),
            times=np.array(times, float),
            found=np.zeros(frames, bool),
            confidence=np.zeros(frames),
            units=np.full((frames, count), np.nan),
            sides=np.full((frames, count, 2), np.nan),
            reliability=np.zeros((frames, count)),
            pose=np.full((frames, 3), np.nan),
            gaze=np.full((frames, 2), np.nan),
            openness=np.full((frames, 2), np.nan),
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def of(self, name: str) -> np.ndarray:
        """(T,) intensities of one unit. Raises InputError for a unit that the tracks do not have."""
        if name not in self.names:
            raise InputError("The film's tracks lack a unit.", code="unknown", expected=list(self.names), actual=name)
        return self.units[:, self.names.index(name)]

    @property
    def closed(self) -> np.ndarray:
        """(T,) bool: frames with closed eyes, by their openness against the film's median, else by AU45 or AU43."""
        open_by = np.full(len(self), np.nan)
        known = np.isfinite(self.openness).any(axis=1)
        open_by[known] = np.nanmean(self.openness[known], axis=1)
        shut = np.zeros(len(self), bool)
        if known.any():
            shut[known] = open_by[known] < CLOSED * np.median(open_by[known])
        for name in ("AU45", "AU43"):
            if name in self.names:
                shut |= ~known & (np.nan_to_num(self.of(name)) >= CLOSED_UNIT)
        return shut

    @property
    def blinks(self) -> tuple[tuple[float, float], ...]:
        """Times of the first and last frame of each blink: eyes closed for `BLINK` seconds at most."""
        spans = []
        for first, last in runs(self.closed):
            if self.times[last] - self.times[first] <= BLINK:
                spans.append((float(self.times[first]), float(self.times[last])))
        return tuple(spans)

    @property
    def gaps(self) -> tuple[tuple[float, float], ...]:
        """Times of the first and last frame of each stretch that was not read."""
        return tuple((float(self.times[first]), float(self.times[last])) for first, last in runs(~self.found))


@dataclass(frozen=True, eq=False)
class FilmReading:
    """One face through a film.

    Attributes:
        frames: those that were looked at.
        calm: number of the calmest frame, against which changes are read; None if no frame can be read.
        notes: what a user should know of the film, such as other faces in it.
    """

    frames: tuple[FilmFrame, ...] = field(repr=False)
    calm: int | None
    notes: tuple[str, ...]

    def tracks(self, *, relative: bool = False) -> Tracks:
        """The readings as arrays; `relative` gives the changes against the calmest frame."""
        numbers = [frame.number for frame in self.frames]
        tracks = Tracks.empty(tuple(au_maps()), numbers, [frame.time for frame in self.frames])
        for row, frame in enumerate(self.frames):
            reading = frame.change if relative else frame.reading
            if frame.face is None or reading is None:
                continue
            if reading.pose is not None:
                tracks.pose[row] = reading.pose.yaw, reading.pose.pitch, reading.pose.roll
            if reading.reason is not None or reading.pose is None:
                continue
            tracks.found[row] = True
            tracks.confidence[row] = trust(frame.face, reading.pose)
            if reading.gaze is not None:
                tracks.gaze[row] = reading.gaze
            if frame.openness is not None:
                tracks.openness[row] = frame.openness
            for column, name in enumerate(tracks.names):
                unit = reading[name]
                tracks.units[row, column] = _number(unit.both)
                tracks.sides[row, column] = _number(unit.left), _number(unit.right)
                tracks.reliability[row, column] = unit.reliability
        return tracks


def read_film(
    film: str | Path,
    face: str | int | tuple[float, float] = "largest",
    *,
    every: int = 1,
    detector: str | FaceDetector = "mediapipe",
) -> FilmReading:
    """Read the action units of one face in each frame of a film.

    Args:
        film: a video, or a folder of pictures that is taken for 25 frames a second.
        face: which one, as `choose_face` takes it, in the first frame that shows it; it is followed from there.
        every: look at each n-th frame.
        detector: name or detector; the reading needs the points of "mediapipe".

    Raises:
        InputError: the film cannot be opened, as one of sound alone or one that lacks its index.
        MissingDependencyError: the Face Landmarker's file or LiteRT is not on this machine.
    """
    path = Path(film).expanduser()
    reader = FilmReader(face, get_detector(detector))
    last = -1
    for frame in timed_frames(path, every):
        reader.add(frame.number, frame.time, frame.pixels)
        last = frame.number
    reading = reader.finish()
    notes = (*reading.notes, *broken_off(path, last + every))
    return FilmReading(reading.frames, reading.calm, notes)


def broken_off(film: Path, read: int) -> tuple[str, ...]:
    """A note on a film of which fewer frames could be read than its container states; `read` is their number."""
    stated = frame_count(film)
    if read >= _WHOLE * stated:
        return ()
    return (f"the film breaks off: about {read} of its {stated} frames can be read",)


class FilmReader:
    """Reads a film frame by frame, for callers that need the frames for something else too.

    A reader belongs to one film and one thread.

    Args:
        face: which one to follow, as `choose_face` takes it.
        detector: of the face; None is "mediapipe", whose points the reading needs.
    """

    def __init__(self, face: str | int | tuple[float, float] = "largest", detector: FaceDetector | None = None) -> None:
        self._detector = _Counting(detector or get_detector("mediapipe"))
        self._tracker = FaceTracker(self._detector, face)
        self._which = face
        self._frames: list[tuple[int, float, Face | None]] = []

    def add(self, number: int, time: float, pixels: np.ndarray | None) -> Face | None:
        """Looks at the next frame (H, W, 3) uint8 RGB; returns the face, or None where it is not found."""
        face = None
        if pixels is not None:
            self._detector.number = number
            try:
                face = self._tracker.follow(pixels)
            except FaceNotFoundError:  # faces, but not yet the one to follow
                face = None
        self._frames.append((number, time, face))
        return face

    def finish(self) -> FilmReading:
        """The readings of all frames that were added."""
        found = [face for _, _, face in self._frames if face is not None]
        readings = {id(face): units_of(face) for face in found}
        sure = [face for face in found if readings[id(face)].reliable]
        try:
            calm = calmest(sure or found)
        except FaceNotFoundError:
            calm = None
        frames = []
        for number, time, face in self._frames:
            if face is None:
                frames.append(FilmFrame(number, time, None, None, None, None))
                continue
            change = None if calm is None else units_of(face, against=calm)
            frames.append(FilmFrame(number, time, face, readings[id(face)], change, eye_openness(face)))
        numbers = [number for number, _, face in self._frames if face is not None and face is calm]
        return FilmReading(tuple(frames), numbers[0] if numbers else None, tuple(self._notes(frames)))

    def _notes(self, frames: Iterable[FilmFrame]) -> Iterable[str]:
        """What a user should know."""
        faces = [frame for frame in frames if frame.found]
        if self._detector.most > 1:
            which = "the largest" if self._which == "largest" else f"face {self._which}"
            yield (
                f"frame {self._detector.at} shows {self._detector.most} faces: {which} of the first frame is followed;"
                " choose another by its index from the left, or a point X,Y"
            )
        if not faces and self._detector.most > 0:
            yield f"no frame shows the face {self._which}"
        elif not faces:
            yield "no frame shows a face"
        elif all(frame.reason is not None for frame in faces):
            yield f"no face can be read: {faces[0].reason}"
        else:
            turned = sum(frame.reading is not None and _profile(frame.reading) for frame in faces)
            if turned:
                yield f"{turned} frames show a profile, which is not read"


def eye_openness(face: Face) -> tuple[float, float] | None:
    """Height of each eye over its width, the person's left and right, in 3D; None without the mesh's points."""
    if face.mesh is None or face.mesh.shape[1] < 3:
        return None
    values = []
    for (outer, inner), upper, lower in _EYES:
        width = float(np.linalg.norm(face.mesh[outer] - face.mesh[inner]))
        height = float(np.linalg.norm(face.mesh[list(upper)] - face.mesh[list(lower)], axis=1).mean())
        values.append(height / max(width, 1e-6))
    return values[0], values[1]


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """First and last index of each run of True in (T,) bool."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask.astype(bool), [False]]).astype(int)))
    return [(int(first), int(end) - 1) for first, end in zip(edges[::2], edges[1::2])]


class _Counting:
    """A detector that notes the largest number of faces it found, and in which frame."""

    def __init__(self, detector: FaceDetector) -> None:
        self.detector = detector
        self.name = detector.name
        self.number = 0
        self.most = 0
        self.at = 0

    def find(self, image: np.ndarray) -> list[Face]:
        found = self.detector.find(image)
        if len(found) > self.most:
            self.most = len(found)
            self.at = self.number
        return found


def _profile(reading: AUReading) -> bool:
    return reading.pose is not None and reading.pose.profile


def _number(value: float | None) -> float:
    return np.nan if value is None else value
