"""Pictures drawn by chance: who, in what, doing what, in which light, before what, by which camera.

Every factor has its own stream of random numbers, fixed by the seed and the picture's index alone: a factor that is
added later leaves all others unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ...facs.action_units import ACTION_UNITS
from ..backgrounds.background import KINDS
from ..scene.colours import NAMED, black_body, from_code, paint, vary
from ..scene.factors import Background, Capture, Colour, Lamps, Person, Scene, Shot, Wear
from ..scene.stream import Purpose, stream
from ..wear.clothes import CLOTHES, PATTERNS
from ..wear.glasses import GLASSES
from ..wear.hats import HATS
from .draw_person import choose, clipped, draw_person, number_of

Units = tuple[tuple[float, ...], tuple[float, ...]]
"""(2, 12) intensities 0 to 5: the person's left side, then the right."""

# What the basic emotions look like (Ekman & Friesen's EMFACS), in the twelve units that there are: unit -> (chance that
# it takes part, intensity over the expression's own).
EMOTIONS: dict[str, dict[str, tuple[float, float]]] = {
    "joy": {"AU6": (0.9, 0.85), "AU12": (1, 1), "AU25": (0.6, 0.7), "AU26": (0.15, 0.5)},
    "sadness": {"AU1": (1, 1), "AU4": (0.8, 0.7), "AU15": (1, 0.9), "AU17": (0.5, 0.7)},
    "anger": {"AU4": (1, 1), "AU5": (0.8, 0.7), "AU17": (0.5, 0.7), "AU25": (0.2, 0.5)},
    "disgust": {"AU9": (1, 1), "AU15": (0.5, 0.6), "AU4": (0.4, 0.5), "AU17": (0.4, 0.6), "AU25": (0.3, 0.5)},
    "surprise": {"AU1": (1, 1), "AU2": (1, 1), "AU5": (0.9, 0.8), "AU25": (1, 0.8), "AU26": (1, 0.9)},
    "fear": {
        "AU1": (1, 1),
        "AU2": (0.8, 0.8),
        "AU4": (0.9, 0.7),
        "AU5": (1, 1),
        "AU20": (1, 0.9),
        "AU25": (0.9, 0.7),
        "AU26": (0.4, 0.5),
    },
}
PARTED = 0.6
"""How far a jaw that drops by 1 parts the lips."""
_KINDS = {"neutral": 0.15, "single": 0.2, "emotion": 0.4, "several": 0.25}

_GLASSES = {"round": 6, "rectangular": 8, "aviator": 3, "half rim": 4, "sun": 4, "none": 75}
_HATS = {"none": 92, "beanie": 2.5, "cap": 2.5, "wide brim": 1.5, "headband": 1.5}
_CLOTHES = {"t-shirt": 5, "crew neck": 4, "v-neck": 3, "shirt": 4, "turtleneck": 2, "hoodie": 2, "jacket": 3}
_PATTERNS = {"plain": 6, "melange": 2, "stripes": 1.5, "checked": 1.2}
_CLOTH_COLOURS = dict.fromkeys(NAMED, 1.0) | {"black": 3, "white": 3, "grey": 3, "navy": 3, "blue": 2, "beige": 1.5}
_FRAMES = (0x121212, 0x121212, 0x3B2416, 0x6B4A2A, 0x7A1F24, 0x24385E, 0xA9A9AC, 0xB08D4A)
# What a lamp is like: azimuth (mean of either side, deviation), elevation, key, softness and fill (low, high), kelvin.
_LIGHTS: dict[str, tuple[float, tuple[float, ...]]] = {
    "daylight": (4, (25, 20, 15, 50, 0.45, 0.75, 0.7, 1.0, 0.35, 0.6, 5200, 7500)),
    "window": (3, (62, 14, 5, 35, 0.6, 1.0, 0.5, 0.9, 0.15, 0.35, 5200, 7000)),
    "ceiling": (2, (15, 20, 50, 72, 0.5, 0.8, 0.4, 0.8, 0.25, 0.45, 3000, 4500)),
    "sun": (2, (45, 20, 25, 60, 0.9, 1.3, 0.0, 0.2, 0.2, 0.4, 4500, 5800)),
    "studio": (2.5, (35, 10, 20, 45, 0.6, 0.9, 0.4, 0.8, 0.15, 0.4, 5000, 5600)),
    "hard side": (1.5, (76, 9, 0, 30, 0.8, 1.2, 0.05, 0.4, 0.06, 0.16, 2900, 5600)),
    "flash": (1, (4, 4, 0, 12, 0.7, 1.0, 0.1, 0.35, 0.12, 0.3, 5000, 5800)),
}
# The colours that a background may have; what is not listed may have any.
_GROUNDS: dict[str, dict[str, float]] = {
    "brick": {"red": 5, "brown": 3, "white": 2, "grey": 2, "beige": 1},
    "wood": {"brown": 5, "beige": 2, "white": 1, "grey": 1},
    "bookshelf": {"brown": 4, "white": 3, "black": 1, "beige": 1},
    "window": {"white": 4, "grey": 2, "beige": 2, "green": 1, "blue": 1},
    "foliage": {"green": 1},
    "sky": {"blue": 1},
    "city": {"orange": 2, "blue": 1, "pink": 1, "yellow": 1},
}


