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
    every: int = 10
    """Look at each n-th frame: 10 is three a second of most videos; 1 for a folder of chosen pictures."""
    pairs: int = 100
    """Pairs of a video, at most."""
    min_difference: float = 1.0
    """Least difference of at least one action unit within a pair, as the estimator counts."""
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
    guide: Literal["source", "target", "photo"] = "source"
    """Conditioning image of a pair: the background of the source, as in use, or of the target, as in the paper; or
    "photo", all of the source, for the embedded model."""
    seed: int = 0
    """Random seed of the choice among pairs that are equally good."""

    def __post_init__(self) -> None:
        check_fields(self, "size", low=16)
        check_fields(self, "every", "pairs", "min_face", low=1)
        check_fields(self, "seed", "max_turn", "max_move", "sharpness", low=0)
        check_fields(self, "zoom", "min_difference", above=0)  # a pair without a difference teaches nothing
        for name, known in (("region", ("head", "face")), ("guide", ("source", "target", "photo"))):
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
    dropped: Counter[str] = Counter()
    faces: dict[int, Face] = {}
    sharp: dict[int, float] = {}
    size: tuple[int, int] | None = None
    for number, frame in frames:
        if frame is None:
            dropped["not readable"] += 1
            continue
        size = size or (frame.shape[1], frame.shape[0])
        if size != (frame.shape[1], frame.shape[0]):
            dropped["another size than the first"] += 1
            continue
        found = detector.find(frame)
        if len(found) != 1:
            dropped["several faces" if found else "no face"] += 1
        elif found[0].box[2] - found[0].box[0] < settings.min_face:
            dropped["face too small"] += 1
        else:
            faces[number], sharp[number] = found[0], sharpness(frame, found[0])
    if not faces or size is None:
        return Screened(None, {}, dropped)
    median = np.median([face.box for face in faces.values()], axis=0)
    for number in [number for number, face in faces.items() if moved(face.box, median) > settings.max_move]:
        dropped["face moved away"] += 1
        del faces[number]
    turns = Counter(face.turns for face in faces.values())
    most = max(turns, key=turns.__getitem__, default=0)
    for number in [number for number, face in faces.items() if face.turns != most]:
        dropped["head turned away from the others"] += 1
        del faces[number]
    least = settings.sharpness * float(np.median([sharp[number] for number in faces])) if faces else 0.0
    for number in [number for number in faces if sharp[number] < least]:
        dropped["blurred"] += 1
        del faces[number]
    for face in list(faces.values())[:1]:
        notice(face, "the face of the video")
    crop = Crop.around(median, size, settings.size, zoom=settings.zoom, turns=most)
    return Screened(crop, faces, dropped)


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

    `units` are (N, 12) intensities, `angles` (N, 3) degrees; `key` is the video's own, part of the seed.
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
