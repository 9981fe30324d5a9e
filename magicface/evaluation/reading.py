"""Action units of several pictures of one head that has not moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from common.errors import FaceNotFoundError
from common.faces import Face
from common.images import ImageLike
from common.measure import Measurer

Name = TypeVar("Name")


def read_units(measurer: Measurer, photos: Mapping[Name, ImageLike], face: Face) -> dict[Name, list[float] | None]:
    """The 12 intensities of each photo; None where the measurer sees no face.

    Args:
        measurer: one that measures many pictures at once, at places it is told, looks at all through the same square.
        photos: of the same size.
        face: where it is in all of them.
    """
    many: Any = getattr(measurer, "many", None)
    if many is None:
        return {name: _alone(measurer, photo) for name, photo in photos.items()}
    found = many(list(photos.values()), faces=[face] * len(photos))
    return {name: measurement.units.tolist() for name, measurement in zip(photos, found)}


def _alone(measurer: Measurer, photo: ImageLike) -> list[float] | None:
    try:
        return measurer(photo).units.tolist()
    except FaceNotFoundError:
        return None
