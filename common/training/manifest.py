"""Pairs listed in a file: pictures of two columns, their conditioning images, and the numbers that go with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from ..core.errors import ActionUnitError, InputError, MissingDependencyError, ShapeError
from ..core.files import expanded
from ..core.jsonio import parse_json
from ..core.records import checked, read_rows
from ..facs.action_units import to_vector
from ..imaging.image_files import identified, picture_size
from ..imaging.images import ImageLike, read_image, rgb
from ..imaging.tensors import to_tensor
from .people import person_of

Pair = dict[str, torch.Tensor]
"""source and target (3, S, S), conditioning_images (G, 3, S, S), all float32 in [0, 1]; vector (V,)."""


class Manifest(Dataset[Pair]):
    """The user's pairs; all problems of the list are found when it is opened, and reported by line.

    Columns are `source` and `target` (aligned square crops), those of the conditioning images, and those of the
    numbers; a column `person` (or another of `people.COLUMNS`) may say who they show. Paths are relative to the list.

    Attributes:
        conditioning_images: columns of the conditioning images, in the order of the network's channels.
        numbers: columns that `vector` reads.
        unused: columns that may be there and are ignored.
        people: who each row shows, None where that is not said.
        pictures_of: what tells source and target of each row from other pictures.
        vectors: V numbers of each row.

    Args:
        path: .jsonl, .csv, or a folder that `datasets.Dataset.save_to_disk` wrote, whose pictures may be in it.
        size: S, to which pictures are resized.

    Raises:
        InputError: the list cannot be used; the message names the lines.
        MissingDependencyError: a folder, and `datasets` is not installed.
    """

    conditioning_images: tuple[str, ...]
    numbers: ClassVar[tuple[str, ...]]
    unused: tuple[str, ...] = ()

    def __init__(self, path: str | Path, size: int) -> None:
        self.path = Path(path).expanduser()
        self.size = size
        self.pictures = tuple(dict.fromkeys(("source", "target", *self.conditioning_images)))
        self.columns = (*self.pictures, *self.numbers)
        rows = _hugging_face(self.path) if self.path.is_dir() else read_rows(self.path, self.columns)
        self.rows: list[dict[str, Any]] = []
        self.vectors: list[list[float]] = []
        self.people: list[str | None] = []
        digest = hashlib.sha256(str(size).encode())
        for row, pictures, vector in checked(self.path, rows, self._checked):
            self.rows.append(pictures)
            self.vectors.append(vector)
            self.people.append(person_of(row)[1])
            known = [identified(row[name], pictures[name]) for name in self.pictures]
            digest.update(repr(known + vector).encode())
        if not self.rows:
            raise InputError(f"{self.path} lists no pairs.", code="empty")
        self.pictures_of = [tuple(_name(row[role]) for role in ("source", "target")) for row in self.rows]
        self.fingerprint = digest.hexdigest()[:16]

    def vector(self, row: Mapping[str, Any]) -> list[float]:
        """V numbers of a row; raises an InputError where it has none."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Pair:
        pictures = {name: _read(self.rows[index][name], self.size) for name in self.pictures}
        conditioning_images = torch.stack([pictures[name] for name in self.conditioning_images])
        vector = torch.tensor(self.vectors[index])
        return {
            "source": pictures["source"],
            "target": pictures["target"],
            "conditioning_images": conditioning_images,
            "vector": vector,
        }

    def _checked(self, row: Any) -> tuple[dict[str, Any], dict[str, Any], list[float]]:
        if not isinstance(row, Mapping):
            kind = type(row).__name__
            raise InputError("the columns differ.", code="unknown", expected=self.columns, actual=kind)
        row = {key: value for key, value in row.items() if key not in self.unused}
        if set(row) - {person_of(row)[0]} != set(self.columns):
            raise InputError("the columns differ.", code="unknown", expected=self.columns, actual=sorted(map(str, row)))
        pictures = {name: self._picture(name, row[name]) for name in self.pictures}
        return row, pictures, self.vector(row)

    def _picture(self, name: str, value: Any) -> Path | Image.Image:
        found = value
        if not isinstance(value, Image.Image):
            if not value or not isinstance(value, (str, Path)):
                raise InputError(f"{name} is not a path.", code="type", actual=value)
            found = self.path.parent / expanded(value)
            if not found.is_file():
                raise InputError(f"{name}: there is no file {found}", code="missing")
        width, height = picture_size(found)
        if width != height:
            raise InputError(f"{name}: {value} is not a square crop.", code="size", actual=(width, height))
        return found


def parsed(name: str, value: Any) -> Any:
    """The value of a column; a text that starts as JSON is parsed. Raises InputError: it is not valid JSON."""
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return parse_json(value)
    except ValueError as error:
        raise InputError(f"{name}: {value!r} is not valid JSON: {error}", code="format") from error


def intensities(name: str, value: Any) -> list[float]:
    """Twelve intensities 0..5 from a column: a mapping, a text such as "AU12=3,AU6=2", 12 numbers, or JSON of these.
    Raises InputError: no such thing, or values beyond 0..5.
    """
    if isinstance(value, Mapping):  # a table gives all rows the same keys
        value = {key: number for key, number in value.items() if number not in (None, "")}
    try:
        return to_vector(parsed(name, value), low=0, high=5)
    except (ActionUnitError, ShapeError) as error:
        raise InputError(f"{name}: {error}", code="range") from error


def _hugging_face(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    try:
        from datasets import load_from_disk  # pyright: ignore[reportMissingImports] - optional
    except ImportError as error:
        raise MissingDependencyError("datasets", "A Hugging Face data set", "pip install datasets") from error
    try:
        data: Any = load_from_disk(str(path))
    except Exception as error:  # a folder can fail to be a data set in many ways
        raise InputError(
            f"{path} is not a folder that Dataset.save_to_disk wrote: {str(error)[:300]}", code="format"
        ) from error
    if hasattr(data, "keys"):
        raise InputError(f"{path} holds several data sets, {', '.join(data)}; name the folder of one.", code="several")
    return enumerate(data, 1)


def _name(picture: Path | Image.Image) -> str:
    return str(picture.resolve()) if isinstance(picture, Path) else hashlib.sha256(picture.tobytes()).hexdigest()


def _read(picture: ImageLike, size: int) -> torch.Tensor:
    image = Image.fromarray(rgb(read_image(picture)))
    return to_tensor(np.asarray(image.resize((size, size), Image.Resampling.LANCZOS)))
