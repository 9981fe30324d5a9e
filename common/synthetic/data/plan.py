"""Which pictures a data set consists of: a few numbers from which every scene follows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ...core.errors import InputError
from ...core.numbers import whole_number
from ..scene.factors import Scene
from .draw import PAIRS, draw_pair, draw_scene
from .draw_person import draw_person

VERSION = 2
"""Rises when the same numbers make other pictures."""

PICTURES_PER_PERSON = 4
_MOST = 2**31 - 1
_person = lru_cache(maxsize=64)(draw_person)


@dataclass(frozen=True)
class Plan:
    """A data set's pictures; make one with `plan`, which checks."""

    count: int  # how many pictures, or pairs of pictures
    size: int  # of the square pictures in pixels
    seed: int  # of all that is drawn
    pairs: str | None  # what differs within a pair, one of `PAIRS`; None for single pictures
    people: int  # how many persons take turns

    def scenes(self, index: int) -> dict[str, Scene]:
        """Scenes of one item by role: {"image": scene}, or {"source": scene, "target": scene}."""
        person = _person(self.seed, index % self.people)
        if self.pairs is None:
            return {"image": draw_scene(self.seed, index, person=person)}
        source, target = draw_pair(self.pairs, self.seed, index, person=person)
        return {"source": source, "target": target}


def plan(count: int, size: int, seed: int, pairs: str | None, people: int | None) -> Plan:
    """Check the arguments of a data set; without a number of people each has about `PICTURES_PER_PERSON` pictures.

    Raises:
        InputError: a number is not whole or out of range, or the pairs are unknown.
    """
    count = whole_number("count", count, 1, _MOST)
    size = whole_number("size", size, 32, 2048)
    seed = whole_number("seed", seed, 0, _MOST)
    if pairs is not None and pairs not in PAIRS:
        raise InputError("The kind of pairs is unknown.", code="unknown", expected=PAIRS, actual=pairs)
    people = max(1, count // PICTURES_PER_PERSON) if people is None else whole_number("people", people, 1, _MOST)
    return Plan(count, size, seed, pairs, people)
