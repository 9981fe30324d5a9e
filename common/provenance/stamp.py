"""All that a picture says of itself, into its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..core.errors import ImageError
from ..imaging.images import rgb
from . import xmp
from .credentials import sign
from .recipe import Provenance, fingerprint
from .watermark import mark

FORMATS = ("PNG", "JPEG", "WEBP")
"""That take the packet. What cannot say that it is synthetic is not written."""
_SOFTWARE = 0x0131  # of EXIF
_LONGEST = 60_000  # bytes of a packet in a JPEG file, whose segments end at 64 KiB


def check_format(kind: str, path: Path) -> None:
    """Raises an ImageError for a format, by PIL's name, that cannot say that a picture is synthetic."""
    if kind not in FORMATS:
        raise ImageError(
            f"Cannot write {path.name!r}: {kind} files cannot say that a picture is synthetic; use .png, .jpg or .webp."
        )


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

    The picture is RGB or RGBA, `kind` one of `FORMATS`; the file may be half-written when this is stopped. Raises
    MissingDependencyError: the watermark's or the signature's library is not installed; InputError: the certificate or
    its key cannot be used.
    """
    made = marked(image) if provenance.watermark else image
    recipe = provenance.complete()
    if kind == "PNG":
        text = PngInfo()
        text.add_text("Software", xmp.software(recipe))
        text.add_itxt("XML:com.adobe.xmp", xmp.write(recipe, fingerprint(made), provenance.watermark).decode())
        told: dict[str, Any] = {"pnginfo": text}
    else:
        exif = Image.Exif()
        exif[_SOFTWARE] = xmp.software(recipe)
        packet = xmp.write(recipe, watermark=provenance.watermark)
        if len(packet) > _LONGEST:  # of a page of very many requests alone, which is told by their number
            count = len(recipe.request) if isinstance(recipe.request, list) else 1
            packet = xmp.write(replace(recipe, request=f"{count} requests"), watermark=provenance.watermark)
        told = {"xmp": packet, "exif": exif}
    Image.Image.save(made, file, format=kind, **{**options, **told})  # a Picture would come back here
    if provenance.certificate is not None and provenance.key is not None:
        sign(file, recipe, provenance.certificate, provenance.key)
