"""Chance that can be repeated: one stream of random numbers for each seed, picture and purpose."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from ...core.numbers import whole_number


class Purpose(IntEnum):
    """What a stream is drawn for. Numbers never change: a new factor gets a new one, others stay as they were."""

    IDENTITY = 1
    SKIN = 2
    PIGMENT = 3
    HAIR = 4
    FEATURES = 5
    WEAR = 6
    UNITS = 7
    BLINK = 8
    POSE = 9
    GAZE = 10
    LAMPS = 11
    SHOT = 12
    BACKGROUND = 13
    CAPTURE = 14
    OTHER_UNITS = 15
    OTHER_POSE = 16
    OTHER_LAMPS = 17
    OTHER_KINDS = 18
    CLIP = 19
    SWAY = 20


def stream(seed: int, number: int, purpose: Purpose) -> np.random.Generator:
    """The random numbers of one purpose, for a picture or a person of a number in the population of a seed, both 0 or
    more.
    """
    numbers = [whole_number(name, value, 0, 2**63 - 1) for name, value in (("seed", seed), ("number", number))]
    return np.random.default_rng(np.random.SeedSequence([*numbers, int(purpose)]))
