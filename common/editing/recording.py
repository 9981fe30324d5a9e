"""The provenance records of an editor's pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from ..imaging.image_files import is_path
from ..provenance.picture import Picture, carry
from ..provenance.recipe import EDIT, WARP, Recipe

if TYPE_CHECKING:
    from PIL import Image

    from .editor import Editor
    from .options import ResolvedOptions
    from .subject import Subject

ENCODED = ("face", "detector", "parser", "region", "background")
"""What a Subject's record says of how its photo was looked at."""


def edited(
    editor: Editor[Any], pairs: Sequence[tuple[Subject, Any]], pictures: Sequence[Image.Image], how: ResolvedOptions
) -> list[Picture]:
    """The pictures of a call of `Editor.edit`, one for each pair; each carries its provenance record."""
    warped = how.engine == "warp"
    known = {} if warped else editor.settings()
    places = () if warped else editor.places
    made: list[Picture] = []
    for number, ((subject, request), picture) in enumerate(zip(pairs, pictures)):
        looked = {name: subject.record[name] for name in ENCODED if name in subject.record}
        if isinstance(point := looked.get("face"), tuple):
            looked["face"] = list(cast("tuple[float, float]", point))
        settings = {"size": editor.size, **looked, **how.settings(), **known}
        settings |= {} if warped else place(number, len(pictures), how.batch_size)
        settings |= changed(subject.pixels, picture)
        photo = {"name": subject.record.get("photo"), "sha256": subject.fingerprint}
        kind = WARP if warped else EDIT
        recipe = Recipe(editor.release.name, kind, request.to_json(), settings, photo=photo)
        made.append(carry(picture, recipe, places))
    return made


def changed(photo: np.ndarray, picture: Image.Image) -> dict[str, list[int]]:
    """Where an edit differs from its photo, "changed": [left, upper, right, lower] in pixels; outside it is the photo.

    By this, the rest is known exactly in a file whose pixels bear a watermark. Nothing for pictures of another size.
    """
    if photo.shape[1::-1] != picture.size or photo.shape[2] != len(picture.getbands()):
        return {}
    height, width, bands = photo.shape
    # OpenCV takes a thirtieth of numpy's time, and photos may have many millions of pixels.
    apart = np.reshape(cv2.absdiff(photo, np.asarray(picture)), (height, width * bands))
    x, y, wide, high = cv2.boundingRect(apart)
    return {"changed": [x // bands, y, -(-(x + wide) // bands), y + high]}


def place(number: int, count: int, batch_size: int) -> dict[str, int]:
    """Which row of which batch a picture was: the last bits of what networks make depend on how many pass at once."""
    first = number - number % batch_size
    return {"row": number - first, "rows": min(batch_size, count - first)}


def machine(pipeline: Any) -> dict[str, str]:
    """What computed, and how exactly."""
    import torch

    dtype = str(pipeline.unet.dtype).removeprefix("torch.")
    return {"device": str(pipeline.device), "dtype": dtype, "torch": torch.__version__}


def name_of(image: Any) -> str | None:
    """The name of a photo's file without its folder, which is private; None where there is no file."""
    name = image if is_path(image) else getattr(image, "name", None)
    return Path(os.fsdecode(name)).name if is_path(name) else None