def draw_scene(seed: int, index: int, *, person: Person | None = None) -> Scene:
    """Draw every factor of picture `index`, 0 or more, of a seed, 0 or more: the same scene for the same numbers and
    person, always; without a person the one of the same number is on it.

    Raises InputError for a number that is negative or not whole.
    """
    angles, blink = _angles(stream(seed, index, Purpose.POSE)), draw_blink(stream(seed, index, Purpose.BLINK))
    return Scene(
        person=draw_person(seed, index) if person is None else person,
        wear=_wear(stream(seed, index, Purpose.WEAR)),
        units=lowered(draw_units(stream(seed, index, Purpose.UNITS)), blink),
        blink=blink,
        gaze=_gaze(stream(seed, index, Purpose.GAZE), angles),
        angles=angles,
        lamps=_lamps(stream(seed, index, Purpose.LAMPS)),
        shot=_shot(stream(seed, index, Purpose.SHOT)),
        background=_background(stream(seed, index, Purpose.BACKGROUND)),
        capture=_capture(stream(seed, index, Purpose.CAPTURE)),
    )


def draw_pair(kind: str, seed: int, index: int, *, person: Person | None = None) -> tuple[Scene, Scene]:
    """Draw two pictures that differ in one thing alone, `kind` of `PAIRS`; other arguments as `draw_scene`.

    "expression": the action units, one at least by 0.5; "pose": the turn of head and eyes, 5 degrees or more; "light":
    the lamps; "mixed": one, two or all three of these, one alone in half of the pairs.
    """
    source = draw_scene(seed, index, person=person)
    changes = [_CHANGES[kind]] if kind != "mixed" else []
    if kind == "mixed":
        rng = stream(seed, index, Purpose.OTHER_KINDS)
        chosen = sorted(rng.choice(len(_CHANGES), rng.choice((1, 2, 3), p=(0.5, 0.3, 0.2)), replace=False))
        changes = [list(_CHANGES.values())[number] for number in chosen]
    target = source
    for change in changes:
        target = change(target, seed, index)
    return source, target


def _other_expression(source: Scene, seed: int, index: int) -> Scene:
    rng = stream(seed, index, Purpose.OTHER_UNITS)
    units = lowered(draw_units(rng), source.blink)
    while np.abs(np.mean(units, 0) - np.mean(source.units, 0)).max() < 0.5:
        units = lowered(draw_units(rng), source.blink)
    return replace(source, units=units)


def _other_pose(source: Scene, seed: int, index: int) -> Scene:
    rng = stream(seed, index, Purpose.OTHER_POSE)
    angles = _angles(rng)
    while np.abs(np.subtract(angles, source.angles)).max() < 5:
        angles = _angles(rng)
    return replace(source, angles=angles, gaze=_gaze(stream(seed, index, Purpose.GAZE), angles))


def _other_light(source: Scene, seed: int, index: int) -> Scene:
    return replace(source, lamps=_lamps(stream(seed, index, Purpose.OTHER_LAMPS)))


_CHANGES = {"expression": _other_expression, "pose": _other_pose, "light": _other_light}
PAIRS = (*_CHANGES, "mixed")
"""What may differ within a pair of pictures."""


