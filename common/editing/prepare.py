"""From a photo to what the networks see of it: face, crop, parts, background. No network of the editor takes part."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..core.errors import FaceNotFoundError, InputError
from ..faces import Crop, Face, FaceDetector, choose_face, get_detector
from ..faces.upright import notice
from ..imaging.images import rgb
from ..parsing import ConditioningImage, Parser, Region, foreground, masked_background
from .photo_checks import photo_warnings

if TYPE_CHECKING:
    from .options import FaceChoice


@dataclass(frozen=True, eq=False)
class Prepared:
    """A photo as the networks see it; see `Subject` for the fields."""

    face: Face = field(repr=False)
    crop: Crop
    source: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    background: np.ndarray = field(repr=False)
    mask: np.ndarray = field(repr=False)
    warnings: tuple[str, ...] = ()


def prepare(
    pixels: np.ndarray,
    detector: FaceDetector,
    parser: Parser,
    *,
    size: int,
    face: FaceChoice = "largest",
    region: Region = "head",
    zoom: float = 1.0,
    conditioning_image: ConditioningImage = "background",
    fill: int = 0,
    hint: bool = True,
) -> Prepared:
    """Find a face, cut it out, and paint the person out of a copy.

    Args:
        pixels: (H, W, 3) uint8, RGB.
        detector: of the face.
        parser: of its parts.
        size: S, side of the crop in pixels.
        face: see `choose_face`.
        region: see `foreground`.
        zoom: see `Crop.around`.
        conditioning_image: "background": with the person painted out, as the published networks expect it, which were
            trained on backgrounds of the target. "photo": the crop as it is, for networks that were trained on the
            photo before the edit, from which nothing need be hidden.
        fill: see `masked_background`.
        hint: see `masked_background`.

    Raises:
        FaceNotFoundError: no such face, or the parser finds no person there.
    """
    faces = detector.find(pixels)
    found = choose_face(faces, face)
    notice(found)
    crop = Crop.around(found.box, (pixels.shape[1], pixels.shape[0]), size, zoom=zoom, turns=found.turns)
    made = prepare_crop(
        crop.apply(pixels),
        found,
        crop,
        parser,
        region=region,
        conditioning_image=conditioning_image,
        fill=fill,
        hint=hint,
    )
    return replace(made, warnings=tuple(photo_warnings(pixels, faces, found, detector, chosen=face != "largest")))


def prepare_crop(
    source: np.ndarray,
    face: Face,
    crop: Crop,
    parser: Parser,
    *,
    region: Region = "head",
    conditioning_image: ConditioningImage = "background",
    fill: int = 0,
    hint: bool = True,
) -> Prepared:
    """As `prepare`, of a crop (S, S, 3) uint8 that was cut out already; the face is in the photo's pixels."""
    inside = face.mapped(crop.matrix)
    labels = parser.parse(source, outline=inside.outline, landmarks=inside.landmarks)
    mask = foreground(labels, region)
    if not mask.any():
        what = f"The parser {parser.name} finds no person where the detector {face.backend} found a face."
        raise FaceNotFoundError(what, code="no_person", hint="choose another face, or another parser")
    if conditioning_image == "photo":
        return Prepared(face, crop, source, labels, source, mask)
    behind = masked_background(source, labels, inside.landmarks, inside.points, region, hint, fill)
    return Prepared(face, crop, source, labels, behind, mask)


def made_before(source: np.ndarray, background: np.ndarray, size: int) -> Prepared:
    """A crop (S, S, 3) and its background that were prepared elsewhere; of the face nothing is known.

    Raises:
        InputError: other sizes.
    """
    if {source.shape, background.shape} != {(size, size, 3)}:
        sizes = [source.shape[:2], background.shape[:2]]
        message = "An aligned crop or its background has another size (height, width)."
        raise InputError(message, code="size", expected=(size, size), actual=sizes)
    crop = Crop(np.eye(2, 3, dtype=np.float32), size, (size, size))
    mask = (source != background).any(2)
    return Prepared(None, crop, source, None, background, mask)  # pyright: ignore[reportArgumentType] - no photo


def face_box(
    photo: Image.Image, face: FaceChoice = "largest", detector: str | FaceDetector = "auto"
) -> tuple[float, float, float, float]:
    """Where the chosen face lies in an upright photo, (x0, y0, x1, y1). Raises FaceNotFoundError: no such face."""
    x0, y0, x1, y1 = choose_face(get_detector(detector).find(rgb(photo)), face).box.tolist()
    return x0, y0, x1, y1
