"""Pairs to learn from that photographs give: the photo, the same moved, and by how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from ..faces import FaceFinder, choose_face, get_finder
from ..images import ImageLike, read_image, rgb
from ..synthetic.draw_expression import draw_units
from .change import Change
from .draft import Draft


@dataclass(frozen=True, eq=False)
class Moved:
    """A photo and its draft.

    Attributes:
        photo: (H, W, 3) uint8, RGB.
        moved: (H, W, 3) uint8, the same after the variation.
        variation: (12,) change of the action units from photo to draft, in the order of `ACTION_UNITS`.
    """

    photo: np.ndarray = field(repr=False)
    moved: np.ndarray = field(repr=False)
    variation: np.ndarray


def pairs(
    photo: ImageLike,
    count: int,
    *,
    seed: int = 0,
    face: str | int | tuple[float, float] = "largest",
    finder: str | FaceFinder = "auto",
) -> Iterator[Moved]:
    """Drafts of expressions that are drawn as those of synthetic people (`common.synthetic.draw_expression`).

    The variation is exact: the draft moves the face by just that much. What the photo showed before is estimated, so
    that the drawn expressions, not the variations, are those of faces.

    Args:
        photo: see `common.images.read_image`.
        count: how many.
        seed: another seed, other expressions; the same, the same bytes.
        face: see `choose_face`.
        finder: see `common.faces.get_finder`.

    Raises:
        ImageError, ShapeError, FaceNotFoundError: the photo cannot be used.
    """
    pixels = rgb(read_image(photo))
    found = choose_face((get_finder(finder) if isinstance(finder, str) else finder).find(pixels), face)
    draft = Draft.of(pixels, found)
    present = draft.present.numpy()
    for number in range(count):
        wanted = np.mean(draw_units(np.random.default_rng([seed, number])), 0)
        yield moved(draft, np.round(wanted - present, 3).astype(np.float32))


def moved(draft: Draft, variation: np.ndarray) -> Moved:
    """The pair of one variation (12,)."""
    change = Change(torch.from_numpy(variation), torch.eye(3), draft.light, draft.light)
    return Moved(draft.photo, draft(change), variation)
