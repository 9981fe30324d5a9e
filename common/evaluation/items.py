"""Items: a synthetic person, a request, and the person with the request granted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..facs.action_units import ACTION_UNITS, to_text
from ..synthetic.data.draw import draw_scene, draw_units, single_unit
from ..synthetic.scene.factors import Scene
from ..synthetic.scene.stream import Purpose, stream

LEVELS = (3.0, -3.0, 1.5, 4.5, -1.5, -4.5)
COMBINATION_EVERY = 4
NAMES = tuple(ACTION_UNITS)


@dataclass(frozen=True)
class Item:
    """A person before and after an edit, determined by the seed and the index alone.

    Attributes:
        kind: name of the group by which errors are reported, such as "single".
        target: the source with the request granted.
        label: the request as text.
        units: (12,) requested change of the action units.
        unit: name of the one that changes; None in a combination.
    """

    index: int
    kind: str
    source: Scene
    target: Scene
    request: Any
    label: str
    units: tuple[float, ...]
    unit: str | None


def draw_item(seed: int, index: int) -> Item:
    """A change of action units: three single units in turn, then a combination.

    Single units pass through all of `LEVELS` from a face with no other expression; a negative change starts from a face
    that shows the unit. In a combination two units or more change, from one drawn expression to another. The request is
    the change (12,).
    """
    scene = replace(draw_scene(seed, index), blink=(0.0, 0.0))  # a lid that is shut cannot be raised
    unit = None
    if index % COMBINATION_EVERY == COMBINATION_EVERY - 1:
        before, after = _expressions(stream(seed, index, Purpose.OTHER_UNITS))
    else:
        unit, before, after = single(index - index // COMBINATION_EVERY, LEVELS)
    units = tuple(map(float, np.round(np.subtract(after, before), 3)))
    source = with_units(scene, before)
    target = with_units(scene, after)
    label = to_text([round(value, 1) for value in units])
    return Item(index, "single" if unit else "combination", source, target, units, label, units, unit)


def single(turn: int, levels: tuple[float, ...]) -> tuple[str, np.ndarray, np.ndarray]:
    """A unit and its intensities (12,) before and after; units take turns, and each passes through all levels."""
    number = turn % len(NAMES)
    unit = NAMES[number]
    level = levels[(turn // len(NAMES) + number) % len(levels)]
    low, high = single_unit(unit, abs(level))
    return (unit, low, high) if level > 0 else (unit, high, low)


def with_units(scene: Scene, units: np.ndarray) -> Scene:
    """The scene with these intensities (12,) on both sides of the face."""
    side = tuple(map(float, units))
    return replace(scene, units=(side, side))


def _expressions(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two drawn expressions (12,), both sides of the face alike, of which two units or more differ by 0.5."""
    while True:
        before, after = (np.round(np.mean(draw_units(rng), 0), 3) for _ in range(2))
        if (np.abs(after - before) >= 0.5).sum() >= 2:
            return before, after
