"""Settings of a preparation, the frames that show one sharp face in its place, and the pairs that these make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from common.core.errors import InputError
from common.core.numbers import check_fields
from common.editing.options import read_face
from common.faces import Crop, Face, FaceDetector
from common.faces.upright import notice
from common.parsing import Region


@dataclass(frozen=True)
class Settings:
    """Settings of a preparation of videos. Raises InputError: a value out of its range."""

    size: int = 512
    """Side of the crops in pixels."""
    zoom: float = 1.0
    """How much closer than the released crop: 1 for the published networks, 1.35 for the embedded model."""
    every: int = 3
    """Look at each n-th frame: 3 is ten a second of most videos; 1 for a folder of chosen pictures."""
    face: str = "largest"
    """Face to follow: "largest", an index from the left, or X,Y in the first frame that shows it."""
    pairs: int = 100
    """Pairs of a video, at most."""
    min_difference: float = 1.0
    """Least difference of at least one action unit within a pair, intensities 0 to 5."""
    max_turn: float = 10.0
    """Largest difference of yaw, pitch and roll within a pair, degrees."""
    min_face: int = 64
    """Narrowest face, in pixels of the video."""
    max_move: float = 0.25
    """Largest distance of a face from the video's median face, in place or in width, as a fraction of its width."""
    sharpness: float = 0.4
    """Least sharpness of a face (variance of its Laplacian), as a fraction of the video's median."""
    region: Region = "head"
    """Region that the background hides: "head", or "face", which spares hair, neck and clothes."""
    conditioning_image: Literal["source", "target", "photo"] = "source"
    """Conditioning image of a pair: the background of the source, as in use, or of the target, as in the paper; or
    "photo", all of the source, for the embedded model."""
    format: Literal["openface", "py-feat"] = "openface"
    """Columns of the videos' CSV files: OpenFace's (intensities 0 to 5, radians) or py-feat's (0 to 1, degrees)."""
    seed: int = 0
    """Random seed of the choice among pairs that are equally good."""

    def __post_init__(self) -> None:
        check_fields(self, "size", low=16)
        check_fields(self, "every", "pairs", "min_face", low=1)
        check_fields(self, "seed", "max_turn", "max_move", "sharpness", low=0)
        check_fields(self, "zoom", "min_difference", above=0)  # a pair without a difference teaches nothing
        read_face("face", self.face)
        choices = {
            "region": ("head", "face"),
            "conditioning_image": ("source", "target", "photo"),
            "format": ("openface", "py-feat"),
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name} is unknown.", code="unknown", expected=list(known), actual=getattr(self, name)
                )


SHARPNESS_SIDE = 128  # pixels to which a face is scaled first, so that near and far ones compare


@dataclass(frozen=True)
class Screened:
    """What is left of a video.

    Attributes:
        crop: one for all frames, round the median face; None where nothing is left.
        faces: frame number -> the face, in pixels of the frame.
        dropped: reason -> how many frames.
    """

    crop: Crop | None
    faces: dict[int, Face]
    dropped: Counter[str]


def screen(frames: Iterable[tuple[int, np.ndarray | None]], detector: FaceDetector, settings: Settings) -> Screened:
    """The usable frames of a video; `frames` are numbers and pictures (H, W, 3) uint8, as of `read_frames`."""
    screening = Screening(settings)
    for number, frame in frames:
        if not screening.fits(frame) or frame is None:
            continue
        found = detector.find(frame)
        if len(found) != 1:
            screening.drop("several faces" if found else "no face")
        else:
            screening.add(number, frame, found[0])
    return screening.finish()


