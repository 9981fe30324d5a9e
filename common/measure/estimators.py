"""AU estimators: action units, pose and light of one picture, by the 3D head or by networks; and which can be trusted.

What each was validated on is stated here once; reports, tables, charts and logs all take their words from here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..core.errors import InputError, ShapeError
from ..faces import Face, FaceDetector, choose_face, get_detector
from ..faces.affine import quarter_turn
from ..imaging.images import ImageLike, read_image, rgb
from ..provenance.recipe import DISTRIBUTION, version
from ..provenance.weights import digest

if TYPE_CHECKING:
    from ..face3d.fitting.fit import Fit

NOT_STATED = "not stated"


@dataclass(frozen=True)
class Validation:
    """How an estimator was tested.

    Attributes:
        on: the pictures with known truth.
        photographs: whether its values are reliable on photographs.
        package: the distribution that its networks come from.
    """

    on: str
    photographs: bool
    package: str = DISTRIBUTION

    def __str__(self) -> str:
        return f"validated on {self.on}" + ("" if self.photographs else "; not reliable on photographs")


VALIDATIONS: Mapping[str, Validation] = {
    "regressor": Validation("synthetic faces only", False),
    "fit": Validation("synthetic faces only", False),
    "landmarker": Validation("synthetic faces, and by its agreement with MediaPipe's scores on real film", True),
    "py-feat": Validation("photographs by its authors, through an adapter not run with it", False, "py-feat"),
}
"""Estimator -> how it was validated."""


def validation(name: str | None) -> str:
    """Words on an estimator's validation, such as "validated on synthetic faces only; not reliable on photographs"."""
    found = VALIDATIONS.get(name or "")
    return str(found) if found else "validation not stated; reliability on photographs unknown"


def described(name: str) -> str:
    """An estimator's name with the words of `validation`."""
    return f"{name} ({validation(name)})"


def version_of(estimator: Any) -> str:
    """Package version of an estimator, and the SHA-256 of its weights where it has a file of its own."""
    if estimator.name not in VALIDATIONS:
        return NOT_STATED
    package = VALIDATIONS[estimator.name].package
    weights = getattr(estimator, "weights", None)
    return f"{package} {_version(package)}" + (f", weights SHA-256 {digest(Path(weights))}" if weights else "")


@cache
def _version(package: str) -> str:
    if package == DISTRIBUTION:
        return version()
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return NOT_STATED


@dataclass(frozen=True, eq=False)
class Measurement:
    """What a picture shows of its largest face; arrays are kept as float32.

    Attributes:
        units: (12,) intensities in the order of `ACTION_UNITS`, 0 to 5, the mean of both sides. A negative one goes the
            way of the antagonist, such as lowered lids for AU5, or lies within the error of 0.
        angles: (3,) degrees: yaw, pitch, roll as `face3d.camera.rotation_matrix` counts them.
        light: (9, 3) spherical harmonics as `face3d.fit_light` scales them; None where it cannot be read.
        face: where it was found; None from estimators that do not say.

    Raises:
        ShapeError: an array has another shape.
        InputError: a number is NaN or infinite.
    """

    units: np.ndarray
    angles: np.ndarray
    light: np.ndarray | None = None
    face: Face | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name, shape in {"units": (12,), "angles": (3,), "light": (9, 3)}.items():
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, finite(f"Measurement.{name}", value, shape))


class AUEstimator(Protocol):
    """Reads one picture's largest face."""

    @property
    def name(self) -> str:
        """Name by which `get_estimator` knows it."""
        ...

    def __call__(self, image: ImageLike) -> Measurement:
        """Measure a picture, anything that `read_image` reads.

        Raises:
            ImageError: it is no picture.
            FaceNotFoundError: it shows no face.
        """
        ...


