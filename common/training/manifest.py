"""Pairs listed in a file: pictures of two columns, the guides between them, and the numbers that go with them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from ..errors import InputError, MissingDependencyError
from ..files import expanded
from ..image_files import identified, picture_size
from ..images import ImageLike, read_image, rgb
from ..records import SUFFIXES, checked, read_rows
from ..tensors import to_tensor
from .edit_validation import Pair
from .people import person_of


class Manifest(Dataset[Pair]):
    """The user's pairs. All that can be wrong with the list is found when it is opened, and told by line.

    Columns are `source` and `target` (prepared square crops), those of the guides, and those of the numbers; a column
    `person` (or another of `people.COLUMNS`) may say who they show. Paths are relative to the list.

    Attributes:
        people: who each row shows, None where that is not said.
        pictures_of: what tells source and target of each row from other pictures.

    Args:
        path: .jsonl, .csv, or a folder that `datasets.Dataset.save_to_disk` wrote, whose pictures may be in it.
        size: S, to which pictures are resized.
        guides: columns of pictures that guide, in the order of the network's channels.
        numbers: columns that `vector` reads.
        vector: (row, folder of the list) -> V numbers; raises an InputError where it cannot.
        unused: columns that may be there and are left alone.

    Raises:
        InputError: the list cannot be used; the message names the lines.
        MissingDependencyError: a folder, and `datasets` is not installed.
    """

    def __init__(
        self,
        path: str | Path,
        size: int,
        *,
        guides: Sequence[str],
        numbers: Sequence[str],
        vector: Callable[[Mapping[str, Any], Path], list[float]],
        unused: Sequence[str] = (),
    ) -> None:
        self.path, self.size, self.guides = Path(path).expanduser(), size, tuple(guides)
        self.pictures = tuple(dict.fromkeys(("source", "target", *guides)))
        columns, folder = (*self.pictures, *numbers), self.path.parent

        def found(row: Any) -> tuple[Any, dict[str, Any], list[float]]:
            row = {key: value for key, value in row.items() if key not in unused} if isinstance(row, Mapping) else row
            pictures = _checked(row, folder, columns, self.pictures)
            return row, pictures, vector(row, folder)

        listed = checked(self.path, _rows(self.path, columns), found)
        self.rows = [row for _, row, _ in listed]
        self.vectors = [vector for _, _, vector in listed]
        self.people = [person_of(named)[1] for named, _, _ in listed]
        self.pictures_of = [tuple(_told(row[name]) for name in ("source", "target")) for row in self.rows]
        digest = hashlib.sha256(str(size).encode())
        for named, row, numbers_ in listed:
            known = [identified(named[name], row[name]) for name in self.pictures]
            digest.update(repr(known + numbers_).encode())
        if not self.rows:
            raise InputError(f"{self.path} lists no pairs.")
        self.fingerprint = digest.hexdigest()[:16]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Pair:
        """One pair."""
        pictures = {name: _read(self.rows[index][name], self.size) for name in self.pictures}
        return {
            "source": pictures["source"],
            "target": pictures["target"],
            "guides": torch.stack([pictures[name] for name in self.guides]),
            "vector": torch.tensor(self.vectors[index]),
        }


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers, from 1, and rows."""
    if path.is_dir():
        yield from _hugging_face(path)
        return
    if path.suffix.lower() not in (*SUFFIXES, ".jsonl"):
        raise InputError(f"A manifest is a .csv or .jsonl file (or .tsv), or a data set's folder; got {path}.")
    rows = read_rows(path, columns)
    header = next((row for _, row in rows if isinstance(row, dict)), None)
    if path.suffix.lower() in SUFFIXES and header is not None and set(header) != set(columns):
        raise InputError(f"{path}: the columns must be {', '.join(columns)}; got {', '.join(sorted(header))}.")
    yield from rows


def _hugging_face(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        from datasets import load_from_disk  # pyright: ignore[reportMissingImports] - optional
    except ImportError as error:
        raise MissingDependencyError("datasets", "A Hugging Face data set", "pip install datasets") from error
    try:
        data: Any = load_from_disk(str(path))
    except Exception as error:  # a folder can fail to be a data set in many ways
        raise InputError(f"{path} is no folder that Dataset.save_to_disk wrote: {str(error)[:300]}") from error
    if hasattr(data, "keys"):
        raise InputError(f"{path} holds several data sets, {', '.join(data)}; name the folder of one.")
    for number in range(len(data)):
        yield number + 1, data[number]


def _checked(row: Any, folder: Path, columns: Sequence[str], pictures: Sequence[str]) -> dict[str, Any]:
    """A row whose pictures are there."""
    if not isinstance(row, Mapping) or set(row) - {person_of(row)[0]} != set(columns):
        got = sorted(map(str, row)) if isinstance(row, Mapping) else type(row).__name__
        raise InputError(f"the columns must be {', '.join(columns)}; got {got}")
    found = dict(row)
    for name in pictures:
        if not isinstance(row[name], Image.Image):
            if not row[name] or not isinstance(row[name], (str, Path)):
                raise InputError(f"{name} must be a path; got {row[name]!r}")
            found[name] = folder / expanded(row[name])
            if not found[name].is_file():
                raise InputError(f"{name}: there is no file {found[name]}")
        width, height = picture_size(found[name])
        if width != height:
            raise InputError(f"{name} must be a square crop; {row[name]} has {width} x {height} pixels")
    return found


def _told(picture: Path | Image.Image) -> str:
    if isinstance(picture, Image.Image):
        return hashlib.sha256(picture.tobytes()).hexdigest()
    return str(picture.resolve())


def _read(picture: ImageLike, size: int) -> torch.Tensor:
    image = Image.fromarray(rgb(read_image(picture)))
    return to_tensor(np.asarray(image.resize((size, size), Image.Resampling.LANCZOS)))
