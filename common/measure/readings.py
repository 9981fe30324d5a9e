"""Action units of a real face, read from its landmarks: 24 units, each side, with how far to believe them.

Two readers answer, each as far as it is believed for that unit: MediaPipe's blendshape scores, and our own network of
landmarks (`points`).

reading = read_units("photo.jpg", against="calm.jpg")
reading["AU12"].both, reading["AU6"].reason, reading.pose.yaw

The maps from scores to intensities, and both readers' parts, lie in `au_maps.json`, which `benchmarks/au_maps.py`
writes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import FaceNotFoundError, InputError
from ..face3d.fitting.points import PointValues, default_points
from ..faces import Face, FaceDetector, choose_face, get_detector
from ..faces.blendshapes import Blendshapes
from ..faces.face import shared
from ..faces.pose import PROFILE, HeadPose
from ..facs.action_units import ACTION_UNITS
from ..imaging.images import ImageLike, read_image, rgb
from .blendshapes import BlendshapeReading, blendshapes_of, straight_blendshapes_of
from .estimators import Measurement, fitted_pose_and_light

MAPS = Path(__file__).with_name("au_maps.json")
FAR_SIDE = 35.0
"""Degrees of yaw from which the side of a face that is turned away is not read."""
_FRONTAL = 15.0  # degrees of yaw or pitch up to which a reading is fully believed
_STEEP = 45.0  # degrees of pitch from which it is not believed at all
_SMALL = 30.0  # pixels between the eyes' outer corners, below which points are less exact than expressions
_LARGE = 60.0
_GAZE = 30.0  # degrees that a score of 1 for looking aside, up or down stands for
RELIABLE = 0.5
"""Share of a unit's own reliability that pose and size must leave, for a photograph to be read with confidence."""


@dataclass(frozen=True)
class UnitReading:
    """One action unit's intensity.

    Attributes:
        left: 0 to 5 on the person's left; in a reading against another photo the change, -5 to 5. None if not known.
        right: likewise.
        both: the mean of the sides that are known; None if neither is.
        reliability: 0 to 1.
        reason: why a value is None; None where all are known.
    """

    left: float | None
    right: float | None
    both: float | None
    reliability: float
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class AUReading(Mapping[str, UnitReading]):
    """Action units of one face, by name: the 12 that can be edited, and AU7 10 14 16 18 22 23 24 27 28 43 45.

    Attributes:
        units: name -> reading.
        gaze: yaw (positive looks to the picture's right) and pitch (positive looks up) of both eyes in degrees, as they
            look from the head; None where they cannot be read.
        pose: how the head is turned in the photo; None where no mesh shows it.
        relative: whether intensities are changes against another face.
        reason: why nothing can be read; None where the face can be read.
        scores: the 52 scores.
        face: where it is.
    """

    units: Mapping[str, UnitReading]
    gaze: tuple[float, float] | None
    pose: HeadPose | None
    relative: bool
    reason: str | None
    scores: Blendshapes = field(repr=False)
    face: Face = field(repr=False)

    def __getitem__(self, name: str) -> UnitReading:
        if name not in self.units:
            raise InputError(f"The reading has no unit {name!r}; choose from {', '.join(self.units)}.")
        return self.units[name]

    def __contains__(self, name: object) -> bool:
        return name in self.units

    def __iter__(self) -> Iterator[str]:
        return iter(self.units)

    def __len__(self) -> int:
        return len(self.units)

    @property
    def reliable(self) -> bool:
        """Whether pose and size of the face allow to read it with confidence."""
        return self.reason is None and self.pose is not None and trust(self.face, self.pose) >= RELIABLE

    def to_json(self) -> dict[str, Any]:
        """Plain values, None for what is not known."""
        rows = {}
        for name, unit in self.units.items():
            rows[name] = {
                "left": _rounded(unit.left),
                "right": _rounded(unit.right),
                "both": _rounded(unit.both),
                "reliability": round(unit.reliability, 2),
                "reason": unit.reason,
            }
        pose = None if self.pose is None else [round(each, 1) for each in _angles(self.pose)]
        gaze = None if self.gaze is None else [round(each, 1) for each in self.gaze]
        return {"units": rows, "gaze": gaze, "pose": pose, "relative": self.relative, "reason": self.reason}


