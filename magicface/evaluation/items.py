"""What is asked: a synthetic person, a wish, and how the person truly looks when it is granted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from common.action_units import ACTION_UNITS
from common.synthetic.draw import draw_scene, draw_units, single_unit
from common.synthetic.factors import Scene
from common.synthetic.stream import Purpose, stream

LEVELS = (3.0, -3.0, 1.5, 4.5, -1.5, -4.5)
COMBINATION_EVERY = 4

_NAMES = tuple(ACTION_UNITS)


@dataclass(frozen=True)
class Item:
    """One question and its true answer.

    Attributes:
        index: which; the item depends on it and the seed alone.
        source: the person before.
        target: the same person, photo and light, the wish granted.
        wish: (12,) change of the action units, in the order of `ACTION_UNITS`.
        unit: the one that changes; None in a combination.
    """

    index: int
    source: Scene
    target: Scene
    wish: tuple[float, ...]
    unit: str | None


def draw_item(seed: int, index: int) -> Item:
    """The item of a number: three single units in turn, then a combination.

    Single units go through all of `LEVELS`, from a face with no other expression; a wish below zero begins at a face
    that has the unit. In a combination two units or more change, from one drawn expression to another.
    """
    scene = replace(draw_scene(seed, index), blink=(0.0, 0.0))  # a lid that is shut cannot be raised
    unit = None
    if index % COMBINATION_EVERY == COMBINATION_EVERY - 1:
        before, after = _expressions(stream(seed, index, Purpose.OTHER_UNITS))
    else:
        turn = index - index // COMBINATION_EVERY
        number = turn % len(_NAMES)
        unit, level = _NAMES[number], LEVELS[(turn // len(_NAMES) + number) % len(LEVELS)]
        low, high = single_unit(unit, abs(level))
        before, after = (low, high) if level > 0 else (high, low)
    wish = np.round(np.subtract(after, before), 3)
    return Item(index, _with(scene, before), _with(scene, after), tuple(map(float, wish)), unit)


def _expressions(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two drawn expressions (12,), both sides of the face alike, of which two units or more differ by 0.5."""
    while True:
        before, after = (np.round(np.mean(draw_units(rng), 0), 3) for _ in range(2))
        if (np.abs(after - before) >= 0.5).sum() >= 2:
            return before, after


def _with(scene: Scene, units: np.ndarray) -> Scene:
    side = tuple(map(float, units))
    return replace(scene, units=(side, side))
