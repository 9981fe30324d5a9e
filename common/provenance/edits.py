"""The recipes of an editor's pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ..image_files import is_path
from .picture import Picture, carry
from .recipe import DRAFT, EDIT, Recipe

if TYPE_CHECKING:
    from PIL import Image

    from ..editor import Editor
    from ..subject import Subject

ENCODED = ("picked", "finder", "parser", "extent", "background")
"""What a Subject's record says of how its photo was looked at."""


def edited(
    editor: Editor[Any], pairs: Sequence[tuple[Subject, Any]], pictures: Sequence[Any], asked: Mapping[str, Any],
    sampled: Sequence[int], batch_size: int,
) -> list[Picture]:  # fmt: skip
    """The pictures of a call of `Editor.edit`, which know how they were made.

    Args:
        editor: that made them.
        pairs: subject and wish of each.
        pictures: themselves.
        asked: steps, guidance, seed, start, strength and paste_back, resolved.
        sampled: which of them networks made, in order; the others are drafts.
        batch_size: of the networks.
    """
    numbers = {row: number for number, row in enumerate(sampled)}
    known = machine(editor.pipeline) if numbers else {}
    made = []
    for row, ((subject, wish), picture) in enumerate(zip(pairs, pictures)):
        settings = {"size": editor.size, **encoded(subject)}
        photo = {"name": subject.record.get("photo"), "sha256": subject.fingerprint}
        program, plain, places = editor.release.name, editor.rigger.plain(wish), ()
        if row in numbers:
            settings |= {"engine": "diffusion", **asked, **place(numbers[row], len(numbers), batch_size), **known}
            places = editor.pipeline.places
        else:
            settings |= {"engine": "draft", "paste_back": asked["paste_back"]}
        settings |= changed(subject.pixels, picture)
        kind = EDIT if row in numbers else DRAFT
        made.append(carry(picture, Recipe(program, kind, plain, settings, photo=photo), places))
    return made


def encoded(subject: Subject) -> dict[str, Any]:
    """How a photo was looked at."""
    found = {name: subject.record[name] for name in ENCODED if name in subject.record}
    if isinstance(picked := found.get("picked"), tuple):
        found["picked"] = [float(value) for value in picked]
    return found


def changed(photo: np.ndarray, picture: Image.Image) -> dict[str, list[int]]:
    """Where an edit differs from its photo, "changed": [left, upper, right, lower] in pixels; outside it is the photo.

    By this, the rest is known exactly in a file whose pixels bear a watermark. Nothing for pictures of another size.

    Args:
        photo: (H, W, 3 or 4) uint8.
        picture: the edit.
    """
    if photo.shape[1::-1] != picture.size or photo.shape[2] != len(picture.getbands()):
        return {}
    height, width, bands = photo.shape
    # OpenCV takes a thirtieth of numpy's time, and photos may have many millions of pixels.
    apart = cv2.absdiff(photo, np.asarray(picture)).reshape(height, width * bands)
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
    """The name of a photo's file without its folder, which is private; None of what is no file."""
    name = image if is_path(image) else getattr(image, "name", None)
    return Path(os.fsdecode(name)).name if is_path(name) else None
