"""Colours and the words for them: what is drawn under a name is found again under that name."""

from __future__ import annotations

import numpy as np

from .capture import to_linear
from .factors import Colour

_CODES = {  # sRGB
    "black": 0x1A1A1C,
    "white": 0xEDEBE6,
    "grey": 0x85868A,
    "beige": 0xCDB99A,
    "brown": 0x694527,
    "red": 0xB3262A,
    "orange": 0xDB7A25,
    "yellow": 0xE3C244,
    "green": 0x3F7A41,
    "teal": 0x2B8388,
    "blue": 0x3767B0,
    "navy": 0x1D2A4D,
    "purple": 0x6B4391,
    "pink": 0xDC8FA7,
}


def from_code(code: int) -> Colour:
    """Linear colour of an sRGB code such as 0xB3262A."""
    red, green, blue = to_linear(np.array([code >> 16, code >> 8 & 255, code & 255]) / 255)
    return float(red), float(green), float(blue)


NAMED: dict[str, Colour] = {name: from_code(code) for name, code in _CODES.items()}
"""Word -> linear colour, of paint and cloth."""


def name_of(colour: Colour) -> str:
    """The word whose colour is nearest, over cube roots of linear light, which are about evenly spaced to the eye."""
    eye = np.cbrt(np.array(colour))
    return min(NAMED, key=lambda name: float(np.sum((np.cbrt(NAMED[name]) - eye) ** 2)))


def vary(rng: np.random.Generator, colour: Colour, amount: float = 0.12) -> Colour:
    """Another shade: brightness varied by about `amount` of itself, each channel by a third of that; cut at 1."""
    factor = np.exp(amount * np.clip(rng.normal(), -2, 2) + amount / 3 * np.clip(rng.normal(size=3), -2, 2))
    red, green, blue = np.clip(np.array(colour) * factor, 0, 1)
    return float(red), float(green), float(blue)


def paint(rng: np.random.Generator, name: str) -> Colour:
    """A shade that still bears the name."""
    shade = vary(rng, NAMED[name])
    return shade if name_of(shade) == name else NAMED[name]


def mix(first: Colour, second: Colour, fraction: float) -> Colour:
    """The first colour with a fraction of the second, in linear light."""
    red, green, blue = ((1 - fraction) * a + fraction * b for a, b in zip(first, second))
    return red, green, blue


def black_body(kelvin: float) -> Colour:
    """Linear colour of a glowing body, largest component 1; about white at 6500 K.

    The Planckian locus by the cubic fit of Kim et al. (US patent 7024034, 2006), 1667 to 25000 K, then sRGB.
    """
    t = 1e3 / kelvin
    if kelvin <= 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin <= 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin <= 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    tristimulus = np.array([x / y, 1.0, (1 - x - y) / y])
    matrix = np.array(
        [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
    )
    rgb = np.clip(matrix @ tristimulus, 0.001, None)
    red, green, blue = rgb / rgb.max()
    return float(red), float(green), float(blue)
