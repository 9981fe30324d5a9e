"""Who is on a picture, drawn by chance: face, skin, hair, beard and make-up that go together as in life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from ...face3d.heads.anny import default_head
from ...face3d.heads.people import age_years, sample
from ..hair.hair import HAIR_STYLES
from ..scene.colours import from_code, mix, vary
from ..scene.factors import BEARDS, Colour, Features, Hair, Person, Skin
from ..scene.stream import Purpose, stream

T = TypeVar("T")

HAIR_COLOURS: dict[str, Colour] = {
    "black": (0.012, 0.010, 0.009),
    "dark brown": (0.036, 0.021, 0.013),
    "brown": (0.085, 0.048, 0.027),
    "light brown": (0.17, 0.105, 0.06),
    "blond": (0.42, 0.29, 0.15),
    "red": (0.26, 0.075, 0.022),
}
DYES: dict[str, Colour] = {
    "platinum blond": (0.68, 0.58, 0.42),
    "bright red": (0.35, 0.012, 0.015),
    "pink": (0.60, 0.16, 0.28),
    "blue": (0.03, 0.09, 0.33),
    "green": (0.04, 0.20, 0.09),
    "purple": (0.16, 0.03, 0.25),
}
WHITE: Colour = (0.62, 0.60, 0.57)
"""Hair without pigment."""

_MELANIN = {"african": 1.75, "asian": 0.62, "caucasian": 0.36}  # geometric means; most people are mixed, and vary
_IRISES: dict[str, Colour] = {
    "dark brown": from_code(0x2E1A10),
    "brown": from_code(0x52321A),
    "hazel": from_code(0x72592F),
    "green": from_code(0x6B7A4C),
    "blue": from_code(0x5F83A6),
    "grey": from_code(0x828E94),
}
_LIPSTICKS = (0x9C1C2C, 0xC42B3A, 0xB85C66, 0x6E1930, 0xA85A48, 0xC96A86, 0x7A3B3B)
_SHADOWS = (0x6B4A3B, 0x4A4450, 0x7B5566, 0x8C6A4A, 0x3F4E63, 0x5B3A52)

# Chances of a style for (women, men), before age and the kind of hair have their say.
_STYLES: dict[str, tuple[float, float]] = {
    "none": (0.01, 0.06),
    "buzz": (0.01, 0.13),
    "crew": (0.02, 0.26),
    "side part": (0.05, 0.18),
    "swept back": (0.05, 0.12),
    "curly short": (0.08, 0.08),
    "afro": (0.05, 0.04),
    "receding": (0.0, 0.06),
    "bob": (0.16, 0.01),
    "long straight": (0.17, 0.03),
    "long wavy": (0.15, 0.03),
    "bun": (0.09, 0.02),
    "ponytail": (0.10, 0.02),
    "fringe": (0.08, 0.08),
    "locs": (0.04, 0.03),
}


def draw_person(seed: int, number: int) -> Person:
    """Draw the person of a number, 0 or more, in the population of a seed, 0 or more: the same for the same numbers,
    always.

    Raises InputError for a number that is negative or not whole.
    """
    names = default_head().identity_names
    identity = sample(stream(seed, number, Purpose.IDENTITY), names)
    value = dict(zip(names, map(float, identity)))
    ancestry = {axis: value[axis] + 1 / 3 for axis in _MELANIN}
    femininity, age = value["gender"], min(max(age_years(value["age"]), 18.0), 85.0)
    noun = "woman" if femininity > 0.12 else "man" if femininity < -0.12 else "person"
    skin = _skin(stream(seed, number, Purpose.SKIN), ancestry, age, femininity)
    base, greyness = _pigment(stream(seed, number, Purpose.PIGMENT), ancestry, skin, age)
    hair = _hair(stream(seed, number, Purpose.HAIR), base, greyness, ancestry, age, femininity)
    if base == "red" and skin.melanin < 0.5:
        skin = replace(skin, freckles=max(skin.freckles, 0.3))
    features = _features(stream(seed, number, Purpose.FEATURES), base, greyness, skin, ancestry, age, femininity)
    return Person(number, tuple(map(float, identity)), noun, age, skin, features, hair)


def choose(rng: np.random.Generator, chances: Mapping[T, float]) -> T:
    """One of the keys, with chances in proportion to their values."""
    weights = np.array(list(chances.values()), float)
    return list(chances)[int(rng.choice(len(weights), p=weights / weights.sum()))]


def clipped(rng: np.random.Generator, mean: float, deviation: float, low: float, high: float) -> float:
    """A normal number cut to a range."""
    return float(np.clip(rng.normal(mean, deviation), low, high))


def number_of(rng: np.random.Generator) -> int:
    """Any whole number that fits 31 bits: which of the random variants."""
    return int(rng.integers(2**31))


def _skin(rng: np.random.Generator, ancestry: Mapping[str, float], age: float, femininity: float) -> Skin:
    mean = sum(fraction * np.log(_MELANIN[axis]) for axis, fraction in ancestry.items())
    melanin = float(np.clip(np.exp(mean + rng.normal(0, 0.46)), 0.05, 2.4))
    fair = float(np.clip((0.7 - melanin) / 0.4, 0, 1))
    freckled = rng.random() < 0.3 * fair
    return Skin(
        melanin=melanin,
        haemoglobin=clipped(rng, 0.42 - 0.02 * np.sign(femininity), 0.09, 0.2, 0.7),
        blotches=float(rng.beta(2, 3)),
        pores=clipped(rng, 0.45 - 0.25 * femininity, 0.15, 0.05, 1),
        freckles=float(rng.beta(1.5, 2.5)) * freckled,
        moles=int(min(rng.poisson(1.2 + 0.02 * age), 12)),
        wrinkles=clipped(rng, (age - 24) / 55, 0.09, 0, 1),
        oil=float(rng.beta(2.5, 3.5)),
        pattern=number_of(rng),
    )


def _pigment(rng: np.random.Generator, ancestry: Mapping[str, float], skin: Skin, age: float) -> tuple[str, float]:
    """The colour that hair was born with, and how much of it has gone: 0 to 1."""
    fair = ancestry["caucasian"] * float(np.clip((0.9 - skin.melanin) / 0.6, 0, 1))
    base = choose(
        rng,
        {
            "black": 0.03 + 1.0 * (1 - fair) ** 2,
            "dark brown": 0.25 + 0.35 * (1 - fair),
            "brown": 0.02 + 0.35 * fair,
            "light brown": 0.01 + 0.22 * fair,
            "blond": 0.005 + 0.22 * fair**2,
            "red": 0.002 + 0.10 * fair**2,
        },
    )
    onset = rng.normal(46, 8) + 5 * (1 - ancestry["caucasian"])
    return base, float(np.clip((age - onset) / 26, 0, 1))


def _hair(
    rng: np.random.Generator, base: str, greyness: float, ancestry: Mapping[str, float], age: float, femininity: float
) -> Hair:
    woman = float(np.clip(0.5 + femininity / 0.3, 0.03, 0.97))
    tight = float(np.clip(ancestry["african"] * 1.8 - 0.6, 0, 1))  # how tightly the hair curls
    chances = {style: woman * a + (1 - woman) * b for style, (a, b) in _STYLES.items() if style in HAIR_STYLES}
    old = float(np.clip((age - 30) / 35, 0, 1))
    for style in chances:
        if style in ("afro", "locs"):
            chances[style] *= 0.04 + 5 * tight
        elif style in ("long straight", "fringe", "swept back", "side part", "long wavy", "bob"):
            chances[style] *= (1 - 0.8 * tight) * (1 - 0.4 * old * (style.startswith("long") or style == "fringe"))
        elif style in ("none", "receding"):
            chances[style] *= 0.3 + (3 if style == "none" else 8) * old
    style = choose(rng, chances)
    dyed, natural = rng.random() < 0.02 + 0.09 * woman * (age < 60), rng.random() < 0.4 * woman
    dye = choose(rng, {"platinum blond": 3, "bright red": 3, "pink": 1.5, "blue": 1, "green": 0.7, "purple": 1})
    shade = vary(rng, (1.0, 1.0, 1.0), 0.15)
    if dyed:
        colour, name = DYES[dye], dye
    else:
        colour, name = greyed(base, 0.0 if natural and age < 75 else greyness)
    red, green, blue = (min(a * b, 0.95) for a, b in zip(colour, shade))
    return Hair(style, (red, green, blue), name, clipped(rng, 0.88, 0.09, 0.7, 1.0), number_of(rng))


def greyed(base: str, greyness: float) -> tuple[Colour, str]:
    """A natural colour after some of its pigment has gone, and its word."""
    colour = mix(HAIR_COLOURS[base], WHITE, 0.95 * greyness**1.5)
    if greyness < 0.3:
        return colour, base
    if base in ("blond", "light brown"):
        return colour, "white" if greyness > 0.8 else "greying " + base if greyness < 0.6 else "grey"
    return colour, "white" if greyness > 0.9 else "greying " + base if greyness < 0.5 else "grey"


def _features(
    rng: np.random.Generator,
    base: str,
    greyness: float,
    skin: Skin,
    ancestry: Mapping[str, float],
    age: float,
    femininity: float,
) -> Features:
    light = ancestry["caucasian"] * float(np.clip((0.8 - skin.melanin) / 0.5, 0, 1))
    iris = choose(
        rng,
        {
            "dark brown": 0.02 + (1 - light) ** 2,
            "brown": 0.25,
            "hazel": 0.01 + 0.18 * light,
            "green": 0.003 + 0.14 * light**2,
            "blue": 0.002 + 0.5 * light**2,
            "grey": 0.001 + 0.12 * light**2,
        },
    )
    brow, _ = greyed(base, 0.7 * greyness)
    man = femininity < 0
    brows = vary(rng, mix(brow, HAIR_COLOURS["black"], 0.25), 0.1)
    width, density = clipped(rng, 1.1 if man else 0.88, 0.16, 0.6, 1.5), clipped(rng, 0.75, 0.13, 0.3, 1)
    shade = vary(rng, _IRISES[iris], 0.15)
    size, sclera = clipped(rng, 1, 0.035, 0.9, 1.1), clipped(rng, 0.1 + age / 250, 0.1, 0, 1)
    beard = choose(rng, dict(zip(BEARDS, (0.42, 0.27, 0.07, 0.08, 0.16))))
    beard_density = clipped(rng, 0.72 - 0.2 * ancestry["asian"], 0.15, 0.25, 1)
    beard_colour, _ = greyed(base, min(1.15 * greyness, 1))
    beard_colour = vary(rng, beard_colour, 0.1)
    made_up = rng.random() < (0.03 if man else 0.6)
    lips, lids, liner, cheeks = (float(rng.beta(1.6, 1.8)) * bool(rng.random() < p) for p in (0.75, 0.55, 0.5, 0.5))
    lash = clipped(rng, 0.4 if man else 0.5, 0.12, 0, 1)
    lip_colour, lid_colour = (
        vary(rng, from_code(codes[int(rng.integers(len(codes)))]), 0.1) for codes in (_LIPSTICKS, _SHADOWS)
    )
    bearded = femininity < -0.12 and beard != "none"
    return Features(
        brow_colour=brows,
        brow_width=width,
        brow_density=density,
        iris=shade,
        iris_size=size,
        sclera=sclera,
        lashes=min(lash + 0.35 * made_up, 1.0),
        beard=beard if bearded else "none",
        beard_density=beard_density if bearded else 0.0,
        beard_colour=beard_colour,
        lipstick=lips * made_up,
        lip_colour=lip_colour,
        eyeshadow=lids * made_up,
        eyeshadow_colour=lid_colour,
        eyeliner=liner * made_up,
        blush=cheeks * made_up,
    )
