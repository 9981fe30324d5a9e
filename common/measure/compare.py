"""Two pictures, before and after an edit, as one report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from ..core.errors import FaceNotFoundError, ImageError, ShapeError
from ..faces import Face, choose_face, get_detector
from ..facs.action_units import AURequest, to_vector
from ..imaging.images import ImageLike, read_image, rgb
from ..provenance.clean import read_pair
from .estimators import AUEstimator, Measurement, get_estimator, version_of
from .identity import identity
from .report import PSNR_CAP, Report

_HEAD = (0.9, 1.1)  # half axes over the face's width and height: with hair, ears, and a moderate turn
_FAINT = 0.02  # a light's direction means something from this share of its mean on
_RIGID = [*range(27, 34), 36, 39, 42, 45]  # nose and corners of the eyes
_STILL = 0.03  # of the distance of the outer corners of the eyes; a smile moves the nose by as much as 0.02
_IN_PLACE = 0.004  # likewise; what the head's outer parts may have moved
_SAME_SIZE = "Compare the picture that was edited with the one that came back; resize one of them if need be."


def measure(
    before: ImageLike,
    after: ImageLike,
    *,
    requested: AURequest | None = None,
    mask: ImageLike | None = None,
    estimator: str | AUEstimator = "auto",
) -> Report:
    """Measure what an edit changed on the largest face, and what it should have left alone.

    Args:
        before: anything that `read_image` reads.
        after: the same picture, edited; of the same size. The invisible watermark of a saved edit is taken out before
            anything is measured; what it costs is stated separately (`Report.mark_psnr`).
        requested: the edit's request, the change of the action units; None if there was none.
        mask: (H, W), bool, 0 to 1 or 0 to 255, or a picture of it: white where the edit was allowed.
        estimator: a name as `get_estimator` knows it, or one that was made.

    Raises:
        ImageError: a picture cannot be read.
        ShapeError: sizes differ.
        ActionUnitError: the request cannot be understood.
        FaceNotFoundError: a picture shows no face.
        MissingDependencyError: the estimator's package is not installed.
    """
    request = None if requested is None else np.array(to_vector(requested), np.float32)
    photo, clean = read_pair(before, after)
    photos = photo, clean.pixels
    shape = photos[0].shape[:2]
    if photos[1].shape != photos[0].shape:
        raise ShapeError("after", f"{shape}, height and width of `before`", photos[1].shape[:2], _SAME_SIZE)
    allowed = None if mask is None else _region(mask, shape)
    reader = get_estimator(estimator) if isinstance(estimator, str) else estimator
    first, second = measure_both(reader, *photos)
    faces = _face(first, photos[0], "before"), _face(second, photos[1], "after")
    surroundings = ~(_person(faces[0], shape) | _person(faces[1], shape))
    everywhere, outside = np.ones(shape, bool), None if allowed is None or clean.problem else ~allowed
    return Report(
        estimator=reader.name,
        estimator_version=version_of(reader),
        units_before=first.units,
        units_after=second.units,
        requested=request,
        identity=identity(*photos, faces=faces),
        angles_before=first.angles,
        angles_after=second.angles,
        light_before=first.light,
        light_after=second.light,
        light_turn=light_turn(first.light, second.light),
        background_psnr=None if clean.problem else psnr(*photos, surroundings),
        outside_psnr=None if outside is None else psnr(*photos, outside),
        outside_difference=None if outside is None else difference(*photos, outside),
        mark_psnr=None if clean.marked is None else psnr(photos[1], clean.marked, everywhere),
        mark_problem=clean.problem,
        pictures=photos,
    )


def measure_both(estimator: AUEstimator, before: np.ndarray, after: np.ndarray) -> tuple[Measurement, Measurement]:
    """Two photos (H, W, 3) uint8 of one person.

    Where the estimator can see the change between two pictures, the units after are those before and that change. For
    some (see `Regressor.change`) they must lie upon each other to a fraction of a pixel, as an edit leaves them.

    Raises:
        FaceNotFoundError: a picture shows no face.
    """
    first, second = (_measure(estimator, photo, role) for photo, role in ((before, "before"), (after, "after")))
    change: Any = getattr(estimator, "change", None)
    if change is None or first.face is None or second.face is None:
        return first, second
    anywhere = getattr(estimator, "any_pose", False)
    if not anywhere and not (
        moved(first.face, second.face) <= _STILL and slipped(before, after, first.face) <= _IN_PLACE
    ):
        return first, second
    return first, replace(second, units=first.units + change(before, [after], first.face)[0])


def moved(face: Face, other: Face) -> float:
    """How far the points that no expression moves have gone, over the distance of the outer corners of the eyes."""
    steps = np.linalg.norm((other.landmarks - face.landmarks)[_RIGID], axis=1)
    return float(steps.mean() / np.linalg.norm(face.landmarks[45] - face.landmarks[36]))


def slipped(before: np.ndarray, after: np.ndarray, face: Face) -> float:
    """How far hair, ears and neck have moved, over the distance of the outer corners of the eyes; for small motions.

    One step of Lucas and Kanade (1981) for a shift, a turn and a scale, where no expression reaches. A motion in which
    nothing can be seen is infinite.

    Args:
        before: (H, W, 3) uint8.
        after: (H, W, 3) uint8.
        face: in `before`.
    """
    shape, eyes = before.shape[:2], float(np.linalg.norm(face.landmarks[45] - face.landmarks[36]))
    hull = cv2.convexHull(face.landmarks.round().astype(np.int32))
    inner = cv2.fillConvexPoly(np.zeros(shape, np.uint8), hull, 1)
    reach = 2 * max(1, round(0.15 * eyes)) + 1
    outer = _person(face, shape) & (cv2.dilate(inner, np.ones((reach, reach))) == 0)
    grey, other = (cv2.GaussianBlur(p.mean(2).astype(np.float32), (0, 0), 1.0) for p in (before, after))
    down, right = (gradient[outer] for gradient in np.gradient((grey + other) / 2))
    y, x = (((part - centre) / eyes) for part, centre in zip(np.nonzero(outer), face.centre[::-1]))
    columns = np.stack([right, down, x * right + y * down, x * down - y * right], 1)
    if len(columns) < 4 or np.linalg.matrix_rank(columns) < 4:
        return float("inf")
    shift = np.linalg.lstsq(columns, (grey - other)[outer], rcond=None)[0]
    return float(np.abs(shift).max() / eyes)


def psnr(before: np.ndarray, after: np.ndarray, where: np.ndarray) -> float | None:
    """Peak signal-to-noise ratio in dB, equal pixels count as `PSNR_CAP`.

    Args:
        before: (H, W, 3) uint8.
        after: (H, W, 3) uint8.
        where: (H, W) bool, the pixels that count; None is returned if there are none.
    """
    if not where.any():
        return None
    return decibels(float(np.square(before[where].astype(np.float64) - after[where]).mean()))


def decibels(error: float) -> float:
    """The peak signal-to-noise ratio that goes with a mean squared error in grey levels of 0 to 255."""
    return PSNR_CAP if error == 0 else min(PSNR_CAP, 10 * float(np.log10(255**2 / error)))


def difference(before: np.ndarray, after: np.ndarray, where: np.ndarray) -> float | None:
    """Mean absolute difference in grey levels, 0 to 255; arguments as `psnr`."""
    return float(np.abs(before[where].astype(np.float64) - after[where]).mean()) if where.any() else None


def light_turn(before: np.ndarray | None, after: np.ndarray | None) -> float | None:
    """Degrees between the directions from which two lights (9, 3) mostly come; None where one comes from everywhere."""
    if before is None or after is None:
        return None
    directions = []
    for light in (before, after):
        mean = np.asarray(light, np.float64).mean(1)  # (9, 3) -> (9,), grey
        length = float(np.linalg.norm(mean[1:4]))
        if length <= _FAINT * abs(mean[0]):
            return None
        directions.append(mean[1:4] / length)
    first, second = directions
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(first, second)), first @ second)))


def _measure(estimator: AUEstimator, photo: np.ndarray, role: str) -> Measurement:
    try:
        return estimator(photo)
    except FaceNotFoundError as error:
        raise FaceNotFoundError(f"The picture {role} the edit: {error}") from error


def _face(found: Measurement, photo: np.ndarray, role: str) -> Face:
    try:
        return found.face or choose_face(get_detector().find(photo))
    except FaceNotFoundError as error:
        raise FaceNotFoundError(f"The picture {role} the edit: {error}") from error


def _person(face: Face, shape: tuple[int, ...]) -> np.ndarray:
    """Where head and shoulders may be, (H, W) bool: an ellipse about the face's box, and all that is below the face."""
    (x, y), (width, height) = face.centre.tolist(), (face.box[2:] - face.box[:2]).clip(1).tolist()
    rows, columns = np.indices(shape, sparse=True)
    head = ((columns - x) / (_HEAD[0] * width)) ** 2 + ((rows - y) / (_HEAD[1] * height)) ** 2 <= 1
    return head | (rows >= y + height / 2)


def _region(mask: ImageLike, shape: tuple[int, ...]) -> np.ndarray:
    """The mask as (H, W) bool."""
    if isinstance(mask, np.ndarray) and mask.dtype.kind in "ui" and mask.size and mask.max() <= 1:
        mask = mask.astype(bool)  # 0 and 1, not two blacks
    try:
        region = rgb(read_image(mask)).max(2) > 127  # (H, W, 3) -> (H, W)
    except ImageError as error:
        raise ImageError(f"The mask cannot be used: {error}") from error
    if region.shape != shape:
        raise ShapeError("mask", f"{shape}, height and width of the pictures", region.shape)
    return region
