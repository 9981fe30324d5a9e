"""Hair: ribbons over a dark cap, grown on the mean head once and fitted to a person."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .combs import Style
from .hats import HATS
from .layers import Layer, Skull
from .ribbons import Wish, fitted
from .scalp import checked, checked_colour

_STYLES: dict[str, Style | None] = {
    "none": None,
    "buzz": Style(
        "whorl", 0.008, 0.006, volume=0.002, lift=0.5, width=0.0014, strands=8000, segments=2, clump=0.0, loose=0.3,
    ),
    "crew": Style("forward", 0.026, 0.011, volume=0.009, lift=0.6, width=0.0015, strands=5500, segments=4, loose=0.2),
    "receding": Style(
        "whorl", 0.030, 0.018, volume=0.006, lift=0.35, width=0.0016, strands=5500, segments=4, loss=0.035,
    ),
    "side part": Style(
        "part", 0.085, 0.025, volume=0.014, lift=0.35, strands=3600, segments=6, cling=0.6,
    ),
    "swept back": Style(
        "back", 0.10, 0.045, volume=0.016, lift=0.45, strands=3600, segments=6, fall=0.15, cling=0.6,
    ),
    "fringe": Style("forward", 0.085, 0.040, volume=0.015, lift=0.35, strands=3600, segments=6),
    "curly short": Style(
        "whorl", 0.07, 0.04, volume=0.030, lift=0.7, fall=0.1, curl=0.006, turn=0.026, clump=0.5, lock=7,
        strands=2000, segments=11, width=0.003, shell=0.3, cling=0.6, blunt=0.3,
    ),
    "afro": Style(
        "out", 0.075, 0.06, volume=0.045, lift=1.0, fall=0.0, curl=0.005, turn=0.018, clump=0.3, lock=5, loose=0.25,
        strands=1600, segments=14, width=0.0034, shell=0.45, cling=0.0, blunt=0.5,
    ),
    "bob": Style(
        "part", 0.21, 0.15, volume=0.016, lift=0.25, fall=0.8, strands=2300, segments=10, width=0.0034, blunt=0.4,
    ),
    "long straight": Style(
        "part", 0.42, 0.34, volume=0.013, lift=0.2, fall=0.9, part=0.0, strands=1650, segments=14, width=0.0044,
    ),
    "long wavy": Style(
        "part", 0.42, 0.34, volume=0.018, lift=0.3, fall=0.8, curl=0.011, turn=0.11, clump=0.4, lock=16,
        strands=1250, segments=19, width=0.0052,
    ),
    "bun": Style("tie", 0.17, 0.15, volume=0.006, lift=0.1, fall=0.0, strands=2400, segments=8, knot="bun", cling=0.6),
    "ponytail": Style(
        "tie", 0.18, 0.16, volume=0.006, lift=0.1, fall=0.0, strands=1900, segments=10, knot="ponytail", cling=0.6,
    ),
    "locs": Style(
        "part", 0.26, 0.22, volume=0.022, lift=0.4, fall=0.8, curl=0.0042, turn=0.03, clump=1.0, lock=9, blunt=0.9,
        strands=1250, segments=19, width=0.0036, part=0.0,
    ),
}  # fmt: skip
HAIR_STYLES = tuple(_STYLES)


def hair(
    style: str,
    skull: Skull,
    rng: np.random.Generator,
    *,
    colour: np.ndarray,
    length: float = 1.0,
    detail: float = 1.0,
    mirrored: bool | None = None,
    under_hat: str = "none",
) -> Layer | None:
    """Grow hair on a head.

    The first hair of a style in a process takes about a second; then a person takes hundredths of one.

    Args:
        style: one of `HAIR_STYLES`.
        skull: the person's.
        rng: draws what differs between people of one style: length, volume, waves, the hairline, each strand's tone.
        colour: (3,) albedo of the hair in linear light, [0, 1]; roots are darker and tips lighter.
        length: share of the style's full length, above 0 to 1.
        detail: share of the strands that are made, above 0 to 1, wider the fewer they are: the picture's width / 512.
        mirrored: whether the parting is on the person's right; None draws it.
        under_hat: the hat that is worn over it, one of `HATS`: hair beneath is pressed flat or left out.

    Returns:
        A layer of part "hair" with tangents, or None for "none".

    Raises:
        InputError: a name is unknown, or a number or colour cannot be used.
    """
    plan = checked("hair style", style, _STYLES)
    checked("hat", under_hat, dict.fromkeys(HATS))
    colour = checked_colour(colour)
    for name, value in (("length", length), ("detail", detail)):
        if not 0 < value <= 1:
            raise InputError(f"Cannot use this {name} of hair.\n  expected: above 0, up to 1\n  got:      {value}")
    if plan is None:
        return None
    drawn = bool(rng.integers(2))
    wish = Wish(colour, length, detail, drawn if mirrored is None else mirrored, under_hat)
    return fitted(plan, wish, skull, rng)