class Screening:
    """Collects the faces of a video, and drops those that its other frames show to be unusable."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.dropped: Counter[str] = Counter()
        self._faces: dict[int, Face] = {}
        self._sharp: dict[int, float] = {}
        self._size: tuple[int, int] | None = None

    def fits(self, frame: np.ndarray | None) -> bool:
        """Whether a frame can be read and has the first one's size; else it is dropped."""
        if frame is None:
            self.drop("not readable")
            return False
        size = (frame.shape[1], frame.shape[0])
        self._size = self._size or size
        if size != self._size:
            self.drop("another size than the first")
            return False
        return True

    def drop(self, reason: str) -> None:
        """Counts a frame that shows no usable face."""
        self.dropped[reason] += 1

    def add(self, number: int, frame: np.ndarray, face: Face) -> None:
        """The face of a frame (H, W, 3) uint8."""
        if face.box[2] - face.box[0] < self.settings.min_face:
            self.drop("face too small")
            return
        self._faces[number] = face
        self._sharp[number] = sharpness(frame, face)

    def leave_out(self, number: int, reason: str) -> None:
        """Drops the face of a frame after all; nothing where it was dropped already."""
        if self._faces.pop(number, None) is not None:
            self.drop(reason)

    def finish(self) -> Screened:
        """What is left, by the medians of the faces."""
        faces = dict(self._faces)
        if not faces or self._size is None:
            return Screened(None, {}, self.dropped)
        median = np.median([face.box for face in faces.values()], axis=0)
        for number in [number for number, face in faces.items() if moved(face.box, median) > self.settings.max_move]:
            self.drop("face moved away")
            del faces[number]
        turns = Counter(face.turns for face in faces.values())
        most = max(turns, key=turns.__getitem__, default=0)
        for number in [number for number, face in faces.items() if face.turns != most]:
            self.drop("head turned away from the others")
            del faces[number]
        least = self.settings.sharpness * float(np.median([self._sharp[number] for number in faces])) if faces else 0.0
        for number in [number for number in faces if self._sharp[number] < least]:
            self.drop("blurred")
            del faces[number]
        for face in list(faces.values())[:1]:
            notice(face, "the face of the video")
        crop = Crop.around(median, self._size, self.settings.size, zoom=self.settings.zoom, turns=most)
        return Screened(crop, faces, self.dropped)


def sharpness(frame: np.ndarray, face: Face) -> float:
    """Variance of the Laplacian of a face's box, scaled to one size."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = np.rint(np.clip(face.box, 0, (width, height, width, height))).astype(int)
    patch = cv2.cvtColor(frame[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)], cv2.COLOR_RGB2GRAY)
    patch = cv2.resize(patch, (SHARPNESS_SIDE, SHARPNESS_SIDE), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(patch, cv2.CV_32F).var())


def moved(box: np.ndarray, median: np.ndarray) -> float:
    """Distance of a box (4,) from another, in place or in width, as a fraction of the other's width."""
    width = median[2] - median[0]
    shift = np.linalg.norm((box[:2] + box[2:]) / 2 - (median[:2] + median[2:]) / 2)
    return float(max(shift, abs(box[2] - box[0] - width)) / width)


AT_MOST = 600  # frames of a video that are paired with each other: 360,000 pairs


def candidates(units: np.ndarray, angles: np.ndarray, settings: Settings) -> np.ndarray:
    """All pairs of frames with enough change and little turning, (P, 2) int: source, target; see `choose`."""
    found = [np.empty((0, 2), int)]
    for i in range(len(units)):
        enough = (np.abs(units - units[i]) >= settings.min_difference).any(1)
        still = (np.abs((angles - angles[i] + 180) % 360 - 180) <= settings.max_turn).all(1)
        targets = np.flatnonzero(enough & still)
        found.append(np.column_stack([np.full_like(targets, i), targets]))
    return np.concatenate(found)


def choose(units: np.ndarray, angles: np.ndarray, settings: Settings, key: int = 0) -> list[tuple[int, int]]:
    """Up to `settings.pairs` pairs (source, target), for which every action unit rises and falls as often as can be.

    Each turn goes to the unit and direction with the fewest pairs so far, and takes the pair whose frames were used
    least; the seed decides among equals.

    `units` are (N, 12) intensities, NaN where a unit is not known, by which no pair differs; `angles` (N, 3) degrees;
    `key` is the video's own, part of the seed.
    """
    rng = np.random.default_rng([settings.seed, key])
    frames = np.sort(rng.permutation(len(units))[:AT_MOST])
    pairs = frames[candidates(units[frames], angles[frames], settings)]
    change = units[pairs[:, 1]] - units[pairs[:, 0]]
    least = settings.min_difference
    kinds = np.concatenate([change >= least, change <= -least], 1)  # (P, 24): which units rise, which fall
    order = rng.random(len(pairs))
    free = np.ones(len(pairs), bool)
    used = np.zeros(len(units), int)
    covered = np.zeros(24, int)
    chosen: list[tuple[int, int]] = []
    while len(chosen) < settings.pairs and free.any():
        left = kinds[free].any(0)
        rows = np.flatnonzero(free & kinds[:, np.where(left, covered, len(pairs) + 1).argmin()])
        best = rows[np.argmin(used[pairs[rows]].sum(1) + order[rows])]
        free[best] = False
        covered += kinds[best]
        used[pairs[best]] += 1
        chosen.append((int(pairs[best, 0]), int(pairs[best, 1])))
    return chosen
