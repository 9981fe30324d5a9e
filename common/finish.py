"""From what was made to what the user gets: back in the photo, or the crop alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from .images import on_white, to_uint8
from .paste import paste, paste_mask
from .rig import Rig, Rigger
from .subject import Subject


def finish(
    subject: Subject, rig: Rig, row: int, crop: np.ndarray, neutral: np.ndarray | None, way: str | None
) -> Image.Image:
    """One edit by networks.

    Args:
        subject: who was edited.
        rig: of the batch.
        row: which of it.
        crop: (S, S, 3) in [0, 1], as generated.
        neutral: its twin, where there is one.
        way: "replace", "detail", or None for the crop alone; a prepared crop has no photo to go back to.
    """
    if way is None or subject.face is None:
        return Image.fromarray(to_uint8(crop))
    return paste(subject.photo, subject.crop, crop, paste_mask(rig.region(row, subject)), neutral, rig.draft(row))


def draft(subject: Subject, rigger: Rigger[Any], wish: Any, way: str | None) -> Image.Image:
    """One edit without networks; what it leaves alone stays byte for byte, and so does transparency.

    Args:
        subject: who is edited.
        rigger: from wishes to drafts.
        wish: what to change.
        way: None for the crop alone, else the whole photo.

    Raises:
        InputError: a prepared crop, or a wish that no draft can grant.
    """
    return placed(subject, rigger.draft(subject, wish), way is not None)


def placed(subject: Subject, moved: np.ndarray, pastes: bool) -> Image.Image:
    """A draft (H, W, 3 or 4) uint8 of the whole photo with the photo's profile; or its crop alone, before white."""
    if not pastes:
        return Image.fromarray(subject.crop.apply(on_white(moved)))
    image = Image.fromarray(moved)
    image.info = dict(subject.photo.info)  # the colour profile
    return image
