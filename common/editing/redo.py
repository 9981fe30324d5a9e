"""Repeats an edit from the provenance record of its file."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputError
from ..core.jsonio import parse_json
from ..core.numbers import whole_number
from ..imaging.images import check_exists, read_image, rgb
from ..provenance.recipe import CHAIN, SHEET, WARP, Recipe, fingerprint
from ..provenance.weights import model_of

if TYPE_CHECKING:
    from PIL import Image

    from .editor import Editor

SAMPLES = "samples.jsonl"
"""The lines of a batch run, see `common.batch.folder`."""
SAMPLES_PARTS = "samples-*.jsonl"
_DEPTH = 3  # parts of a recorded path, and folders above the run, that are tried where both were moved


@dataclass(frozen=True)
class Difference:
    """Between two pictures: the largest in bytes, and the fraction of the pixels that differ."""

    most: int
    fraction: float

    def __str__(self) -> str:
        if not self.most:
            return "the same picture, pixel for pixel"
        return f"differs by at most {self.most} of 255, in {100 * self.fraction:.2f} % of the pixels"


def check_again(recipe: Recipe, program: str) -> None:
    """Raises an InputError where a program cannot repeat a picture."""
    if recipe.program != program:
        hint = f"{recipe.program} redo"
        raise InputError("Another program made the picture.", code="program", actual=recipe.program, hint=hint)
    if recipe.kind == SHEET:
        raise InputError("This is a page of several pictures; only single ones can be repeated.", code="several")
    if recipe.kind == CHAIN:
        hint = "the command `chain` repeats it from the photo and the steps that `verify` shows"
        raise InputError("This picture was edited several times.", code="several", hint=hint)


def find_photo(recipe: Recipe, picture: Path, photo: Path | None, folder: Path | None = None) -> Path:
    """The photo that was edited, known by its pixels.

    `photo` names its file. Without it, the `folder` of photos is searched, and without that, where the batch run of the
    edited `picture` has recorded it, the picture's folder, and the working folder.

    Raises:
        InputError: it is not there, or is another picture.
    """
    known = recipe.photo or {}
    name = known.get("name")
    expected = known.get("sha256")
    if photo is not None:
        check_exists(photo)
        places = [photo]
    elif folder is not None:
        if not folder.is_dir():
            raise InputError(f"There is no folder {folder} of photos.", code="missing")
        places = sorted(folder.rglob(glob.escape(str(name)))) if name else []
    else:
        places = [*recorded_files(picture, "photo"), *([picture.parent / str(name), Path(str(name))] if name else [])]
    there = [place for place in dict.fromkeys(places) if place.is_file()]
    for place in there:
        if fingerprint(read_image(place)) == expected:
            return place
    if there:
        hint = "name the one that was edited: --photo PHOTO"
        raise InputError(f"{there[0]} is not the photo that was edited.", code="conflict", hint=hint)
    looked = f" in {folder}" if folder is not None else ""
    hint = "name it: --photo PHOTO, or the folder it is in: --photos FOLDER"
    raise InputError(f"The edited photo {name} was not found{looked}.", code="missing", hint=hint)


def run_of(picture: Path) -> Path | None:
    """The folder of the batch run that a picture lies in, by its `samples.jsonl`; None for other pictures."""
    parents = Path(os.path.abspath(picture)).parents
    return next((parent for parent in parents if (parent / SAMPLES).is_file()), None)


def recorded_files(picture: Path, what: str) -> list[Path]:
    """Where the "photo" or "background" may be that a batch run has recorded for a picture; empty without a run.

    These are the recorded path, and where it would be had run and photos been moved together; they need not exist.
    """
    run = run_of(picture)
    places: list[Path] = []
    if run is None:
        return []
    own = Path(os.path.abspath(picture)).relative_to(run).as_posix()
    for row in _rows(run):
        if row.get("output") == own and isinstance(row.get(what), str):
            path = Path(row[what])
            places = [path, run / path]
            for depth in range(min(_DEPTH, len(path.parts)), 0, -1):
                places += [parent / Path(*path.parts[-depth:]) for parent in [run, *run.parents][:_DEPTH]]
    return places


def _rows(run: Path) -> Iterator[Mapping[str, Any]]:
    """The lines of a run that can be read; the run is left as it is."""
    for path in [run / SAMPLES, *sorted(run.glob(SAMPLES_PARTS))]:
        for line in path.read_bytes().splitlines():
            try:
                row = parse_json(line)
            except ValueError:  # cut off, or damaged
                continue
            if isinstance(row, Mapping):
                yield row


def target_of(picture: Path, output: str | None) -> Path:
    """Where the repeated picture goes.

    `output` is a file or a folder; None stands for a name beside the picture, or for a picture of a batch run, in the
    working folder: a run holds what its batch made and nothing else.

    Raises:
        InputError: it would overwrite the picture, or go into the run without having been asked to.
    """
    run = run_of(picture)
    if run is None:
        name = f"{picture.stem}-again{picture.suffix}"
    else:
        name = f"{picture.absolute().parent.name}-{picture.stem}-again{picture.suffix}"
    if output is not None:
        folder = output.endswith(("/", os.sep)) or os.path.isdir(output)
        target = Path(output).expanduser() / name if folder else Path(output).expanduser()
    elif run is None:
        target = picture.with_name(name)
    elif Path.cwd().is_relative_to(run.resolve()):
        raise InputError(f"{Path.cwd()} lies in the run of the picture.", code="conflict", hint="name a place: -o FILE")
    else:
        target = Path(name)
    if target.resolve() == picture.resolve():
        raise InputError(f"The result {target} would overwrite the picture; choose another -o.", code="duplicate")
    return target


def check_model(recipe: Recipe, places: tuple[Path, ...]) -> None:
    """Raises an InputError where these are other weights than those that made the picture."""
    then, now = ((each or {}).get("weights", {}) for each in (recipe.model, model_of(places) if places else None))
    if differing := sorted(name for name in {*then, *now} if then.get(name) != now.get(name)):
        names = "\n".join(f"  {name}" for name in differing[:8])
        message = f"Other weights of {(recipe.model or {}).get('id')} made the picture; these differ:\n{names}"
        raise InputError(message, code="weights", hint="name the model that made it: --model FOLDER")


def place_of(recipe: Recipe) -> tuple[int, int]:
    """Which row a picture was of a batch of how many; raises an InputError where the record has no such place."""
    rows = whole_number("the recipe's rows", recipe.settings.get("rows", 1), 1, 4096)
    return whole_number("the recipe's row", recipe.settings.get("row", 0), 0, rows - 1), rows


def redo(recipe: Recipe, editor: Editor[Any], photo: Path, background: Path | None = None) -> Image.Image:
    """The edit of a provenance record, repeated by an editor with the same networks, or without any for a warp.

    Raises:
        InputError: other weights, or no background for an aligned crop.
    """
    settings = dict(recipe.settings)
    request = editor.request.parse(recipe.request)
    if "background" in settings:
        if background is None:
            hint = "name its background: --background PICTURE"
            raise InputError("The picture was made from an aligned crop.", code="missing", hint=hint)
        settings["background"] = background
    elif background is not None:
        raise InputError("--background goes with an aligned crop; this picture was made from a photo.", code="conflict")
    subject = editor.encode(photo, **vars(editor.face_options.of(settings)))
    if recipe.kind != WARP:
        check_model(recipe, editor.places)
    row, rows = place_of(recipe)
    options = editor.edit_options.of({**settings, "batch_size": rows})
    return editor.run([(subject, request)] * rows, options)[row]


def difference(one: Image.Image, other: Image.Image) -> Difference:
    """Between two pictures of one size; of others, all of both."""
    if one.size != other.size:
        return Difference(255, 1.0)
    apart = np.abs(rgb(one).astype(np.int16) - rgb(other)).max(2)
    return Difference(int(apart.max()), float((apart > 0).mean()))
