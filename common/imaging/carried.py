"""What a picture knows of how it was made, as far as reading, writing and arranging pictures need to know of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

KEY = "provenance"
"""Key of a PIL image's `info` under which it lies."""


class Carried(ABC):
    """The provenance of a picture; `common.provenance` implements it, pictures carry it in their `info`."""

    @abstractmethod
    def write(self, image: Image.Image, file: Path, kind: str, options: dict[str, Any]) -> None:
        """Writes the picture, RGB or RGBA, with its provenance; the file may be half-written when this is stopped.

        Raises:
            ImageError: a format, by PIL's name, that cannot hold it.
        """

    @abstractmethod
    def together(self, pictures: Sequence[Image.Image]) -> Carried:
        """The provenance of a page that shows these pictures, of which this one is the first that carries any."""

    @abstractmethod
    def attach(self, image: Image.Image) -> Image.Image:
        """A copy of the picture that carries it."""

    @abstractmethod
    def comment(self) -> str:
        """One line for files that hold nothing but a comment."""


def carried_by(image: Image.Image) -> Carried | None:
    """What the picture carries; None for a photo."""
    found = image.info.get(KEY)
    return found if isinstance(found, Carried) else None


def carried_together(pictures: Sequence[Image.Image]) -> Carried | None:
    """What a page that shows these pictures carries; None where all of them are photos."""
    known = next((found for picture in pictures if (found := carried_by(picture)) is not None), None)
    return None if known is None else known.together(pictures)
