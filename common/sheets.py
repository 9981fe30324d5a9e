"""Pictures on one page, with words above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from .provenance.picture import knowing
from .provenance.recipe import together

MARGIN, LINE, POINTS = 4, 16, 11


@dataclass(frozen=True)
class Row:
    """Pictures side by side.

    Attributes:
        pictures: of any sizes.
        labels: one above each picture; none takes no room.
        title: above them all; none takes no room.
    """

    pictures: Sequence[Image.Image]
    labels: Sequence[str] = ()
    title: str = ""


def contact_sheet(rows: Sequence[Row], side: int | None = None) -> Image.Image:
    """Rows one under the other, on white.

    Args:
        rows: with one picture at least.
        side: to whose square of pixels all pictures are brought; None leaves their size.

    Returns:
        An RGB picture, as wide as the longest row, which knows how those on it were made.
    """
    known = together([picture for row in rows for picture in row.pictures])
    if side is not None:
        rows = [Row([_brought(each, side) for each in row.pictures], row.labels, row.title) for row in rows]
    wide = max(picture.width for row in rows for picture in row.pictures) + MARGIN
    heights = [
        LINE * (bool(row.title) + bool(row.labels)) + max(each.height for each in row.pictures) + MARGIN for row in rows
    ]
    columns = max(len(row.pictures) for row in rows)
    page = Image.new("RGB", (columns * wide + MARGIN, sum(heights) + MARGIN), "white")
    pen, font, top = ImageDraw.Draw(page), ImageFont.load_default(POINTS), MARGIN
    for row, height in zip(rows, heights):
        y = top
        if row.title:
            pen.text((MARGIN, y), row.title, "black", font)
            y += LINE
        for column, label in enumerate(row.labels):
            pen.text((MARGIN + column * wide, y), label, "black", font)
        y += LINE * bool(row.labels)
        for column, picture in enumerate(row.pictures):
            page.paste(picture.convert("RGB"), (MARGIN + column * wide, y))
        top += height
    return page if known is None else knowing(page, known)


def _brought(picture: Image.Image, side: int) -> Image.Image:
    return picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
