"""What is asked: the caption of a synthetic person, action units, and a true picture of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from common.action_units import ACTION_UNITS
from common.synthetic.captions import true_traits
from common.synthetic.draw import draw_scene, draw_units, single_unit
from common.synthetic.factors import Scene
from common.synthetic.simplified import before_wall
from common.synthetic.stream import Purpose, stream

from ..data.synthetic import told

LEVELS = (1.5, 3.0, 4.5)
COMBINATION_EVERY = 4
FACE_HEIGHT = 0.48  # of the true pictures, which are cut out as those that the embedded model was trained on

_NAMES = tuple(ACTION_UNITS)


@dataclass(frozen=True)
class Item:
    """One question and its true answer.

    Attributes:
        index: which; the item depends on it and the seed alone.
        caption: says all but what the face does.
        before: (12,) intensities of the face that the other is compared with: all 0, but for parted lips before AU26.
        wish: (12,) intensities, in the order of `ACTION_UNITS`.
        unit: the one that changes; None in a combination.
        source: the scene of the caption with the face as before.
        target: the same with the wish.
        traits: what the caption says of the person, see `common.measure.traits`.
    """

    index: int
    caption: str
    before: tuple[float, ...]
    wish: tuple[float, ...]
    unit: str | None
    source: Scene
    target: Scene
    traits: Mapping[str, str | None]

    @property
    def change(self) -> tuple[float, ...]:
        """(12,) what is asked for."""
        return tuple(round(b - a, 3) for a, b in zip(self.before, self.wish))


def draw_item(seed: int, index: int) -> Item:
    """The item of a number: three single units in turn, each at all of `LEVELS`, then a drawn expression."""
    scene = before_wall(replace(draw_scene(seed, index), blink=(0.0, 0.0)), index)
    unit, before = None, np.zeros(len(_NAMES))
    if index % COMBINATION_EVERY == COMBINATION_EVERY - 1:
        wish = _expression(stream(seed, index, Purpose.OTHER_UNITS))
    else:
        turn = index - index // COMBINATION_EVERY
        number = turn % len(_NAMES)
        unit = _NAMES[number]
        before, wish = single_unit(unit, LEVELS[(turn // len(_NAMES) + number) % len(LEVELS)])
    caption = told(scene, FACE_HEIGHT)
    plain, wished = (tuple(map(float, np.round(units, 3))) for units in (before, wish))
    source, target = (replace(scene, units=(units, units)) for units in (plain, wished))
    return Item(index, caption, plain, wished, unit, source, target, true_traits(scene))


def _expression(rng: np.random.Generator) -> np.ndarray:
    """A drawn expression (12,), both sides of the face alike, with two units or more."""
    while True:
        units = np.mean(draw_units(rng), 0)
        if (units >= 0.5).sum() >= 2:
            return units
