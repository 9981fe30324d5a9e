"""How a model is meant to be used: steps, guidance, region, paste-back and start, from `editor.json` in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

from ..core.errors import CheckpointError, InputError
from ..core.jsonio import parse_json, read_text
from ..core.numbers import number, whole_number
from ..face3d.heads.head_units import AU_SCALE
from ..parsing.labels import ConditioningImage, Region
from .options import EditOptions, FaceOptions, Start, check_option, one_of

DEFAULTS_FILE = "editor.json"


@dataclass(frozen=True)
class Defaults:
    """What an edit takes where the user names nothing; without a file, what the published scripts take.

    Attributes:
        steps: denoising steps, 1 to 1000.
        guidance: guidance scale of the request; 1 switches guidance off and saves a pass a step.
        region: region that the network repaints, "head" or "face".
        paste_back: True or "replace", "detail", or False; see `common.editing.options.EditOptions`.
        conditioning_image: the photo's "background" or "photo"; see `common.editing.prepare.prepare`.
        zoom: how much closer than the released crop the model looks at a face, above 0; see `Crop.around`.
        start: what the networks start from, "noise" or the noised "warp".
        strength: fraction of the steps that are run from a warp, 0 to 1.
        au_scale: scale of the head's action units on which the networks were trained, see
            `common.face3d.heads.au_scale`; None where they were trained on photographs.

    Raises:
        InputError: a value that an edit could not take either.
    """

    steps: int = 50
    guidance: float = 1.5
    region: Region = "head"
    paste_back: bool | str = True
    zoom: float = 1.0
    conditioning_image: ConditioningImage = "background"
    start: Start = "noise"
    strength: float = 0.5
    au_scale: int | None = None

    def __post_init__(self) -> None:
        for name in ("steps", "guidance", "paste_back", "start", "strength"):
            check_option(EditOptions, name, getattr(self, name))
        check_option(FaceOptions, "region", self.region)
        one_of("background", "photo")("conditioning_image", self.conditioning_image)
        number("zoom", self.zoom, above=0)
        if self.au_scale is not None:
            whole_number("au_scale", self.au_scale, 1, AU_SCALE)

    def asked(self, **options: Any) -> Defaults:
        """These, with what was asked for in their place; None stands for nothing asked."""
        return replace(self, **{name: value for name, value in options.items() if value is not None})

    @classmethod
    def of(cls, values: Mapping[str, Any], base: Defaults | None = None) -> Defaults:
        """From a table of a file; what it does not name is as in `base`, else as published.

        Raises:
            InputError: an unknown name, or a value that cannot be used.
        """
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise InputError("A model's defaults have unknown names.", code="unknown", expected=known, actual=unknown)
        return replace(base or cls(), **values)


def read_defaults(folder: str | Path, published: Defaults | None = None) -> Defaults:
    """The defaults of the model in a folder; the `published` ones where it has no such file.

    Raises:
        CheckpointError: the file is damaged, or holds what no edit can use.
    """
    path = Path(folder) / DEFAULTS_FILE
    if not path.is_file():
        return published or Defaults()
    try:
        values = parse_json(read_text(path))
        if not isinstance(values, dict):
            raise InputError("This is not a JSON object.", code="type", actual=type(values).__name__)
        return Defaults.of(cast("dict[str, Any]", values), published)
    except (OSError, ValueError) as error:  # an InputError is a ValueError
        hint = "correct it, or delete it and fetch it again"
        raise CheckpointError(f"Cannot use {path}: {error}", code="unreadable", hint=hint) from error


def write_defaults(folder: Path, defaults: Defaults) -> None:
    """Writes what `read_defaults` reads."""
    (folder / DEFAULTS_FILE).write_text(json.dumps(asdict(defaults), indent=2) + "\n", encoding="utf-8")
