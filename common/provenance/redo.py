"""A picture made once more, from what its file says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import whole_number
from ..errors import InputError
from ..images import check_exists, read_image, rgb
from .recipe import CHAIN, DRAFT, SHEET, Recipe, fingerprint
from .weights import model_of

if TYPE_CHECKING:
    from PIL import Image

    from ..editor import Editor

SAMPLING = ("steps", "guidance", "seed", "start", "strength")


@dataclass(frozen=True)
class Difference:
    """Between two pictures.

    Attributes:
        most: in bytes, of all pixels and channels.
        share: of the pixels that differ, 0 to 1.
    """

    most: int
    share: float

    def __str__(self) -> str:
        if not self.most:
            return "the same picture, pixel for pixel"
        return f"differs by at most {self.most} of 255, in {100 * self.share:.2f} % of the pixels"


def check_again(recipe: Recipe, program: str) -> None:
    """Raises an InputError where a picture cannot be made again by a program."""
    if recipe.program != program:
        raise InputError(f"The picture was made by {recipe.program}: {recipe.program} redo")
    if recipe.kind == SHEET:
        raise InputError("This is a page of several pictures; only single ones can be made again.")
    if recipe.kind == CHAIN:
        raise InputError("This picture was edited several times; common.chain makes it again, of the wishes it names.")


def find_photo(recipe: Recipe, picture: Path, photo: Path | None) -> Path:
    """The photo that was edited.

    Args:
        recipe: of the edit.
        picture: the edit's file, beside which the photo is looked for, and in the working folder.
        photo: where it is, if somebody has said so.

    Raises:
        InputError: it is not there, or is another picture.
    """
    known = recipe.photo or {}
    name, expected = known.get("name"), known.get("sha256")
    if photo is None:
        places = [picture.parent / str(name), Path(str(name))] if name else []
        photo = next((place for place in places if place.is_file()), None)
    if photo is None:
        raise InputError(f"Where is the photo {name or '(without a name)'} that was edited? Name it: --photo PHOTO")
    check_exists(photo)
    if fingerprint(read_image(photo)) != expected:
        raise InputError(
            f"{photo} is not the photo that was edited, or was changed since; name that one: --photo PHOTO"
        )
    return photo


def check_model(recipe: Recipe, places: tuple[Path, ...]) -> None:
    """Raises an InputError where these are other weights than those that made the picture."""
    then, now = ((each or {}).get("weights", {}) for each in (recipe.model, model_of(places) if places else None))
    if differing := sorted(name for name in {*then, *now} if then.get(name) != now.get(name)):
        raise InputError(
            f"The picture was made by other weights of {(recipe.model or {}).get('id')}; these differ:\n"
            + "".join(f"  {name}\n" for name in differing[:8])
            + "  name the model that made it: --model FOLDER"
        )


def picked_face(recipe: Recipe) -> Any:
    """Which face of the photo was edited."""
    picked = recipe.settings.get("picked", "largest")
    return tuple(picked) if isinstance(picked, list) else picked


def place_of(recipe: Recipe) -> tuple[int, int]:
    """Which row a picture was of a batch of how many; raises an InputError where a recipe names no such place."""
    rows = whole_number("the recipe's rows", recipe.settings.get("rows", 1), 1, 4096)
    return whole_number("the recipe's row", recipe.settings.get("row", 0), 0, rows - 1), rows


def redo(
    recipe: Recipe, editor: Editor[Any], photo: Path, read: Callable[[Any], Any], background: Path | None = None
) -> Image.Image:
    """An edit of `common.editor.Editor`, made once more.

    Args:
        recipe: of the edit.
        editor: with the networks that made it, or without any for a draft.
        photo: see `find_photo`.
        read: from a wish as files have it to the editor's.
        background: of a prepared crop.

    Raises:
        InputError: other weights, or a background that is missing.
    """
    settings, wish = recipe.settings, read(recipe.wish)
    looked: dict[str, Any] = {"background": background}
    if settings.get("extent") == "prepared":
        if background is None:
            raise InputError("The picture was made of a prepared crop; name its background: --background PICTURE")
    elif background is not None:
        raise InputError("--background goes with an edit of a prepared crop; this picture was made of a photo.")
    else:
        looked = {"face": picked_face(recipe), "extent": settings.get("extent")}
    subject, way = editor.encode(photo, **looked), settings.get("paste_back")
    if recipe.kind == DRAFT:
        return editor.edit(subject, wish, engine="draft", paste_back=way, progress=False)
    check_model(recipe, editor.pipeline.places)
    row, rows = place_of(recipe)
    sampling = {name: settings[name] for name in SAMPLING if name in settings}
    made = editor.edit([subject] * rows, [wish] * rows, engine="diffusion", paste_back=way, batch_size=rows, **sampling)
    return made[row]


def difference(one: Image.Image, other: Image.Image) -> Difference:
    """Between two pictures of one size; of others, all of both."""
    if one.size != other.size:
        return Difference(255, 1.0)
    apart = np.abs(rgb(one).astype(np.int16) - rgb(other)).max(2)
    return Difference(int(apart.max()), float((apart > 0).mean()))
