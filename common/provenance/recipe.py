"""How a picture was made, as plain values, and how it travels with the picture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..core.environment import versions
from ..core.errors import InputError
from ..core.jsonio import parse_json
from ..imaging.carried import KEY, Carried
from .weights import model_of

DISTRIBUTION = "face-rig"
EDIT, CHAIN, WARP, GENERATION, SHEET = "edit", "chain", "warp", "generation", "sheet"
KINDS = {
    EDIT: "compositeWithTrainedAlgorithmicMedia",
    CHAIN: "compositeWithTrainedAlgorithmicMedia",
    WARP: "compositeSynthetic",
    GENERATION: "trainedAlgorithmicMedia",
    SHEET: "compositeSynthetic",
}
"""A photo edited by networks, by several in turn, or moved by its fitted head; a picture made from text; several on
one page; and their names in the IPTC's vocabulary http://cv.iptc.org/newscodes/digitalsourcetype/."""


@dataclass(frozen=True)
class Recipe:
    """Enough to make a picture again.

    Attributes:
        program: "magicface", "rigface" or "fineface".
        kind: one of `KINDS`.
        request: as files have it.
        settings: what decided how it looks, seed included.
        model: its "id" and the SHA-256 of its files, see `common.provenance.weights`; None for warps.
        photo: "name" and "sha256" (`fingerprint`) of the photo; None for pictures made from text.
        version: of this distribution.
    """

    program: str
    kind: str
    request: Any
    settings: Mapping[str, Any]
    model: Mapping[str, Any] | None = None
    photo: Mapping[str, Any] | None = None
    version: str = ""

    def to_json(self) -> str:
        """One line, with sorted keys: equal recipes have equal texts."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False)

    def step(self) -> dict[str, Any]:
        """What a chain says of one of its edits."""
        return {name: getattr(self, name) for name in ("program", "request", "settings", "model")}

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """What `to_json` wrote. Raises InputError: something else."""
        try:
            recipe = cls(**parse_json(text))
        except (ValueError, TypeError) as error:
            raise InputError(f"The picture's provenance record cannot be read: {error}", code="unreadable") from error
        model, right = recipe.model or {}, isinstance(recipe.program, str) and recipe.kind in [*KINDS]
        right = right and all(isinstance(each, dict) for each in (recipe.settings, model, recipe.photo or {}))
        if not right or not isinstance(model.get("weights", {}), dict):
            raise InputError(f"The picture's provenance record is damaged: {text[:200]}", code="unreadable")
        return recipe


@dataclass(frozen=True)
class Provenance(Carried):
    """What saving does with a recipe.

    Attributes:
        recipe: goes into the metadata.
        watermark: whether the pixels are marked.
        certificate: with `key`, the PEM files that sign the picture (C2PA); None for no signature.
        key: see `certificate`.
        places: the model's folders, whose files are hashed when a picture is saved: no edit waits for gigabytes.
        parts: of a chain, what is known of each edit; they become the recipe's request.
    """

    recipe: Recipe
    watermark: bool = True
    certificate: Path | None = None
    key: Path | None = None
    places: tuple[Path, ...] = ()
    parts: tuple[Provenance, ...] = ()

    def __post_init__(self) -> None:
        check_pair(self.certificate, self.key)

    def complete(self) -> Recipe:
        """The recipe with its model, whose weights are read once; that of a chain has the models of its edits."""
        if self.parts:
            return replace(self.recipe, request=[part.complete().step() for part in self.parts])
        return replace(self.recipe, model=model_of(self.places)) if self.places else self.recipe

    def write(self, image: Image.Image, file: Path, kind: str, options: dict[str, Any]) -> None:
        """See `Carried.write`."""
        from .picture import write

        write(image, file, kind, options, self)

    def together(self, pictures: Sequence[Image.Image]) -> Provenance:
        """See `Carried.together`."""
        known = [found for picture in pictures if (found := carried(picture)) is not None]
        settings = {"pictures": len(pictures), **{k: v for k, v in self.recipe.settings.items() if k == "seed"}}
        recipe = replace(self.recipe, kind=SHEET, request=[each.recipe.request for each in known], settings=settings)
        return replace(self, recipe=recipe, parts=())

    def attach(self, image: Image.Image) -> Image.Image:
        """See `Carried.attach`."""
        from .picture import knowing

        return knowing(image, self)

    def comment(self) -> str:
        """See `Carried.comment`."""
        from .xmp import comment

        return comment(self.complete())


def check_pair(certificate: Path | None, key: Path | None) -> None:
    """Raises an InputError for a certificate without a key, or the other way round."""
    if (certificate is None) != (key is None):
        raise InputError("A signature needs both a certificate and its key, as PEM files.", code="missing")


def carried(image: Image.Image) -> Provenance | None:
    """What a picture knows of how it was made."""
    found = image.info.get(KEY)
    return found if isinstance(found, Provenance) else None


def saved_with(image: Image.Image, **how: Any) -> Image.Image:
    """The picture, to be saved in another way; one that knows nothing stays as it is.

    `how` are watermark, certificate and key of `Provenance`. Raises InputError: a certificate without a key, or the
    other way round.
    """
    if (known := carried(image)) is not None:
        image.info[KEY] = replace(known, **how)
    return image


def following(pictures: Sequence[Image.Image]) -> Provenance:
    """Of the picture that edits led to, one after the other."""
    known = [found for picture in pictures if (found := carried(picture)) is not None]
    recipe = replace(known[0].recipe, kind=CHAIN, request=[each.recipe.step() for each in known], settings={})
    return replace(known[0], recipe=recipe, places=(), parts=tuple(known))


def fingerprint(image: Image.Image, pixels: np.ndarray | None = None) -> str:
    """SHA-256 of a picture's size, mode and pixels, whatever file they lay in.

    `pixels` are the same as an array, where there is one already.
    """
    digest = hashlib.sha256(f"{image.mode} {image.width} {image.height} ".encode())
    digest.update(image.tobytes() if pixels is None else np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def version() -> str:
    """Of this distribution; "unknown" where it is run from its folder."""
    return versions().get(DISTRIBUTION, "unknown")
