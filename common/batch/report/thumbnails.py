"""Small pictures of faces, inside the page: read at the size that is needed, and never trusted."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from ...core.errors import InputError
from ...imaging.image_files import opened
from ...imaging.images import around, rgb
from ..folder import inside
from .gather import Edits

SIDE = 208
"""Pixels of the longer side."""
MARGIN = 0.12
"""Margin around the face, in its widths."""
_QUALITY, _PROFILE = 78, 4096  # of JPEG; max bytes of a screen's colour profile


class Thumbnails:
    """Pictures of a run as data URIs.

    `places` are those of the edits that are shown, `failed` those whose photo alone is shown.

    Attributes:
        before: place -> URI of its photo; None where there is none or it cannot be read.
        after: place -> URI of its edit, likewise.
        unread: names of pictures that cannot be read, and why.
    """

    def __init__(self, edits: Edits, places: Sequence[int], failed: Sequence[int], progress: bool = True) -> None:
        self.before: dict[int, str | None] = {}
        self.after: dict[int, str | None] = {}
        self.unread: dict[str, str] = {}
        known: dict[Any, str | None] = {}
        made = set(places)
        for place in tqdm(sorted({*places, *failed}), unit="picture", disable=not progress):
            row = edits.rows[place]
            photo = Path(row["photo"]) if isinstance(row.get("photo"), str) else None
            output = _output(edits.folder, row.get("output")) if place in made else None
            face = _face(row.get("face"))
            if face is not None and place in made and not _one_size(photo, output):
                face = None  # the crop was kept, and where the face is in the photo says nothing about it
            at = (photo, face)
            if at not in known:
                known[at] = self._made(f"{edits.photos[place]} (photo)", photo, face)
            self.before[place] = known[at]
            if place in made:
                self.after[place] = self._made(f"{edits.photos[place]}/{edits.requests[place]}", output, face)

    def _made(self, name: str, path: Path | None, face: tuple[float, ...] | None) -> str | None:
        if path is None:
            return None
        try:
            return thumbnail(path, face)
        except FileNotFoundError:
            self.unread[name] = "the file is gone"
        except Exception as error:  # decoders raise whatever they meet in a damaged file
            self.unread[name] = f"cannot be read: {type(error).__name__}"
        return None


def thumbnail(path: Path, face: tuple[float, ...] | None = None) -> str:
    """A picture as a data URI of at most `SIDE` pixels a side, round the face where its box is known. Raises Exception:
    whatever the decoder meets.
    """
    with warnings.catch_warnings(), open(path, "rb") as file:
        warnings.simplefilter("ignore")  # large photos are welcome up to the bomb; damaged metadata do not matter
        with opened(file) as image:
            whole, part = max(image.size), max(face[2] - face[0], face[3] - face[1]) * (1 + 2 * MARGIN) if face else 0
            least = round(SIDE * whole / min(part or whole, whole))
            image.draft("RGB", (least, least))  # JPEG alone decodes at a smaller size
            profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
            picture = Image.fromarray(rgb(ImageOps.exif_transpose(image).convert("RGBA")))
    if face:
        box = np.array(face, float) * max(picture.size) / whole
        picture = around(picture, box, MARGIN)[0]
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    options = {"icc_profile": profile} if profile and len(profile) <= _PROFILE else {}
    picture.save(content, "JPEG", quality=_QUALITY, **options)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()


def _output(folder: Path, name: Any) -> Path | None:
    """A picture of the run; one outside of its folder is none of it."""
    try:
        return inside(folder, name) if isinstance(name, str) else None
    except (InputError, ValueError):
        return None


def _face(box: Any) -> tuple[float, ...] | None:
    try:
        x0, y0, x1, y1 = (float(value) for value in box)
    except (TypeError, ValueError):
        return None
    return (x0, y0, x1, y1) if np.isfinite((x0, y0, x1, y1)).all() and x1 > x0 and y1 > y0 else None


def _one_size(photo: Path | None, output: Path | None) -> bool:
    """Whether an edit shows all of its photo; only headers are read."""
    sizes = []
    for path in (photo, output):
        try:
            with open(path or "", "rb") as file, opened(file) as image:
                turned = image.getexif().get(0x0112, 1) >= 5  # EXIF's orientation: width is height
                sizes.append(image.size[::-1] if turned else image.size)
        except Exception:  # a picture that cannot be read is reported when it is shown
            return True
    return sizes[0] == sizes[1]
