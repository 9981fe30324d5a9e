"""A saved edit without its watermark, for measurements: the mark's changes are not part of the edit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..core.errors import MissingDependencyError
from ..imaging.images import ImageLike, read_image, rgb
from . import watermark, xmp
from .recipe import Recipe, fingerprint
from .verify import packet, packet_of

_AGREEING = 0.98
"""Fraction of the pixels outside of an edit that equal the photo's. Where it is less, the picture was changed after its
provenance record was written, such as by a filter, and the record does not describe it."""


@dataclass(frozen=True)
class Clean:
    """A picture to measure.

    Attributes:
        image: RGB or RGBA; without the mark where it bore one that can be taken out.
        marked: (H, W, 3) uint8, the pixels with the mark; None where the picture bears none, or it is still there.
        problem: why the mark is still there; None where it is not.
    """

    image: Image.Image
    marked: np.ndarray | None = None
    problem: str | None = None

    @property
    def pixels(self) -> np.ndarray:
        """(H, W, 3) uint8."""
        return rgb(self.image)


def read_clean(image: ImageLike, before: np.ndarray | None = None) -> Clean:
    """Reads a picture as `read_image` does, and takes out the invisible watermark that its metadata name.

    Args:
        image: see `read_image`; arrays and pictures that were never saved bear no mark.
        before: (H, W, 3) uint8, the picture before the edit: with it, unedited pixels come out exactly.

    Raises:
        ImageError: see `read_image`.
        InputError: the file's provenance record is damaged.
    """
    picture, recorded = read_image(image), xmp.read(_packet(image))
    if not recorded.watermark:
        return Clean(picture)
    if recorded.pixels is not None and recorded.pixels != fingerprint(picture):
        return Clean(picture, None, "the picture was changed after its watermark was made")
    pixels = np.array(picture)
    marked = np.ascontiguousarray(pixels[..., :3])
    if before is not None and before.shape != marked.shape:
        before = None
    try:
        pixels[..., :3] = watermark.unmarked(marked, before)
        if before is not None and recorded.pixels is not None and picture.mode == "RGB":  # the format loses nothing
            kept = _untouched(recorded.recipe, before)
            if kept.any() and (pixels[kept] == before[kept]).all(1).mean() >= _AGREEING:
                pixels[kept] = before[kept]
    except MissingDependencyError as error:
        return Clean(picture, None, str(error).splitlines()[0])
    clean = Image.fromarray(pixels, picture.mode)
    clean.info = dict(picture.info)
    return Clean(clean, rgb(picture))


def read_pair(before: ImageLike, after: ImageLike) -> tuple[np.ndarray, Clean]:
    """Two pictures to compare, both without watermarks.

    A photo that was itself a marked edit keeps its mark where `after` was made of it: the edit left it in place.

    Returns:
        (H, W, 3) uint8 of `before`, and `after`; raises what `read_clean` does.
    """
    made_of = xmp.read(_packet(after)).recipe
    photo = read_image(before)
    if made_of is None or (made_of.photo or {}).get("sha256") != fingerprint(photo):
        photo = read_clean(before).image
    return rgb(photo), read_clean(after, rgb(photo))


def _untouched(recipe: Recipe | None, before: np.ndarray) -> np.ndarray:
    """(H, W) bool, where the record says that an edit left `before` as it was; nowhere if it was made from another."""
    kept = np.zeros(before.shape[:2], bool)
    box: Any = recipe.settings.get("changed") if recipe else None
    if recipe is None or not _is_box(box) or (recipe.photo or {}).get("sha256") != fingerprint(Image.fromarray(before)):
        return kept
    left, upper, right, lower = box
    kept[:] = True
    kept[upper:lower, left:right] = False
    return kept


def _is_box(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(type(each) is int and each >= 0 for each in value)


def _packet(image: Any) -> bytes:
    if isinstance(image, (str, Path)):
        return packet(Path(image).expanduser())
    return packet_of(image.info) if isinstance(image, Image.Image) else b""
