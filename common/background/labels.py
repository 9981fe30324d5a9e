"""The 19 classes of a face-parsing map, and which of them an editor paints over."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..errors import InputError, ShapeError
from ..parts import PARTS

Extent = Literal["head", "face"]
Guide = Literal["background", "photo"]

BACKGROUND, SKIN, NECK, CLOTH, HAIR = (PARTS.index(name) for name in ("background", "skin", "neck", "cloth", "hair"))

_KEPT = {
    # The authors' published examples paint over the whole person.
    "head": ("background",),
    # Their published script spares these, which they advise when the face fills the picture.
    "face": ("background", "l_ear", "r_ear", "ear_r", "neck", "cloth", "hair", "hat"),
}


def foreground(labels: np.ndarray, extent: Extent = "head") -> np.ndarray:
    """Say which pixels belong to the person that the editor redraws.

    Args:
        labels: face-parsing classes, (H, W) uint8 in [0, 18], in the order of `PARTS`.
        extent: "head" takes every class but the background; "face" spares ears, earrings, neck, clothes, hair and hat.

    Returns:
        (H, W) bool, true where the person is.

    Raises:
        InputError: the extent is unknown.
        ShapeError: the labels are not one map.
    """
    if not isinstance(extent, str) or extent not in _KEPT:
        raise InputError(f"extent is unknown.\n  expected: one of {sorted(_KEPT)}\n  got:      {extent!r}")
    if labels.ndim != 2:
        raise ShapeError("labels", "(H, W)", labels.shape)
    return ~np.isin(labels, [PARTS.index(name) for name in _KEPT[extent]])
