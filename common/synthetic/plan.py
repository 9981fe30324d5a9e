"""Which pictures a data set consists of: a few numbers from which every scene follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..errors import InputError
from .draw import draw_person, draw_scene, expression_pair, light_pair, mixed_pair, pose_pair
from .factors import Person, Scene

VERSION = 1
"""Rises when the same numbers make other pictures."""

PICTURES_PER_PERSON = 4
PAIRS: dict[str, Callable[..., tuple[Scene, Scene]]] = {
    "expression": expression_pair,
    "pose": pose_pair,
    "light": light_pair,
    "mixed": mixed_pair,
}


@dataclass(frozen=True)
class Plan:
    """A data set's pictures; make one with `plan`, which checks.

    Attributes:
        count: how many pictures, or pairs of pictures.
        size: of the square pictures in pixels.
        seed: of all that is drawn.
        pairs: what differs within a pair, one of `PAIRS`; None for single pictures.
        people: how many persons take turns.
    """

    count: int
    size: int
    seed: int
    pairs: str | None
    people: int

    def scenes(self, index: int) -> dict[str, Scene]:
        """Scenes of one item by role: {"image": scene}, or {"source": scene, "target": scene}."""
        person = _person(self.seed, index % self.people)
        if self.pairs is None:
            return {"image": draw_scene(self.seed, index, person=person)}
        source, target = PAIRS[self.pairs](self.seed, index, person=person)
        return {"source": source, "target": target}


def plan(count: int, size: int, seed: int, pairs: str | None, people: int | None) -> Plan:
    """Check the arguments of a data set; without a number of people each has about `PICTURES_PER_PERSON` pictures.

    Raises:
        InputError: a number is not whole or out of range, or the pairs are unknown.
    """
    count, size, seed = _whole("count", count, 1), _whole("size", size, 32, 2048), _whole("seed", seed, 0)
    if pairs is not None and pairs not in PAIRS:
        raise InputError(f"Unknown pairs {pairs!r}.\n  expected: {', '.join(PAIRS)}, or none for single pictures")
    people = max(1, count // PICTURES_PER_PERSON) if people is None else _whole("people", people, 1)
    return Plan(count, size, seed, pairs, people)


def _whole(name: str, value: int, low: int, high: int = 2**31 - 1) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
        raise InputError(f"Expected a whole {name} from {low} to {high}; got {value!r}.")
    return int(value)


@lru_cache(maxsize=64)
def _person(seed: int, number: int) -> Person:
    return draw_person(seed, number)
