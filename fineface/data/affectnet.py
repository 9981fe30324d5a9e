"""AffectNet (Mollahosseini et al. 2017): faces from the web, and a file that says what their action units do.

As its authors send it, the manually annotated part:

    Manually_Annotated_file_lists/training.csv, validation.csv     a line for each picture, see `COLUMNS`
    Manually_Annotated_Images/<folder>/<name>.jpg

It has no action units. They come from a file of predictions, made by any network: a .csv or .jsonl with the column
`subDirectory_filePath`, as in the lists, and a column for each of the twelve action units, "AU1" or "AU01_r", on a
scale of its own; others (AU10, AU45) are ignored. A column `caption` may describe each picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from common.core.errors import InputError
from common.core.records import checked, read_rows
from common.facs.action_units import ACTION_UNITS
from common.facs.action_units.named_values import read_number
from common.imaging.image_files import picture_size
from common.weights.text_encoder import PROMPT

from .samples import STRONGEST, Listed, Pictures, folder_of, unit_columns

NAME = "subDirectory_filePath"
BOX = ("face_x", "face_y", "face_width", "face_height")
COLUMNS = (NAME, *BOX, "expression")
NO_FACE = "10"
SMALLEST, FAINTEST = 512, 1.1
LISTS = ("Manually_Annotated_file_lists/{}.csv", "{}.csv")
IMAGES = ("Manually_Annotated_Images", "Manually_Annotated/Manually_Annotated_Images")


class AffectNet(Pictures):
    """Pictures of the manually annotated part that are large enough and have predicted action units.

    Args:
        path: folder with the lists and `Manually_Annotated_Images`.
        size: S, side of the samples in pixels.
        predictions: the file of action units.
        top: the value of its scale that stands for the strongest intensity, 5.
        split: which list.
        smallest: pictures with a side of fewer pixels are left out.
        faintest: intensities below this are 0, on the scale 0..5: networks see a little of everything everywhere.
        caption: for pictures without one of their own.

    Raises InputError: a file is missing, or lines of one cannot be used.
    """

    def __init__(
        self,
        path: str | Path,
        size: int,
        predictions: str | Path,
        *,
        top: float = STRONGEST,
        split: Literal["training", "validation"] = "training",
        smallest: int = SMALLEST,
        faintest: float = FAINTEST,
        caption: str = PROMPT,
    ) -> None:
        if not 0 < top < float("inf"):
            raise InputError("top is out of range.", code="range", expected="above 0, finite", actual=top)
        root = folder_of(path, f"AffectNet's lists and {IMAGES[0]}")
        images = next((root / name for name in IMAGES if (root / name).is_dir()), None)
        listing = next((root / name.format(split) for name in LISTS if (root / name.format(split)).is_file()), None)
        if images is None or listing is None:
            expected = " or ".join(IMAGES if images is None else [name.format(split) for name in LISTS])
            raise InputError(f"AffectNet in {root} is not complete.", code="missing", expected=expected)
        source = Path(predictions).expanduser()
        rows = read_rows(source, (NAME, "caption"))
        known = dict(checked(source, rows, lambda row: _prediction(row, top, faintest, caption)))
        faces = checked(listing, read_rows(listing, COLUMNS), lambda row: _face(row, images, known))
        usable = [face for face in faces if face]
        listed = [face for face in usable if min(picture_size(face.path)) >= smallest]
        if not listed:
            raise InputError(
                f"No picture of {listing} can be used.",
                code="empty",
                expected=f"a face, a prediction in {source}, and {smallest} pixels on each side",
                actual=f"{len(usable)} of {len(faces)} with a face and a prediction, none of them large enough",
            )
        super().__init__(listed, size, images)


def rescaled(value: float, top: float, faintest: float) -> float:
    """A prediction on the scale 0..5: `top` becomes 5, what is above too, and what is below `faintest` becomes 0."""
    intensity = min(max(value * STRONGEST / top, 0.0), STRONGEST)
    return intensity if intensity >= faintest else 0.0


def _prediction(row: Any, top: float, faintest: float, caption: str) -> tuple[str, tuple[tuple[float, ...], str]]:
    """The picture's name, its twelve intensities and its caption."""
    name = row.get(NAME) if isinstance(row, Mapping) else None
    if not name or not isinstance(name, str):
        raise InputError(f"{NAME} must name a picture", code="type", actual=name)
    units = unit_columns(row)
    if missing := [unit for unit in ACTION_UNITS if unit not in units]:
        raise InputError(f"there is no column for {', '.join(missing)}", code="missing")
    own = row.get("caption")
    values = tuple(rescaled(_number(unit, units[unit]), top, faintest) for unit in ACTION_UNITS)
    return name, (values, str(own).strip() if own else caption)


def _face(row: Mapping[str, Any], images: Path, known: Mapping[str, tuple[tuple[float, ...], str]]) -> Listed | None:
    """A line of the list; None where there is no face or no prediction."""
    if missing := [name for name in COLUMNS if row.get(name) is None]:
        raise InputError(f"there is no column {', '.join(missing)}", code="missing")
    if row["expression"].strip() == NO_FACE or row[NAME] not in known:
        return None
    path = images / row[NAME]
    if not path.is_file():
        raise InputError(f"there is no file {path}", code="missing")
    x, y, width, height = (_number(name, row[name]) for name in BOX)
    if width <= 0 or height <= 0:
        raise InputError("the face has no area", code="range", actual=(width, height))
    units, caption = known[row[NAME]]
    return Listed(path, caption, units, (x, y, x + width, y + height))


def _number(name: str, value: Any) -> float:
    try:
        number = read_number(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not abs(number) < float("inf"):
        raise InputError(f"{name} must be a number", code="type", actual=value)
    return number
