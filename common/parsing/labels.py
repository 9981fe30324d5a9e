"""The 19 classes of a face-parsing map, which an editor paints over, and checks of the parsers' arguments."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..core.errors import InputError, ShapeError
from ..core.face_labels import PARTS

Region = Literal["head", "face"]
ConditioningImage = Literal["background", "photo"]

BACKGROUND, SKIN, NECK, CLOTH, HAIR = (PARTS.index(name) for name in ("background", "skin", "neck", "cloth", "hair"))

_KEPT = {
    # The authors' published examples paint over the whole person.
    "head": ("background",),
    # Their published script spares these, which they recommend when the face fills the picture.
    "face": ("background", "l_ear", "r_ear", "ear_r", "neck", "cloth", "hair", "hat"),
}


def foreground(labels: np.ndarray, region: Region = "head") -> np.ndarray:
    """Say which pixels belong to the person that the editor redraws, (H, W) bool.

    `labels` are face-parsing classes, (H, W) uint8 in the order of `PARTS`. The region "head" takes every class but the
    background; "face" spares ears, earrings, neck, clothes, hair and hat. Raises InputError for another region,
    ShapeError for labels that are not one map.
    """
    if not isinstance(region, str) or region not in _KEPT:
        raise InputError("The region is unknown.", code="unknown", expected=tuple(_KEPT), actual=region)
    if labels.ndim != 2:
        raise ShapeError("labels", "(H, W)", labels.shape)
    return ~np.isin(labels, [PARTS.index(name) for name in _KEPT[region]])


def check_crop(crop: np.ndarray) -> None:
    """Raise InputError or ShapeError for anything but one RGB picture, (H, W, 3) uint8."""
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.size == 0:
        raise ShapeError("crop", "(H, W, 3), RGB", crop.shape)
    if crop.dtype != np.uint8:
        raise InputError("crop has the wrong dtype.", code="type", expected="uint8 in [0, 255]", actual=crop.dtype)


def check_points(name: str, points: np.ndarray, count: int | None = None) -> np.ndarray:
    """Points as (N, 2) float64, x and y in pixels, of which there must be `count` if that is given; `name` is for the
    message.

    Raises InputError for a coordinate that is not finite, ShapeError for another shape or count.
    """
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or (count is not None and len(array) != count):
        raise ShapeError(name, f"({'N' if count is None else count}, 2), x and y in pixels", array.shape)
    if not np.isfinite(array).all():
        raise InputError(f"{name} hold NaN or infinity.", code="values", expected="finite numbers of pixels")
    return array
