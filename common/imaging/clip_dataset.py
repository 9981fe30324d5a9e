"""Labelled clips on disk: {data set}/annotations.csv, {data set}/frames/{subject}/{clip}/{number}.png.

The form in which clips are made here and read by `microexpression`; any data set may have it.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from ..core.errors import InputError
from ..core.files import PATIENCE, alone, replace_file
from ..core.records import checked, read_table
from .images import save_image

TABLE, FRAMES = "annotations.csv", "frames/{subject}/{clip}"
COLUMNS = (
    *("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion"),
    *("Objective Classes", "Intensities"),
)
"""Frames count from 1, as their files do; units are "4+9", with their intensities at the apex beside."""


def table_text(rows: Sequence[Sequence[object]], path: Path) -> None:
    """Writes a table of these rows."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def _rows_of(path: Path) -> list[Sequence[object]]:
    """The rows of a table of clips, in our columns; raises an InputError where one would be lost."""
    table = read_table(path, COLUMNS)
    if others := [name for name in table.columns if name not in COLUMNS]:
        raise InputError(f"{path} has a column {others[0]!r} that a new row would lose; take it away.", code="unknown")
    return [[row.get(name, "") for name in COLUMNS] for row in checked(path, table.rows, dict)]


def units_text(units: Mapping[str, float]) -> tuple[str, str]:
    """Units and intensities as the table has them."""
    shown = {name: value for name, value in units.items() if value}
    return "+".join(name.removeprefix("AU") for name in shown), "+".join(f"{value:g}" for value in shown.values())


def add_clip(
    dataset: Path,
    subject: str,
    clip: str,
    frames: Sequence[Image.Image],
    times: tuple[int, int, int],
    units: Mapping[str, float],
    emotion: str = "",
) -> Path:
    """Adds a clip to a data set, which is made where there is none; its frames are there whole or not at all.

    `subject` and `clip` name folders, the clip's new for this subject; `times` are the rows of onset, apex and offset,
    from 0; `units` is action unit -> intensity at the apex. Raises InputError: a name that cannot be a folder's, or a
    clip that is there already.
    """
    for name in (subject, clip):
        if not name or name != Path(name).name or name.startswith("."):
            raise InputError("Subject or clip cannot name a folder.", code="format", actual=name)
    folder = dataset / FRAMES.format(subject=subject, clip=clip)
    if folder.exists():
        raise InputError(f"{folder} is there already; name another clip.", code="duplicate")
    part = folder.with_name(f".{clip}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for number, frame in enumerate(frames, 1):
        save_image(frame, part / f"{number}.png")
    with alone(dataset, PATIENCE):
        path = dataset / TABLE
        rows = _rows_of(path) if path.is_file() else []
        names, intensities = units_text(units)
        rows.append([subject, clip, *(row + 1 for row in times), names, emotion, "", intensities])
        part.replace(folder)
        replace_file(path, lambda file: table_text(rows, file))
    return folder
