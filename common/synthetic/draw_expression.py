"""What a face does, drawn by chance: action units that go together, and any others."""

from __future__ import annotations

import numpy as np

from ..action_units import ACTION_UNITS
from .draw_person import choose

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
        "AU1": (1, 1), "AU2": (0.8, 0.8), "AU4": (0.9, 0.7), "AU5": (1, 1), "AU20": (1, 0.9), "AU25": (0.9, 0.7),
        "AU26": (0.4, 0.5),
    },
}  # fmt: skip
PARTED = 0.6
"""How far a jaw that drops by 1 parts the lips."""
_KINDS = {"neutral": 0.15, "single": 0.2, "emotion": 0.4, "several": 0.25}


def draw_units(rng: np.random.Generator) -> Units:
    """Draw an expression: none, one unit, an emotion's units, or any two to four.

    Most are symmetric up to a twentieth; a fifth are weaker on one side. A jaw that drops parts the lips.

    Args:
        rng: what draws.

    Returns:
        (2, 12) intensities in [0, 5], in the order of `ACTION_UNITS`.
    """
    kind = choose(rng, _KINDS)
    names = tuple(ACTION_UNITS)
    strength = dict.fromkeys(names, 0.0)
    if kind == "emotion":
        overall = _intensity(rng)
        for name, (chance, share) in EMOTIONS[choose(rng, dict.fromkeys(EMOTIONS, 1.0))].items():
            if rng.random() < chance:
                strength[name] = overall * share * rng.uniform(0.75, 1.2)
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
