"""How FineFace's pictures were made, for their files to say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from common.action_units import ACTION_UNITS
from common.provenance.edits import changed, encoded, machine, place
from common.provenance.picture import Picture, carry
from common.provenance.recipe import DRAFT, EDIT, GENERATION, Recipe
from common.subject import Subject

from .options import Options

if TYPE_CHECKING:
    from .checkpoints import Networks

PROGRAM = "fineface"


def generated(
    networks: Networks, pictures: Sequence[Image.Image], prompts: Sequence[str], vectors: Sequence[Sequence[float]],
    options: Options, seed: int, size: tuple[int, int], face: bool,
) -> list[Picture]:  # fmt: skip
    """The pictures of a call of `FineFace.generate`.

    Args:
        networks: that made them.
        pictures: themselves.
        prompts: of each.
        vectors: of each, 12 intensities.
        options: of the call.
        seed: of the noise.
        size: (width, height) in pixels.
        face: whether a person was asked for; who it was is not told.
    """
    common = {**_sampling(options, seed), "size": list(size), "face": face, **_kind(networks)}
    made = []
    for number, (picture, prompt, vector) in enumerate(zip(pictures, prompts, vectors)):
        settings = {**common, **place(number, len(pictures), options.batch_size)}
        recipe = Recipe(PROGRAM, GENERATION, wish_of(vector, prompt), settings)
        made.append(carry(picture, recipe, networks.places))
    return made


def edited(
    networks: Networks | None, pictures: Sequence[Image.Image], subjects: Sequence[Subject],
    vectors: Sequence[Sequence[float]], prompt: str, options: Options, seed: int, size: int,
) -> list[Picture]:  # fmt: skip
    """The pictures of a call of `FineFace.edit`.

    Args:
        networks: that made them; None for warped photos.
        pictures: themselves.
        subjects: of the photos.
        vectors: of each, 12 intensities.
        prompt: of all.
        options: of the call.
        seed: of the noise.
        size: side of the crop in pixels.
    """
    common: dict[str, Any] = {"engine": "draft", "paste_back": options.pastes}
    places: tuple[Path, ...] = ()
    if networks is not None:
        common |= {"engine": "diffusion", "start": options.start, "strength": options.share}
        common |= {**_sampling(options, seed), **_kind(networks)}
        places = networks.places
    made = []
    for number, (picture, subject, vector) in enumerate(zip(pictures, subjects, vectors)):
        settings = {"size": size, **encoded(subject), **common}
        settings |= changed(subject.pixels, picture)
        settings |= {} if networks is None else place(number, len(pictures), options.batch_size)
        photo = {"name": subject.record.get("photo"), "sha256": subject.fingerprint}
        recipe = Recipe(PROGRAM, DRAFT if networks is None else EDIT, wish_of(vector, prompt), settings, photo=photo)
        made.append(carry(picture, recipe, places))
    return made


def wish_of(vector: Sequence[float], prompt: str) -> dict[str, Any]:
    """Intensities and prompt, as files of wishes have them."""
    return {"aus": {name: value for name, value in zip(ACTION_UNITS, vector) if value}, "prompt": prompt}


def _sampling(options: Options, seed: int) -> dict[str, Any]:
    names = ("steps", "guidance", "au_scale", "face_scale", "negative_prompt")
    return {**{name: getattr(options, name) for name in names}, "seed": seed}


def _kind(networks: Networks) -> dict[str, Any]:
    return {"variant": networks.variant, "lora_scale": networks.lora_scale, **machine(networks.pipeline)}
