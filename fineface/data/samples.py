"""What all data sets of pictures on disk have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.utils.data import Dataset

from common.core.errors import InputError
from common.faces import Crop
from common.facs.action_units import ACTION_UNITS, facs, known_unit
from common.imaging.image_files import identified
from common.imaging.images import read_image, rgb
from common.imaging.tensors import to_tensor

Sample = dict[str, Any]
"""image (3, S, S) float32 in [0, 1]; caption, a text; units (12,) float32 in 0..5; from some data also face (1, S, S),
1 where it is."""

STRONGEST = 5.0


@dataclass(frozen=True)
class Listed:
    """A picture on disk and what is known of it.

    Attributes:
        units: twelve intensities, 0..5.
        box: x0 y0 x1 y1 of the face in pixels, round which it is cut out; None takes the middle square.
        person: who it shows, where that is known.
    """

    path: Path
    caption: str
    units: tuple[float, ...]
    box: tuple[float, ...] | None = None
    person: str | None = None


class Pictures(Dataset[Sample]):
    """Samples of pictures on disk.

    `size` is S, the side in pixels. The fingerprint knows the pictures by their paths below `root`. Raises InputError:
    there is no picture, or a file has gone.
    """

    def __init__(self, listed: Sequence[Listed], size: int, root: Path) -> None:
        if not listed:
            raise InputError(f"There is no picture to learn from in {root}.")
        self.listed, self.size = listed, size
        self.people = [row.person for row in listed]
        self.pictures_of = [(str(row.path.resolve()),) for row in listed]
        digest = hashlib.sha256(str(size).encode())
        for row in listed:
            try:
                known = identified(row.path.relative_to(root), row.path)
            except OSError as error:
                raise InputError(f"Cannot read {row.path}: {error}") from error
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

    OpenFace's columns of presence, "AU01_c", are passed over. Raises InputError: two columns of a unit, or one of a
    side of the face.
    """
    found: dict[str, Any] = {}
    for column, value in row.items():
        spelled = facs.read(column) if column.strip()[:2].upper() == "AU" else None
        if spelled is None or spelled.unit not in ACTION_UNITS or spelled.presence:
            continue
        unit = known_unit(column)
        if unit in found:
            raise InputError(f"two columns name {unit}; keep one")
        found[unit] = value
    return found


def folder_of(path: str | Path, what: str) -> Path:
    """The folder, if it is there; raises an InputError that says what should lie in it."""
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}; expected {what}.")
    return folder
