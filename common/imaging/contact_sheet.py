"""Contact sheets: pictures on one page with labels above them, and close-ups of the face in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..core.errors import InputError
from ..core.numbers import whole_number
from .carried import carried_together
from .images import around, flat

MARGIN, LINE, POINTS = 4, 16, 11
"""Pixels between pictures; the least height of a line of text and the least size of its font."""
SIDE = 512
"""Default longer side of a picture on a sheet, in pixels."""
CROPS = ("face",)
CropTo = Literal["face"]
_LARGEST = 8192
_CLOSE = 0.3  # margin around a cropped face, in its widths
_PER_CHARACTER = 16  # the font grows with the pictures: one point for so many pixels of a cell's width

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the picture."""


@dataclass(frozen=True)
class Row:
    """Pictures side by side; one label stands above each, the title above them all."""

    pictures: Sequence[Image.Image]
    labels: Sequence[str] = ()
    title: str = ""


def contact_sheet(rows: Sequence[Row], side: int | None = None) -> Image.Image:
    """Rows one below the other, on white.

    Every picture keeps its aspect ratio. All cells have the same width, and those of a row the same height; a smaller
    picture stands in the middle of its cell. Labels and titles that are too long continue on the next line.

    `side` is the longer side of each picture in pixels, 1 or more; None keeps the pictures' own sizes.

    Returns:
        An RGB picture, as wide as the longest row, with the provenance of the pictures on it.

    Raises:
        InputError: the side cannot be used, see `check_side`.
    """
    known = carried_together([picture for row in rows for picture in row.pictures])
    pictures = [[flat(each if side is None else fitted(each, side)) for each in row.pictures] for row in rows]
    cell = max(picture.width for row in pictures for picture in row)
    columns = max(len(row) for row in pictures)
    width = columns * (cell + MARGIN) + MARGIN
    points = max(POINTS, round(cell / _PER_CHARACTER))
    line, font = round(points * LINE / POINTS), ImageFont.load_default(points)
    titles = [wrapped(row.title, font, width - 2 * MARGIN) for row in rows]
    labels = [[wrapped(label, font, cell) for label in row.labels] for row in rows]
    above = [line * (len(title) + max(map(len, row), default=0)) for title, row in zip(titles, labels)]
    tall = [max(picture.height for picture in row) for row in pictures]
    page = Image.new("RGB", (width, sum(above) + sum(tall) + MARGIN * (len(rows) + 1)), "white")
    pen, top = ImageDraw.Draw(page), MARGIN
    for number, row in enumerate(pictures):
        for place, text in enumerate(titles[number]):
            pen.text((MARGIN, top + place * line), text, "black", font)
        words = top + line * len(titles[number])
        top += above[number]
        for column, label in enumerate(labels[number]):
            for place, text in enumerate(label):
                pen.text((MARGIN + column * (cell + MARGIN), words + place * line), text, "black", font)
        for column, picture in enumerate(row):
            left = MARGIN + column * (cell + MARGIN) + (cell - picture.width) // 2
            page.paste(picture, (left, top + (tall[number] - picture.height) // 2))
        top += tall[number] + MARGIN
    return page if known is None else known.attach(page)


def fitted(picture: Image.Image, side: int) -> Image.Image:
    """The picture scaled to a longer side of so many pixels, as `check_side` allows them; its aspect ratio stays."""
    check_side(side)
    scale = side / max(picture.size)
    size = max(1, round(scale * picture.width)), max(1, round(scale * picture.height))
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)


def wrapped(text: str, font: Any, width: float) -> list[str]:
    """A text as lines of at most so many pixels in PIL's font, broken after spaces and commas, else inside a word."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for part in re.split(r"(?<=[\s,;])", paragraph):
            if line and font.getlength((line + part).rstrip()) > width:
                lines.append(line.rstrip())
                line = ""
            line += part
            while len(line) > 1 and font.getlength(line.rstrip()) > width:
                fits = next((n for n in range(len(line) - 1, 1, -1) if font.getlength(line[:n]) <= width), 1)
                lines.append(line[:fits])
                line = line[fits:]
        lines.append(line.rstrip())
    return lines


def check_side(side: object) -> None:
    """Raises an InputError for a side that is neither None nor 1 to 8192 pixels."""
    if side is not None:
        whole_number("side", side, 1, _LARGEST)


def check_crop(crop: object) -> None:
    """Raises an InputError for a crop other than None and "face"."""
    if crop is not None and crop not in CROPS:
        raise InputError("crop has an unknown value.", code="unknown", expected='"face" or None', actual=crop)


def close_up(picture: Image.Image, box: Box) -> Image.Image:
    """The square around a face with some margin, as far as the picture goes."""
    return around(picture, np.array(box, np.float32), _CLOSE)[0]