def _of(names: tuple[str, ...], chances: Mapping[str, float]) -> dict[str, float]:
    """Chances of the names that exist; one without a chance gets a small one."""
    return {name: chances.get(name, 0.5) for name in names}


def _wear(rng: np.random.Generator) -> Wear:
    glasses, hat = choose(rng, _of(GLASSES, _GLASSES)), choose(rng, _of(HATS, _HATS))
    cloth, hat_cloth = (paint(rng, choose(rng, _CLOTH_COLOURS)) for _ in range(2))
    return Wear(
        glasses=glasses,
        glasses_colour=vary(rng, from_code(_FRAMES[int(rng.integers(len(_FRAMES)))])),
        hat=hat,
        hat_colour=hat_cloth,
        clothes=choose(rng, _of(CLOTHES, _CLOTHES)),
        clothes_colour=cloth,
        clothes_pattern=choose(rng, _of(PATTERNS, _PATTERNS)),
        pattern=number_of(rng),
    )


def _angles(rng: np.random.Generator) -> tuple[float, float, float]:
    yaw, pitch, roll = clipped(rng, 0, 15, -50, 50), clipped(rng, 0, 8, -25, 25), clipped(rng, 0, 5, -18, 18)
    return round(yaw, 2), round(pitch, 2), round(roll, 2)


def _gaze(rng: np.random.Generator, angles: tuple[float, float, float]) -> tuple[float, float]:
    """Three in four look into the camera, as far as eyes turn; the others ahead, or somewhere."""
    wobble, elsewhere = rng.normal(0, 1.2, 2), rng.normal(0, (11, 6), 2)
    target = -np.array(angles[:2]) + wobble if rng.random() < 0.75 else elsewhere
    yaw, pitch = np.clip(target, (-30, -20), (30, 20))
    return round(float(yaw), 2), round(float(pitch), 2)


def _lamps(rng: np.random.Generator) -> Lamps:
    kind = choose(rng, {name: chance for name, (chance, _) in _LIGHTS.items()})
    side, spread, *ranges, cold, hot = _LIGHTS[kind][1]
    azimuth = float(rng.choice([-1, 1])) * clipped(rng, side, spread, -100, 100)
    elevation, key, softness, fill = (float(rng.uniform(ranges[i], ranges[i + 1])) for i in range(0, 8, 2))
    kelvin = float(rng.uniform(cold, hot))
    # Shadows get what sky and walls throw back, mostly bluer; the camera has set its white between key and daylight.
    fill_kelvin = float(np.clip(kelvin * rng.uniform(0.9, 1.5), 2800, 11000))
    white = 1e6 / (0.85 * 1e6 / kelvin + 0.15 * 1e6 / 6500)
    rim = float(rng.uniform(0.3, 0.9)) * bool(rng.random() < (0.5 if kind == "studio" else 0.12))
    return Lamps(
        azimuth=round(float(np.clip(azimuth, -100, 100)), 2),
        elevation=round(elevation, 2),
        key=round(key, 4),
        key_colour=_tint(kelvin, white),
        softness=round(softness, 4),
        fill=round(fill, 4),
        fill_colour=_tint(fill_kelvin, white),
        bounce=round(float(rng.uniform(0.02, 0.14)), 4),
        rim=round(rim, 4),
        rim_azimuth=round(float(rng.choice([-1, 1]) * rng.uniform(125, 170)), 2),
    )


def _tint(kelvin: float, white: float) -> Colour:
    """A lamp's colour as a camera sees it whose white is another lamp's; largest component 1."""
    ratio = np.divide(black_body(kelvin), black_body(white))
    red, green, blue = np.round(ratio / ratio.max(), 4)
    return float(red), float(green), float(blue)


def _shot(rng: np.random.Generator) -> Shot:
    view, height = float(rng.uniform(12, 35)), float(rng.uniform(0.3, 0.5))
    shift = (clipped(rng, 0, 0.02, -0.06, 0.06), clipped(rng, 0, 0.015, -0.05, 0.05))
    return Shot(round(view, 3), round(height, 4), (round(shift[0], 4), round(shift[1], 4)))