def read_units(
    photo: ImageLike,
    face: str | int | Sequence[float] = "largest",
    *,
    against: ImageLike | None = None,
    detector: str | FaceDetector = "mediapipe",
) -> AUReading:
    """Read the action units of a face in a photo.

    A single photo does not tell a raised brow from a high one. `against` another photo of the same person, best a calm
    one, only the change is read, and how the head is turned is taken out of both first.

    Args:
        photo: anything that `read_image` reads.
        face: which one, as `choose_face` takes it; of both photos.
        against: another photo of the person, or None for intensities as they are.
        detector: name or detector; the reading needs the points of "mediapipe".

    Raises:
        ImageError: a photo cannot be read.
        FaceNotFoundError: it shows no face.
        MissingDependencyError: the Face Landmarker's file or LiteRT is not on this machine.
    """
    found = get_detector(detector)
    chosen = choose_face(found.find(rgb(read_image(photo))), face)
    if against is None:
        return units_of(chosen)
    return units_of(chosen, against=choose_face(found.find(rgb(read_image(against))), face))


def units_of(face: Face, *, against: Face | None = None) -> AUReading:
    """The action units of a face that was found already, as such or as the change against another; see `read_units`."""
    if against is None:
        scores = blendshapes_of(face)
        before = None
        reason = scores.reason
    else:
        scores = straight_blendshapes_of(face)
        before = straight_blendshapes_of(against)
        reason = scores.reason
        if reason is None and before.reason is not None:
            reason = f"the face to compare with cannot be read: {before.reason}"
    found = None
    if reason is None and face.mesh is not None:
        reader = default_points()
        calm = None if against is None else against.mesh
        found = reader.read(face.mesh) if calm is None else reader.change(calm, face.mesh)
    units = {name: _unit(name, entry, scores, before, found, reason) for name, entry in au_maps().items()}
    gaze = None if reason else _gaze(scores)
    return AUReading(units, gaze, scores.pose, against is not None, reason, scores, face)


def calmest(faces: Sequence[Face]) -> Face:
    """The face of a film that moves least, by the scores of all its faces, to read the others against.

    Raises FaceNotFoundError if none can be read.
    """
    rows: list[tuple[Face, np.ndarray]] = []
    for face in faces:
        scores = blendshapes_of(face)
        if scores.reason is None:
            rows.append((face, _movement(scores)))
    if not rows:
        raise FaceNotFoundError("None of the faces can be read: all are profiles, or their points are not sure.")
    low = np.percentile([movement for _, movement in rows], 10, axis=0)
    return min(rows, key=lambda row: float(np.abs(row[1] - low).sum()))[0]


def trust(face: Face, pose: HeadPose) -> float:
    """How far a face's pose and size allow to believe what is read from it, 0 to 1."""
    sideways = (PROFILE - abs(pose.yaw)) / (PROFILE - _FRONTAL)
    steep = (_STEEP - abs(pose.pitch)) / (_STEEP - _FRONTAL)
    eyes = float(np.linalg.norm(face.landmarks[45] - face.landmarks[36])) / max(math.cos(math.radians(pose.yaw)), 0.2)
    size = 0.3 + 0.7 * (eyes - _SMALL) / (_LARGE - _SMALL)
    return float(np.clip([sideways, steep, size], 0.0, 1.0).prod())


class LandmarkerEstimator:
    """Measures real faces from their landmarks, see `read_units`; an AU estimator like the others.

    Args:
        detector: of the face; None is "mediapipe", whose points are read.
    """

    name = "landmarker"
    any_pose = True  # `change` takes out how the head has moved

    def __init__(self, detector: FaceDetector | None = None) -> None:
        self.detector = detector or get_detector("mediapipe")

    @property
    def weights(self) -> Path:
        """The network of landmarks."""
        return default_points().weights

    def __call__(self, image: ImageLike) -> Measurement:
        """See `AUEstimator`; pose and light are those of the fitted head. `many` leaves the light out.

        Raises InputError (code "unreadable") for a face that cannot be read, such as a profile.
        """
        photo = rgb(read_image(image))
        face = choose_face(self.detector.find(photo))
        angles, light = fitted_pose_and_light(photo, face)
        return replace(_measured(units_of(face)), angles=angles, light=light)

    def many(self, images: Sequence[ImageLike], *, faces: Sequence[Face] | None = None) -> list[Measurement]:
        """Measure pictures; their faces may be given, one for each, by whatever detector found them.

        Raises as `__call__`, and InputError if there are not as many faces as pictures.
        """
        if faces is None:
            faces = [choose_face(self.detector.find(rgb(read_image(image)))) for image in images]
        if len(faces) != len(images):
            raise InputError(
                "There is not one face for each picture.", code="count", expected=len(images), actual=len(faces)
            )
        return [_measured(units_of(self._with_points(*pair))) for pair in zip(images, faces)]

    def change(self, before: ImageLike, afters: Sequence[ImageLike], face: Face) -> np.ndarray:
        """By how much the units of further pictures of a face differ from the first picture's, (N, 12).

        How the head is turned is taken out of both. Raises as `many`.
        """
        calm, rows = self._with_points(before, face), []
        for after in afters:
            other = nearest(self.detector.find(rgb(read_image(after))), face)
            rows.append(_vector(units_of(other, against=calm)))
        return np.stack(rows)

    def _with_points(self, image: ImageLike, face: Face) -> Face:
        """The face with its landmarks; looked for again where another detector found it."""
        if face.mesh is not None:
            return face
        return nearest(self.detector.find(rgb(read_image(image))), face)


