"""The `verify` and `redo` commands of the packages."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..core.errors import InputError
from ..core.files import check_writable
from ..editing.options import FaceOptions, ModelOptions
from ..provenance.recipe import WARP, Recipe, saved_with
from . import console, options
from .editor_spec import EditorSpec

AnyModel = TypeVar("AnyModel", bound=ModelOptions)

MODEL = ("model", "base", "device", "dtype")
"""Options of the networks that a command line can override; the rest follows the record."""


def verify(program: str, arguments: list[str]) -> int:
    """The `verify` command; returns the exit code: 1 where a picture is not marked as synthetic."""
    parser = console.command_parser(
        f"{program} verify",
        "Reads the provenance of pictures: digital source type, how they were made, watermark, content credentials.",
        epilog="exit codes: 0 all are marked as synthetic, 1 one is not, 2 one cannot be read",
    )
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--json", action="store_true", help="one line of JSON a picture")
    args = parser.parse_args(arguments)
    from ..provenance.verify import verify as look

    found = [look(picture) for picture in args.pictures]
    print("\n".join(json.dumps(each.to_dict()) if args.json else str(each) for each in found))
    return console.OK if all(each.synthetic for each in found) else console.FAILED


def redo(spec: EditorSpec, make: Callable[[EditorSpec, Recipe, argparse.Namespace], Any], arguments: list[str]) -> int:
    """The `redo` command; returns the exit code: 1 where the picture differs. `make` is such as `edited_again`."""
    program = spec.name
    prepared = spec.options[1] is FaceOptions  # edits of aligned crops need a background, and nothing else
    parser = console.command_parser(
        f"{program} redo",
        "Makes a picture again, from its provenance record, and compares the two.",
        epilog="exit codes: 0 the same picture, pixel for pixel, 1 a different one",
    )
    parser.add_argument("picture", type=Path)
    parser.add_argument(
        "--photo",
        type=Path,
        help="the photo that was edited (default: as the batch recorded it, or beside the picture, or here)",
    )
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="folder that holds the photo, at any depth")
    if prepared:
        parser.add_argument("--background", type=Path, help="background of an aligned crop")
    parser.add_argument(
        "-o",
        "--output",
        help="file or folder (default: PICTURE-again, beside the picture; for a picture of a batch, in this folder)",
    )
    options.add_model_options(parser)
    args = parser.parse_args(arguments)
    console.listen(True)
    from ..editing.redo import check_again, difference, recorded_files, target_of
    from ..imaging.images import read_image, save_image
    from ..provenance import xmp
    from ..provenance.verify import packet, read_recipe

    recipe = read_recipe(args.picture)
    check_again(recipe, program)
    target = target_of(args.picture, args.output)
    check_writable(target.parent)
    if prepared and args.background is None:
        args.background = next((path for path in recorded_files(args.picture, "background") if path.is_file()), None)
    again = make(spec, recipe, args)
    save_image(saved_with(again, watermark=xmp.read(packet(args.picture)).watermark is True), target)
    found = difference(read_image(args.picture), read_image(target))
    console.say(f"{args.picture} -> {target}: {found}")
    return console.FAILED if found.most else console.OK


def recorded_model(kind: type[AnyModel], recipe: Recipe, args: argparse.Namespace) -> AnyModel:
    """Options of the networks, detector and parser by a picture's record; the command line overrides `MODEL`."""
    known = recipe.model or {}
    asked = {name: value for name, value in recipe.settings.items() if name != "device"}
    asked |= {"model": known.get("id"), "base": known.get("base")}
    asked |= {name: value for name in MODEL if (value := getattr(args, name)) is not None}
    return kind.of(asked)


def edited_again(spec: EditorSpec, recipe: Recipe, args: argparse.Namespace) -> Any:
    """The picture of a recipe, made again; imports torch.

    Raises:
        InputError: its file does not hold the prepared conditions; or see `common.editing.redo.redo`.
    """
    if "background" in recipe.settings and spec.options[1] is not FaceOptions:
        raise InputError(
            "This picture was made from an aligned crop, with conditioning images that its file does not hold.",
            code="missing",
            hint=f"make it from them: {spec.name} CROP --background PICTURE ...",
        )
    from ..editing.redo import find_photo
    from ..editing.redo import redo as made

    photo = find_photo(recipe, args.picture, args.photo, args.photos)
    options = recorded_model(spec.options[2], recipe, args)
    if recipe.kind == WARP:
        return made(recipe, spec.kind.warping(**options.surroundings), photo)
    return made(recipe, spec.kind.from_pretrained(**vars(options)), photo, getattr(args, "background", None))
