"""Image folders as Hugging Face's `datasets` knows them: pictures, and a metadata file beside them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from common.core.errors import InputError
from common.core.files import files_below
from common.core.records import checked, read_rows
from common.imaging.image_files import picture_size, suffixes
from common.training.manifest import intensities
from common.training.people import person_of

from .samples import Listed, Pictures, folder_of, unit_columns

log = logging.getLogger(__name__)

METADATA = ("metadata.csv", "metadata.jsonl")
CAPTIONS = ("caption", "text")
NAMES = ("file_name", *CAPTIONS, "action_units")


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
            raise InputError(f"{folder} must hold one of {' and '.join(METADATA)}; it holds {len(present)} of them.")
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
        raise InputError(f"a line must be an object; got {type(row).__name__}")
    name = row.get("file_name")
    if not name or not isinstance(name, str):
        raise InputError(f"file_name must name a picture; got {name!r}")
    path = folder / name
    if not path.is_file():
        raise InputError(f"file_name: there is no file {path}")
    picture_size(path)
    captions = [row[column] for column in CAPTIONS if column in row]
    if len(captions) != 1 or not isinstance(captions[0], str):
        raise InputError(f"a caption must stand in one of the columns {' and '.join(CAPTIONS)}; got {captions}")
    columns = unit_columns(row)
    if bool(columns) + ("action_units" in row) != 1:
        raise InputError("the intensities must stand in columns AU1 .. AU26, or in one column action_units")
    units = intensities("action_units", columns or row["action_units"])
    return Listed(path, captions[0].strip(), tuple(units), person=person_of(row)[1])
