"""One photo, many wishes: levels of a unit side by side, two units in a grid, an expression that comes and goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from common.action_units import known_unit
from common.errors import FaceNotFoundError, InputError
from common.images import ImageLike, flat, read_image
from common.motion import Animation, Keyframes, between
from common.prepare import face_box
from common.sheets import SIDE, Box, CropTo, Row, check_crop, check_side, close_up, contact_sheet, fitted

from ._api import edit

LEVELS = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0)
_MOST = 400  # pictures of a grid


@dataclass(frozen=True, eq=False)
class Sweep:
    """Edits of one photo in rows.

    Attributes:
        pictures: rows of pictures.
        wishes: what was wished of each.
        titles: of the rows; none for a single one.
        face: (x0, y0, x1, y1), where the edited face lies in the pictures; None where it is not known.
    """

    pictures: Sequence[Sequence[Image.Image]] = field(repr=False)
    wishes: Sequence[Sequence[dict[str, float]]]
    titles: Sequence[str] = ()
    face: Box | None = None

    def sheet(self, side: int | None = SIDE, crop: CropTo | None = None) -> Image.Image:
        """A labelled contact sheet, on which pictures keep their aspect ratio.

        Args:
            side: longer side of each picture in pixels; None keeps their own sizes.
            crop: "face" shows the face with some margin around it; None shows whole pictures.

        Raises:
            InputError: a side that cannot be used, another crop, or `crop="face"` where the face's place is not known.
        """
        check_crop(crop)
        labels = [[_label(wish) for wish in row] for row in self.wishes]
        titles = self.titles or [""] * len(labels)
        pictures = (
            self.pictures if crop is None else [[_cropped(each, self.face) for each in row] for row in self.pictures]
        )
        return contact_sheet([Row(*row) for row in zip(pictures, labels, titles)], side)


def sweep(img: ImageLike, unit: str, levels: Sequence[float] = LEVELS, **options: Any) -> Sweep:
    """A photo with one action unit at several levels: `sweep("me.jpg", "AU12").sheet().save("smiles.png")`.

    Args:
        img: a photo, see `edit`.
        unit: such as "AU12".
        levels: by how much it changes.
        options: the others of `edit`.

    Raises:
        As `edit`; InputError: no levels.
    """
    name = known_unit(unit)
    return _made(img, [[{name: float(level)} for level in _some(levels)]], (), options)


def grid(
    img: ImageLike,
    rows: str,
    columns: str,
    levels: Sequence[float] = (0.0, 1.5, 3.0),
    column_levels: Sequence[float] | None = None,
    **options: Any,
) -> Sweep:
    """A photo with two action units, each at several levels: `grid("me.jpg", "AU4", "AU12")`.

    Args:
        img: a photo, see `edit`.
        rows: the unit that changes from row to row.
        columns: the unit that changes along a row.
        levels: of both.
        column_levels: of the second alone.
        options: the others of `edit`.

    Raises:
        As `edit`; InputError: no levels, twice the same unit, or more than 400 pictures.
    """
    down, along = known_unit(rows), known_unit(columns)
    if down == along:
        raise InputError(f"A grid is of two action units; got {down} twice. Use sweep() for one.")
    first, second = _some(levels), _some(levels if column_levels is None else column_levels)
    if len(first) * len(second) > _MOST:
        raise InputError(f"A grid has at most {_MOST} pictures; these levels make {len(first) * len(second)}.")
    wishes = [[{down: float(a), along: float(b)} for b in second] for a in first]
    return _made(img, wishes, [f"{down}={a:g}" for a in first], options)


def animate(
    img: ImageLike,
    keyframes: Keyframes,
    *,
    fps: float = 12.0,
    side: int | None = None,
    crop: CropTo | None = None,
    **options: Any,
) -> Animation:
    """A photo that moves: `animate("me.jpg", rise_and_fall({"AU12": 3})).save("smile.gif")`.

    All frames are made from the same noise, so that nothing flickers but what the wishes move; frames that wish the
    same are made once.

    Args:
        img: a photo, see `edit`.
        keyframes: (seconds, wish) in order, the first at 0, see `common.motion.rise_and_fall`.
        fps: frames a second.
        side: longer side of the frames in pixels; None keeps the photo's size.
        crop: "face" shows the face with some margin around it; None shows the whole photo.
        options: the others of `edit`.

    Raises:
        As `edit`; InputError: keyframes that make no animation, a side that cannot be used, or another crop.
    """
    check_crop(crop)
    check_side(side)
    vectors = between(keyframes, fps)
    different, which = np.unique(vectors, axis=0, return_inverse=True)
    photo = read_image(img)
    made = edit(photo, [row.tolist() for row in different], **options)
    if crop is not None:
        face = _face(photo, made[0], options)
        made = [_cropped(each, face) for each in made]
    if side is not None:
        made = [fitted(each, side) for each in made]
    return Animation([flat(made[int(row)]) for row in which.ravel()], vectors, fps)


def _label(wish: dict[str, float]) -> str:
    """A wish as a label: `"AU12=-2, AU6=0"`."""
    return ", ".join(f"{name}={value:g}" for name, value in wish.items())


def _made(
    img: ImageLike, wishes: list[list[dict[str, float]]], titles: Sequence[str], options: dict[str, Any]
) -> Sweep:
    photo = read_image(img)
    edits = edit(photo, [wish for row in wishes for wish in row], **options)
    left = iter(edits)
    return Sweep([[next(left) for _ in row] for row in wishes], wishes, titles, _face(photo, edits[0], options))


def _face(photo: Image.Image, made: Image.Image, options: dict[str, Any]) -> Box | None:
    """Where the edited face lies in what was made of a photo."""
    if made.size != photo.size:  # the crop alone was asked for, and the face fills it
        return 0.0, 0.0, float(made.width), float(made.height)
    try:
        return face_box(photo, options.get("face", "largest"), options.get("finder", "auto"))
    except FaceNotFoundError:  # a prepared crop, in which the editor looks for no face
        return None


def _cropped(picture: Image.Image, face: Box | None) -> Image.Image:
    if face is None:
        raise InputError('crop="face" needs a face, and none was found in the picture; leave crop out.')
    return close_up(picture, face)


def _some(levels: Sequence[float]) -> list[float]:
    if not len(levels):
        raise InputError("A sweep needs levels, such as (0, 1, 2, 3).")
    return list(levels)