def nearest(faces: Sequence[Face], face: Face) -> Face:
    """The face that lies most over another one. Raises FaceNotFoundError where there is none."""
    if not faces:
        raise FaceNotFoundError("The picture shows no face.")
    return max(faces, key=lambda other: shared(other, face))


def _measured(reading: AUReading) -> Measurement:
    if reading.pose is None:
        raise InputError(f"The face cannot be read: {reading.reason}.", code="unreadable")
    return Measurement(_vector(reading), np.array(_angles(reading.pose), np.float32), None, reading.face)


def _vector(reading: AUReading) -> np.ndarray:
    """The editors' units, (12,). Raises InputError where they cannot be read."""
    values = [reading[name].both for name in ACTION_UNITS]
    if None in values:
        raise InputError(
            f"The face cannot be read: {reading.reason}.",
            code="unreadable",
            hint="take another photo, or name another estimator: fit, regressor",
        )
    return np.array(values, np.float32)


@lru_cache(maxsize=1)
def au_maps() -> dict[str, dict[str, Any]]:
    """Unit -> its reliability, the part that the network of landmarks has in it, and its terms of scores with their
    knots.
    """
    return json.loads(MAPS.read_text())["units"]


def mapped_scores(terms: Sequence[Mapping[str, Any]], scores: Blendshapes) -> tuple[float, float]:
    """Intensity, 0 to 5, of a unit on the person's left and right, by its terms of scores; the largest term counts."""
    sides = []
    for side in (0, 1):
        found = [0.0]
        for term in terms:
            score = float(np.mean([scores.sides(name)[side] for name in term["scores"]]))
            at, intensity = zip(*term["knots"], strict=True)
            found.append(float(np.interp(score, at, intensity)))
        sides.append(max(found))
    return sides[0], sides[1]


def _unit(
    name: str,
    entry: dict[str, Any],
    scores: BlendshapeReading,
    before: BlendshapeReading | None,
    found: PointValues | None,
    reason: str | None,
) -> UnitReading:
    if reason is not None or scores.face is None or scores.pose is None or found is None:
        return UnitReading(None, None, None, 0.0, reason)
    part = entry["points"]
    seen = mapped_scores(entry["terms"], scores)
    calm = (0.0, 0.0) if before is None else mapped_scores(entry["terms"], before)
    low = 0.0 if before is None else -5.0
    by_points = found.units["AU43" if name == "AU45" else name]
    values: list[float | None] = [
        min(max(part * by_points[side] + (1 - part) * (seen[side] - calm[side]), low), 5.0) for side in (0, 1)
    ]
    reliability = entry["reliability"] * trust(scores.face, scores.pose)
    if before is not None and before.face is not None and before.pose is not None:
        reliability = min(reliability, entry["reliability"] * trust(before.face, before.pose))
    if abs(scores.pose.yaw) > FAR_SIDE:
        hidden = 0 if scores.pose.yaw > 0 else 1  # turned to the picture's right, a face hides the person's left
        values[hidden] = None
        reason = f"the person's {('left', 'right')[hidden]} side is turned away"
    known = [value for value in values if value is not None]
    return UnitReading(values[0], values[1], sum(known) / len(known), reliability, reason)


def _gaze(scores: Blendshapes) -> tuple[float, float]:
    """Yaw and pitch in degrees of both eyes."""
    # To the picture's right is to the person's left: out for the left eye, in for the right one.
    right = scores.eye_look_out_left + scores.eye_look_in_right
    left = scores.eye_look_in_left + scores.eye_look_out_right
    up = scores.eye_look_up_left + scores.eye_look_up_right
    down = scores.eye_look_down_left + scores.eye_look_down_right
    return _GAZE * (right - left) / 2, _GAZE * (up - down) / 2


def _movement(scores: Blendshapes) -> np.ndarray:
    """The scores of expressions, without those of the gaze and the neutral one."""
    rows = scores.to_json()
    return np.array([rows[name] for name in rows if "Look" not in name and name != "neutral"], np.float64)


def _angles(pose: HeadPose) -> tuple[float, float, float]:
    return pose.yaw, pose.pitch, pose.roll


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
