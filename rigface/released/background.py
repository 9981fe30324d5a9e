"""The background that the released RigFace keeps: the source with grey wherever a person is or will be."""

from __future__ import annotations

import numpy as np

from common.core.errors import ShapeError
from common.parsing import foreground
from common.parsing.labels import check_crop

GREY = 127


def grey_background(picture: np.ndarray, labels: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Paint the person out of the source's crop.

    The picture is the source, (S, S, 3) uint8, RGB, `labels` (S, S) uint8 its face-parsing classes, of which 1 to 18
    are the person. `others`, (S, S) bool each, say where the person will be instead, when the pose is edited.

    Returns:
        (S, S, 3) uint8.

    Raises:
        InputError: the picture is not uint8.
        ShapeError: labels or another mask have not the picture's size.
    """
    check_crop(picture)
    background = picture.copy()
    for name, mask in (("labels", labels), *(("the other person", other) for other in others)):
        if mask.shape != picture.shape[:2]:
            raise ShapeError(name, f"{picture.shape[:2]}, the crop's height and width", mask.shape)
        background[mask if mask.dtype == bool else foreground(mask)] = GREY
    return background