def _background(rng: np.random.Generator) -> Background:
    kind = choose(rng, dict.fromkeys(KINDS, 1.0))
    name = choose(rng, _GROUNDS.get(kind, dict.fromkeys(NAMED, 1.0)))
    second = choose(rng, dict.fromkeys(NAMED, 1.0))
    blur = float(0.04 * rng.beta(1.3, 2))
    return Background(kind, paint(rng, name), paint(rng, second), name, round(blur, 5), number_of(rng))


def _capture(rng: np.random.Generator) -> Capture:
    compressed, quality = rng.random() < 0.6, int(rng.integers(55, 99))
    return Capture(
        exposure=round(clipped(rng, 0, 0.25, -0.75, 0.75), 4),
        warmth=round(clipped(rng, 0.05, 0.25, -1, 1), 4),
        contrast=round(clipped(rng, 1, 0.07, 0.8, 1.2), 4),
        blur=round(float(0.9 * rng.beta(1.2, 2.5)), 4),
        noise=round(float(6 * rng.beta(1.2, 2.5)), 4),
        jpeg=quality if compressed else 100,
        vignette=round(float(0.4 * rng.beta(1, 2.5)), 4),
        pattern=number_of(rng),
    )


def draw_units(rng: np.random.Generator) -> Units:
    """Draw an expression: none, one unit, an emotion's units, or any two to four, (2, 12) intensities in [0, 5], in the
    order of `ACTION_UNITS`.

    Most are symmetric up to a twentieth; a fifth are weaker on one side. A jaw that drops parts the lips.
    """
    kind = choose(rng, _KINDS)
    names = tuple(ACTION_UNITS)
    strength = dict.fromkeys(names, 0.0)
    if kind == "emotion":
        overall = _intensity(rng)
        for name, (chance, fraction) in EMOTIONS[choose(rng, dict.fromkeys(EMOTIONS, 1.0))].items():
            if rng.random() < chance:
                strength[name] = overall * fraction * rng.uniform(0.75, 1.2)
    elif kind != "neutral":
        count = 1 if kind == "single" else int(rng.integers(2, 5))
        for name in rng.choice(names, count, replace=False):
            strength[str(name)] = _intensity(rng)
    strength["AU25"] = max(strength["AU25"], PARTED * strength["AU26"])
    middle = np.clip(list(strength.values()), 0, 5)
    sides = 1 + rng.uniform(-0.05, 0.05, (2, len(names)))
    if rng.random() < 0.2:
        sides[int(rng.integers(2))] *= rng.uniform(0.3, 0.85)
    left, right = np.round(np.clip(middle * sides, 0, 5), 3)
    return tuple(map(float, left)), tuple(map(float, right))


def single_unit(unit: str, intensity: float) -> tuple[np.ndarray, np.ndarray]:
    """Intensities (12,) of faces without and with a unit; for AU26 both have the lips parted as far as its jaw does."""
    names = list(ACTION_UNITS)
    without, having = np.zeros(len(names)), np.zeros(len(names))
    having[names.index(unit)] = intensity
    if unit == "AU26":
        without[names.index("AU25")] = having[names.index("AU25")] = PARTED * intensity
    return without, having


def draw_blink(rng: np.random.Generator) -> tuple[float, float]:
    """Draw how far the left and the right eye are closed, 0 to 1: one picture in twenty is taken during a blink."""
    depth, second, wink = rng.uniform(0.4, 1.0), rng.uniform(-0.05, 0.05), rng.random() < 0.15
    left = bool(rng.integers(2))
    if rng.random() >= 0.05:
        return 0.0, 0.0
    other = 0.0 if wink else float(np.clip(depth + second, 0, 1))
    return (round(depth, 3), round(other, 3)) if left else (round(other, 3), round(depth, 3))


def lowered(units: Units, blink: tuple[float, float]) -> Units:
    """The units of eyes that blink: a lid that comes down cannot be raised as well."""
    lid = tuple(ACTION_UNITS).index("AU5")
    left, right = (
        tuple(round(v * (1 - closed), 3) if i == lid else v for i, v in enumerate(side))
        for side, closed in zip(units, blink)
    )
    return left, right


def _intensity(rng: np.random.Generator) -> float:
    return float(5 * rng.beta(1.4, 1.5))
