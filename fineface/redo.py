"""`fineface redo`: a picture once more, from what its file says."""

from __future__ import annotations

import argparse
from typing import Any

from common.errors import InputError
from common.provenance.command import redo
from common.provenance.recipe import DRAFT, GENERATION, Recipe

SAMPLING = ("au_scale", "face_scale", "steps", "guidance", "negative_prompt", "seed")


def main(arguments: list[str]) -> int:
    """The command; returns the exit code."""
    return redo("fineface", _make, arguments)


def _make(recipe: Recipe, args: argparse.Namespace) -> Any:
    """The picture of a recipe.

    Raises:
        InputError: the recipe does not tell enough, or the photo or the model is another.
    """
    from common.provenance.redo import check_model, find_photo, place_of

    from .editor import FineFace

    settings, wish, model = recipe.settings, recipe.wish, recipe.model or {}
    of_size = isinstance(settings.get("size"), list if recipe.kind == GENERATION else int)
    if not isinstance(wish, dict) or not {"aus", "prompt"} <= set(wish) or not of_size:
        raise InputError("The picture's recipe is damaged: it names no action units, no prompt or no size.")
    if recipe.kind == GENERATION and settings.get("face"):
        raise InputError("Who is in the picture is not told in it, so that it cannot be made again.")
    photo = None if recipe.kind == GENERATION else find_photo(recipe, args.picture, args.photo, args.photos)
    around = {name: settings[name] for name in ("finder", "parser") if name in settings}
    if recipe.kind == DRAFT:
        editor = FineFace.drafting(size=settings["size"], **around)
        subject = editor.encode(photo, face=settings.get("face", "largest"), extent=settings.get("extent"))
        return editor.edit(subject, wish["aus"], wish["prompt"], paste_back=settings.get("paste_back", True))
    if "lora_scale" in settings:
        around["lora_scale"] = settings["lora_scale"]
    editor = FineFace.from_pretrained(
        args.base or model.get("base"), args.model or model.get("id"), settings.get("variant"),
        dtype=args.dtype or settings.get("dtype"), device=args.device,
        size=None if photo is None else settings["size"], **around,
    )  # fmt: skip
    check_model(recipe, editor.networks.places)
    row, rows = place_of(recipe)
    sampling: dict[str, Any] = {name: settings[name] for name in SAMPLING if name in settings} | {"batch_size": rows}
    if photo is None:
        size = tuple(settings["size"])
        made = editor.generate([wish["prompt"]] * rows, [wish["aus"]] * rows, size=size, **sampling)
    else:
        subject = editor.encode(photo, face=settings.get("face", "largest"), extent=settings.get("extent"))
        way: dict[str, Any] = {
            name: settings[name] for name in ("engine", "start", "strength", "paste_back") if name in settings
        }
        made = editor.edit([subject] * rows, [wish["aus"]] * rows, wish["prompt"], **way, **sampling)
    return made[row]
