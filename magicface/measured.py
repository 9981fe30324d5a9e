"""Wishes that a measurement makes: a face without its expression, or with that of another one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from common.action_units import AUDelta
from common.checks import check_share
from common.edit_options import FaceOptions, ModelOptions
from common.errors import InputError
from common.faces import choose_face, get_finder
from common.images import ImageLike, read_image, rgb
from common.measure import get_measurer
from common.measure.estimators import described

from ._api import edit

if TYPE_CHECKING:
    from PIL import Image
    from typing_extensions import Unpack

    from common.edit_options import FaceChoice, Keywords
    from common.faces import FaceFinder

log = logging.getLogger(__name__)

FAINT = 0.5
"""Of a change of intensity: less than that is not told from nothing, and left alone."""


def neutralize(
    img: ImageLike,
    *,
    share: float = 1.0,
    measurer: str = "auto",
    **options: Unpack[Keywords],
) -> Image.Image:
    """A photo whose measured action units are brought to zero: `neutralize("smile.jpg")`.

    Args:
        img: a photo, see `edit`.
        share: of the expression that goes, 0 to 1.
        measurer: who reads the photo, see `common.measure.get_measurer`.
        options: of `edit`; face and finder count for what is measured too.

    Returns:
        The edited photo as PIL image; the photo itself where nothing is to be seen of an expression.

    Raises:
        As `edit`.
    """
    check_share("share", share)
    photo = read_image(img)
    _tell(measurer)
    face, finder = FaceOptions.of(options).face, ModelOptions.of(options).finder
    change = -share * units_of(photo, face, measurer, finder).clip(0)
    return _changed(photo, change, options)


def transfer(
    img: ImageLike,
    reference: ImageLike,
    *,
    share: float = 1.0,
    reference_face: FaceChoice = "largest",
    measurer: str = "auto",
    **options: Unpack[Keywords],
) -> Image.Image:
    """A photo with the expression that is measured in another one: `transfer("me.jpg", "actor.jpg")`.

    Args:
        img: a photo, see `edit`.
        reference: who shows the expression; of this one only the action units are taken.
        share: of the way between the two expressions, 0 to 1.
        reference_face: which in the reference.
        measurer: who reads both, see `common.measure.get_measurer`.
        options: of `edit`; face and finder count for what is measured too.

    Returns:
        The edited photo as PIL image; the photo itself where both show the same.

    Raises:
        As `edit`.
    """
    check_share("share", share)
    photo = read_image(img)
    _tell(measurer)
    face, finder = FaceOptions.of(options).face, ModelOptions.of(options).finder
    there = units_of(reference, reference_face, measurer, finder)
    here = units_of(photo, face, measurer, finder)
    change = share * (there.clip(0) - here.clip(0))
    return _changed(photo, change, options)


def units_of(
    img: ImageLike, face: FaceChoice = "largest", measurer: str = "auto", finder: str | FaceFinder = "auto"
) -> np.ndarray:
    """The measured intensities (12,) of one face of a photo, 0 to 5, in the order of `ACTION_UNITS`.

    Args:
        img: the photo.
        face: which of the faces that the finder sees.
        measurer: who reads it, see `common.measure.get_measurer`.
        finder: face detector, by which a face has its index.

    Raises:
        FaceNotFoundError: no such face.
        InputError: there is no such measurer, or it reads the largest face only and another one is asked for.
    """
    reader, pixels = get_measurer(measurer), rgb(read_image(img))
    many = getattr(reader, "many", None)
    if many is not None:
        found = get_finder(finder) if isinstance(finder, str) else finder
        return many([pixels], faces=[choose_face(found.find(pixels), face)])[0].units
    if face != "largest":
        raise InputError(f"The measurer {reader.name!r} reads the largest face only; got face={face!r}.")
    return reader(pixels).units


def _tell(measurer: str) -> None:
    log.warning("expressions are read by %s", described(get_measurer(measurer).name))


def _changed(photo: Image.Image, change: np.ndarray, options: Keywords) -> Image.Image:
    values = [round(float(value), 2) if abs(value) >= FAINT else 0.0 for value in change]
    request = AUDelta(tuple(values))
    return edit(photo, request, **options) if any(request) else photo.copy()
