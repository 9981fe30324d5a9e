"""What is asked: the caption of a synthetic person, action units, and a true picture of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from common.evaluation.items import COMBINATION_EVERY, NAMES, Item, single, with_units
from common.facs.action_units import to_text
from common.synthetic.data.draw import draw_scene, draw_units
from common.synthetic.data.simplified import before_wall
from common.synthetic.scene.captions import true_traits
from common.synthetic.scene.stream import Purpose, stream

from ..data.synthetic import caption_of

LEVELS = (1.5, 3.0, 4.5)
FACE_HEIGHT = 0.48  # of the true pictures, which are cut out as those that the embedded model was trained on


@dataclass(frozen=True)
class CaptionItem(Item):
    """A caption with intensities, and true pictures of both.

    Attributes:
        request: (12,) intensities, in the order of `ACTION_UNITS`.
        caption: describes all but the expression.
        before: (12,) intensities of the face that the other is compared with: all 0, but for parted lips before AU26.
        traits: what the caption says of the person, see `common.measure.traits`.
    """

    caption: str
    before: tuple[float, ...]
    traits: Mapping[str, str | None]


def draw_item(seed: int, index: int) -> CaptionItem:
    """The item of a number: three single units in turn, each at all of `LEVELS`, then a drawn expression."""
    scene = before_wall(replace(draw_scene(seed, index), blink=(0.0, 0.0)), index)
    unit = None
    before = np.zeros(len(NAMES))
    if index % COMBINATION_EVERY == COMBINATION_EVERY - 1:
        after = _expression(stream(seed, index, Purpose.OTHER_UNITS))
    else:
        unit, before, after = single(index - index // COMBINATION_EVERY, LEVELS)
    caption = caption_of(scene, FACE_HEIGHT)
    plain, request = (tuple(map(float, np.round(units, 3))) for units in (before, after))
    change = tuple(round(b - a, 3) for a, b in zip(plain, request))
    return CaptionItem(
        index=index,
        kind="single" if unit else "combination",
        source=with_units(scene, np.array(plain)),
        target=with_units(scene, np.array(request)),
        request=request,
        label=f"{to_text([round(value, 1) for value in request])}: {caption}",
        units=change,
        unit=unit,
        caption=caption,
        before=plain,
        traits=true_traits(scene),
    )


def _expression(rng: np.random.Generator) -> np.ndarray:
    """A drawn expression (12,), both sides of the face alike, with two units or more."""
    while True:
        units = np.mean(draw_units(rng), 0)
        if (units >= 0.5).sum() >= 2:
            return units