class HeadFit:
    """Measures by fitting the 3D head to the face's landmarks, and its light to the skin's pixels.

    Args:
        detector: of the face; None is "mediapipe", whose mesh of 478 points tells more than 68 landmarks.
    """

    name = "fit"

    def __init__(self, detector: FaceDetector | None = None) -> None:
        self.detector = detector or get_detector("mediapipe")

    def __call__(self, image: ImageLike) -> Measurement:
        """See `AUEstimator`."""
        photo = rgb(read_image(image))
        face = choose_face(self.detector.find(photo))
        found = fitted(photo, face)
        units = found.expression[0].mean(0).cpu().numpy()  # (2, 12) sides -> (12,)
        return Measurement(units, *_pose_and_light(found, face), face)


def fitted(photo: np.ndarray, face: Face) -> Fit:
    """The head of one face of a photo (H, W, 3) uint8, upright, see `face3d.fitting.fit`."""
    from ..face3d.fitting.fit import fit  # brings the head, which only some estimators need

    upright = face.mapped(quarter_turn(face.turns, photo.shape[1::-1]))
    points = upright.landmarks if upright.mesh is None else upright.mesh
    return fit(points, image=np.ascontiguousarray(np.rot90(photo, face.turns)))


def fitted_pose_and_light(photo: np.ndarray, face: Face) -> tuple[np.ndarray, np.ndarray | None]:
    """Angles (3,) in degrees of a face, as its fitted head tells, and light (9, 3), None without enough skin."""
    return _pose_and_light(fitted(photo, face), face)


def _pose_and_light(found: Fit, face: Face) -> tuple[np.ndarray, np.ndarray | None]:
    """Pose and light of a fit, in the photo's axes, from which the head was turned upright."""
    import torch

    from ..face3d.camera import rotation_matrix
    from ..face3d.rendering.lighting import rotate

    angles = np.degrees(found.angles[0].cpu().numpy())
    angles[2] = (angles[2] - 90 * face.turns + 180) % 360 - 180
    if found.light is None:
        return angles, None
    light = found.light.float().cpu()
    if face.turns:
        light = rotate(light, rotation_matrix(torch.tensor([[0.0, 0.0, -math.radians(90 * face.turns)]])))
    return angles, light[0].numpy()


def _regressor() -> AUEstimator:
    from .regressor import Regressor

    return Regressor()


def _landmarker() -> AUEstimator:
    from .readings import LandmarkerEstimator

    return LandmarkerEstimator()


def _py_feat() -> AUEstimator:
    from .py_feat import PyFeat

    return PyFeat()


ESTIMATORS: dict[str, Callable[[], AUEstimator]] = {
    "landmarker": _landmarker,
    "regressor": _regressor,
    "fit": HeadFit,
    "py-feat": _py_feat,
}
"""Every AU estimator by name, best first."""


@lru_cache(maxsize=4)
def get_estimator(name: str = "auto") -> AUEstimator:
    """An AU estimator; asked again, the same one, since networks load slowly.

    Args:
        name: one of ESTIMATORS; "auto" is the first: the landmarks' reader, the only one that reads photographs. Of the
            synthetic people that small networks paint, "regressor" sees more, and evaluations ask for it.

    Raises:
        InputError: there is no such estimator.
        MissingDependencyError: its package is not installed.
    """
    if name == "auto":
        name = next(iter(ESTIMATORS))
    if name not in ESTIMATORS:
        raise InputError(f"There is no AU estimator {name!r}; choose from auto, {', '.join(ESTIMATORS)}.")
    return ESTIMATORS[name]()


def finite(name: str, value: object, shape: tuple[int, ...]) -> np.ndarray:
    """The value as a float32 array; raises a ShapeError for another shape, an InputError for NaN or infinity."""
    array = np.asarray(value, np.float32)
    if array.shape != shape:
        raise ShapeError(name, str(shape), array.shape)
    if not np.isfinite(array).all():
        raise InputError(f"{name} must be finite.\n  expected: numbers\n  got:      NaN or infinity")
    return array
