"""All that a picture says of itself, out of its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..core.errors import ImageError, InputError, MissingDependencyError
from ..imaging.image_files import Encoded, name_of
from ..imaging.images import open_picture, read_image, rgb
from . import credentials, watermark, xmp
from .recipe import Recipe, fingerprint


@dataclass(frozen=True)
class Signs:
    """What was found in a file.

    Attributes:
        file: its name.
        recorded: what its metadata record.
        unchanged: whether the pixels are those that were saved; None where the file does not say.
        mark: the invisible watermark; None where its library is not installed.
        credentials: see `common.provenance.credentials.read`; None where there are none.
        notes: what could not be looked at, and why.
    """

    file: str
    recorded: xmp.Recorded
    unchanged: bool | None
    mark: watermark.Mark | None
    credentials: dict[str, Any] | None
    notes: tuple[str, ...] = ()

    @property
    def synthetic(self) -> bool:
        """Whether anything says that the picture is synthetic. That nothing does proves nothing."""
        types = [self.recorded.source_type, (self.credentials or {}).get("source_type")]
        said = any(each and ("lgorithmicMedia" in each or "ynthetic" in each) for each in types)
        return said or bool(self.mark and self.mark.found)

    @property
    def recipe(self) -> Recipe | None:
        """The provenance record, by which it can be repeated."""
        return self.recorded.recipe

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "file": self.file,
            "synthetic": self.synthetic,
            "source_type": self.recorded.source_type,
            "software": self.recorded.software,
            "recipe": self.recipe and asdict(self.recipe),
            "unchanged": self.unchanged,
            "watermark": self.mark and {"found": self.mark.found, "agreeing": self.mark.agreeing, "of": watermark.BITS},
            "credentials": self.credentials,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        lines = [f"{self.file}: {'synthetic' if self.synthetic else 'nothing says that it is synthetic'}"]
        rows: list[tuple[str, object]] = [("digital source type", self.recorded.source_type or "not said")]
        if self.recorded.software:
            rows.append(("made by", self.recorded.software))
        if self.recipe:
            rows += _recipe_rows(self.recipe)
        if self.unchanged is not None:
            rows.append(("pixels", "as they were saved" if self.unchanged else "changed since they were saved"))
        if self.mark:
            found = "found" if self.mark.found else "not found"
            rows.append(("watermark", f"{found}, {self.mark.agreeing} of {watermark.BITS} bits agree"))
        if self.credentials:
            faults = f"; {', '.join(self.credentials['faults'])}" if self.credentials["faults"] else ""
            rows.append(("credentials", f"{self.credentials['state']}, by {self.credentials['signer']}{faults}"))
        lines += [f"  {name:20}{value}" for name, value in rows]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def verify(picture: Encoded) -> Signs:
    """Looks for everything that `common.imaging.images.save_image` writes into a picture, and others write into theirs.

    Raises:
        ImageError: it cannot be read.
        InputError: its recipe is damaged.
    """
    image, notes = read_image(picture), []
    recorded = xmp.read(packet(picture))
    mark = signed = None
    try:
        mark = watermark.look(rgb(image))
    except MissingDependencyError as error:
        notes.append(str(error).replace("\n", "\n  "))
    try:
        signed = credentials.read(picture)
    except (MissingDependencyError, ImageError) as error:
        notes.append(str(error).replace("\n", "\n  "))
    unchanged = None if recorded.pixels is None else recorded.pixels == fingerprint(image)
    return Signs(Path(name_of(picture)).name, recorded, unchanged, mark, signed, tuple(notes))


def read_recipe(picture: Encoded) -> Recipe:
    """How a picture was made, of its file; see `verify`. Raises ImageError: it cannot be read; InputError: it does not
    say.
    """
    recipe = xmp.read(packet(picture)).recipe
    if recipe is None:
        raise InputError(f"{name_of(picture)} has no provenance record, or has lost it.", code="missing")
    return recipe


def packet(picture: Encoded) -> bytes:
    """The XMP of a picture's file, or nothing; raises an ImageError where it cannot be read."""
    return packet_of(open_picture(picture).info)


def packet_of(info: Mapping[Any, Any]) -> bytes:
    """The XMP in the `info` of a PIL image that was read from a file, or nothing."""
    found = info.get("xmp") or info.get("XML:com.adobe.xmp") or b""
    found = found.encode(errors="replace") if isinstance(found, str) else found
    return found if isinstance(found, bytes) else b""


def _recipe_rows(recipe: Recipe) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [("request", json.dumps(recipe.request, sort_keys=True))]
    if recipe.model:
        rows.append(("model", recipe.model.get("id")))
        rows += [("", f"{name} {str(value)[:16]}...") for name, value in recipe.model.get("weights", {}).items()]
    if recipe.photo:
        rows.append(("photo", f"{recipe.photo.get('name')} {str(recipe.photo.get('sha256'))[:16]}..."))
    rows.append(("settings", ", ".join(f"{name}={value}" for name, value in sorted(recipe.settings.items()))))
    return rows
