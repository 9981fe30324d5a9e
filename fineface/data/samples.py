"""Data sets of pictures on disk, and image folders as Hugging Face's `datasets` knows them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.utils.data import Dataset

from common.core.errors import InputError
from common.core.files import files_below
from common.core.records import checked, read_rows
from common.faces import Crop
from common.facs.action_units import ACTION_UNITS, facs, known_unit
from common.imaging.image_files import identified, picture_size, suffixes
from common.imaging.images import read_image, rgb
from common.imaging.tensors import to_tensor
from common.training.manifest import intensities
from common.training.people import person_of

log = logging.getLogger(__name__)

Sample = dict[str, Any]
"""image (3, S, S) float32 in [0, 1]; caption, a text; units (12,) float32 in 0..5; from some data also face (1, S, S),
1 where it is."""

STRONGEST = 5.0
METADATA = ("metadata.csv", "metadata.jsonl")
CAPTIONS = ("caption", "text")
NAMES = ("file_name", *CAPTIONS, "action_units")


@dataclass(frozen=True)
class Listed:
    """A picture on disk and what is known of it.

    Attributes:
        units: twelve intensities, 0..5.
        box: x0 y0 x1 y1 of the face in pixels, around which it is cropped; None crops the middle square.
        person: who it shows, where that is known.
    """

    path: Path
    caption: str
    units: tuple[float, ...]
    box: tuple[float, ...] | None = None
    person: str | None = None


class Pictures(Dataset[Sample]):
    """Samples (S, S), S = `size`, of pictures on disk, known to the fingerprint by their paths below `root`.

    Raises InputError: there is no picture, or a file is missing.
    """

    def __init__(self, listed: Sequence[Listed], size: int, root: Path) -> None:
        if not listed:
            raise InputError(f"{root} has no picture to learn from.", code="empty")
        self.listed, self.size = listed, size
        self.people = [row.person for row in listed]
        self.pictures_of = [(str(row.path.resolve()),) for row in listed]
        digest = hashlib.sha256(str(size).encode())
        for row in listed:
            try:
                known = identified(row.path.relative_to(root), row.path)
            except OSError as error:
                raise InputError(f"Cannot read {row.path}: {error}", code="unreadable") from error
            digest.update(repr((*known, row.caption, row.units, row.box)).encode())
        self.fingerprint = digest.hexdigest()[:16]

    def __len__(self) -> int:
        return len(self.listed)

    def captions(self) -> list[str]:
        """The caption of every sample."""
        return [row.caption for row in self.listed]

    def __getitem__(self, index: int) -> Sample:
        row = self.listed[index]
        photo = rgb(read_image(row.path))
        if row.box is None:
            image = ImageOps.fit(Image.fromarray(photo), (self.size, self.size), Image.Resampling.LANCZOS)
            pixels = np.asarray(image)
        else:
            pixels = Crop.around(np.array(row.box), (photo.shape[1], photo.shape[0]), self.size).apply(photo)
        return {"image": to_tensor(pixels), "caption": row.caption, "units": torch.tensor(row.units)}


def unit_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row that have the name of one of the twelve action units: "AU1", "au_01", "AU01_r".

    OpenFace's columns of presence, "AU01_c", are ignored. Raises InputError: two columns of a unit, or one of a side of
    the face.
    """
    found: dict[str, Any] = {}
    for column, value in row.items():
        spelled = facs.read(column) if column.strip()[:2].upper() == "AU" else None
        if spelled is None or spelled.unit not in ACTION_UNITS or spelled.presence:
            continue
        unit = known_unit(column)
        if unit in found:
            raise InputError(f"two columns name {unit}", code="duplicate", actual=unit)
        found[unit] = value
    return found


def folder_of(path: str | Path, what: str) -> Path:
    """The folder; raises an InputError that says what should lie in it where it does not exist."""
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", code="missing", expected=what)
    return folder


class ImageFolder(Pictures):
    """A folder of pictures with captions and action units; `python -m common.synthetic` writes such.

    `metadata.csv` or `metadata.jsonl` lies in it, with the columns `file_name` (relative to the folder), `caption` or
    `text`, and the intensities 0..5, either in columns `AU1` .. `AU26`, where empty and absent ones are 0, or in one
    column `action_units`: a mapping, a text such as "AU12=3,AU6=2", or 12 numbers. Of each picture the middle square is
    taken. A column `person` (or subject, identity) may say who it shows.

    Args:
        path: the folder; of several splits, that of one.
        size: S, side of the samples in pixels.

    Raises:
        InputError: there is no such folder or metadata file, or lines of it cannot be used; the message names them.
    """

    def __init__(self, path: str | Path, size: int) -> None:
        folder = folder_of(path, f"pictures and {' or '.join(METADATA)}")
        present = [folder / name for name in METADATA if (folder / name).is_file()]
        if len(present) != 1:
            expected = f"one of {' and '.join(METADATA)}"
            raise InputError(f"{folder} lacks its list.", code="count", expected=expected, actual=len(present))
        metadata = present[0]
        listed = checked(metadata, read_rows(metadata, NAMES), lambda row: _listed(row, folder))
        known = {row.path.name for row in listed}
        files = [path for path in files_below(folder) if path.suffix.lower() in suffixes()]
        if unlisted := sum(path.name not in known for path in files):
            log.warning("%s: %d pictures have no line in %s and are left out", folder, unlisted, metadata.name)
        if listed and 0 < max(max(row.units) for row in listed) <= 1:
            log.warning("%s: all intensities lie in 0..1; they are read on the FACS scale 0..5", metadata)
        super().__init__(listed, size, folder)


def _listed(row: Any, folder: Path) -> Listed:
    if not isinstance(row, dict):
        raise InputError("a line must be an object", code="type", actual=type(row).__name__)
    name = row.get("file_name")
    if not name or not isinstance(name, str):
        raise InputError("file_name must name a picture", code="type", actual=name)
    path = folder / name
    if not path.is_file():
        raise InputError(f"file_name: there is no file {path}", code="missing")
    picture_size(path)
    captions = [row[column] for column in CAPTIONS if column in row]
    if len(captions) != 1 or not isinstance(captions[0], str):
        raise InputError(
            f"one of the columns {' and '.join(CAPTIONS)} must have a caption", code="count", actual=captions
        )
    columns = unit_columns(row)
    if bool(columns) + ("action_units" in row) != 1:
        raise InputError("the intensities must be in columns AU1 .. AU26, or in one column action_units", code="count")
    units = intensities("action_units", columns or row["action_units"])
    return Listed(path, captions[0].strip(), tuple(units), person=person_of(row)[1])
