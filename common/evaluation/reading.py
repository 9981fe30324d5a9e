"""Action units of several pictures of one head that has not moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from common.errors import FaceNotFoundError
from common.faces import Face
from common.images import ImageLike
from common.measure import Measurer

Name = TypeVar("Name")


def read_units(measurer: Measurer, photos: Mapping[Name, ImageLike], face: Face) -> dict[Name, list[float] | None]:
    """The 12 intensities of each photo; None where the measurer sees no face.

    Args:
        measurer: of one that sees the change between pictures, the units of the others are those of the first and their
            change, see `common.measure.Regressor.change`.
        photos: of the same size; the first is what the others were made from.
        face: where it is in all of them.
    """
    many, change = (cast(Any, getattr(measurer, name, None)) for name in ("many", "change"))
    if many is None or change is None:
        return {name: _alone(measurer, photo) for name, photo in photos.items()}
    first, *others = photos.values()
    before = many([first], faces=[face])[0].units
    units = [before, *(before + change(first, others, face))]
    return {name: each.tolist() for name, each in zip(photos, units)}


def _alone(measurer: Measurer, photo: ImageLike) -> list[float] | None:
    try:
        return measurer(photo).units.tolist()
    except FaceNotFoundError:
        return None
