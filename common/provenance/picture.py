"""Pictures that carry their provenance, and how it goes into their files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..core.errors import ImageError
from ..imaging.carried import KEY
from ..imaging.images import rgb, save_image
from . import xmp
from .credentials import sign
from .recipe import Provenance, Recipe, fingerprint, saved_with, version
from .watermark import mark

FORMATS = ("PNG", "JPEG", "WEBP")
"""That take the packet. What cannot say that it is synthetic is not written."""
_SOFTWARE = 0x0131  # of EXIF
_LONGEST = 60_000  # bytes of a packet in a JPEG file, whose segments end at 64 KiB


class Picture(Image.Image):
    """A PIL image of an edit; every file that it is saved to says that it is synthetic, and how it was made.

    Pictures made from it, by `resize` or `crop`, are plain PIL images; `common.imaging.images.save_image` saves those
    as this one saves itself.
    """

    def save(
        self,
        fp: Any,
        format: str | None = None,
        *,
        watermark: bool = True,
        certificate: str | Path | None = None,
        key: str | Path | None = None,
        **params: Any,
    ) -> None:
        """Writes a PNG, JPEG or WebP file, whole or not at all; into an open file, what PIL itself writes.

        Args:
            fp: a path, or an open file.
            format: PIL's name of it; default: that of the path's suffix.
            watermark: False for pixels without the invisible mark.
            certificate: with `key`, PEM files that sign the picture, see `common.provenance.credentials`.
            key: see `certificate`.
            params: of PIL's `save`.

        Raises:
            ImageError: another format, or a place that cannot be written.
            InputError: a certificate without a key, or one that cannot be used.
            MissingDependencyError: what marks or signs is not installed.
        """
        if not isinstance(fp, (str, os.PathLike)):
            super().save(fp, format, **params)
            return
        signed = {"certificate": certificate and Path(certificate), "key": key and Path(key)}
        save_image(saved_with(self.copy(), watermark=watermark, **signed), Path(fp), format, **params)


def carry(image: Image.Image, recipe: Recipe, places: Sequence[Path] = ()) -> Picture:
    """The picture, which knows how it was made from now on.

    `places` are the folders of the model that made it; none for warps.
    """
    known = Provenance(replace(recipe, version=recipe.version or version()), places=tuple(places))
    return knowing(image, known)


def knowing(image: Image.Image, known: Provenance) -> Picture:
    """A copy of the picture with what is known of it."""
    copied = image.copy()
    made = Picture()
    # As PIL's own plugins fill a subclass; pixels that travel as bytes would cost large photos a tenth of a second.
    made.im, made._mode, made._size = copied.im, copied.mode, copied.size
    made.info = {**image.info, KEY: known}
    return made


def marked(image: Image.Image) -> Image.Image:
    """The picture, RGB or RGBA, with the invisible watermark; alpha and what it hides stay as they are."""
    if image.mode == "RGB":
        return Image.fromarray(mark(np.asarray(image)))
    pixels, seen = np.array(image), rgb(image)
    change = mark(seen).astype(np.int16) - seen
    change[pixels[..., 3] == 0] = 0
    pixels[..., :3] = cv2.add(pixels[..., :3], change, dtype=cv2.CV_8U)
    return Image.fromarray(pixels)


def write(image: Image.Image, file: Path, kind: str, options: dict[str, Any], provenance: Provenance) -> None:
    """Saves a picture with its recipe, marked and signed as its provenance says.

    The picture is RGB or RGBA; the file may be half-written when this is stopped. Raises ImageError: `kind` is not one
    of `FORMATS`; MissingDependencyError: the watermark's or the signature's library is not installed; InputError: the
    certificate or its key cannot be used.
    """
    if kind not in FORMATS:
        raise ImageError("This format has no provenance record.", code="format", expected=FORMATS, actual=kind)
    made = marked(image) if provenance.watermark else image
    recipe = provenance.complete()
    if kind == "PNG":
        text = PngInfo()
        text.add_text("Software", xmp.software(recipe))
        text.add_itxt("XML:com.adobe.xmp", xmp.write(recipe, fingerprint(made), provenance.watermark).decode())
        stamped: dict[str, Any] = {"pnginfo": text}
    else:
        exif = Image.Exif()
        exif[_SOFTWARE] = xmp.software(recipe)
        packet = xmp.write(recipe, watermark=provenance.watermark)
        if len(packet) > _LONGEST:  # of a page of very many requests alone, which is reduced to their number
            count = len(recipe.request) if isinstance(recipe.request, list) else 1
            packet = xmp.write(replace(recipe, request=f"{count} requests"), watermark=provenance.watermark)
        stamped = {"xmp": packet, "exif": exif}
    Image.Image.save(made, file, format=kind, **{**options, **stamped})  # a Picture would come back here
    if provenance.certificate is not None and provenance.key is not None:
        sign(file, recipe, provenance.certificate, provenance.key)
