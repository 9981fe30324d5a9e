"""Patterns of cloth: the colour at points of a garment."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .scalp import smooth


def plain(points: np.ndarray, colour: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One colour (3,) at points (N, 3), hardly uneven: (N, 3), as every weave returns it."""
    return colour * (1 + rng.normal(0, 0.02, (len(points), 1)))


def _stripes(points: np.ndarray, colour: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    wide = rng.uniform(0.02, 0.045)
    return _blend(colour, other, _line(points[:, 1], wide, rng.uniform(0.3, 0.6)))


def _melange(points: np.ndarray, colour: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return colour * np.exp(rng.normal(0, 0.16, (len(points), 1)))


def _checked(points: np.ndarray, colour: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    wide = rng.uniform(0.022, 0.05)
    both = _line(points[:, 0], wide, 0.45) + _line(points[:, 1], wide, 0.45)
    return _blend(colour, other, both / 2)


def _line(place: np.ndarray, wide: float, share: float) -> np.ndarray:
    """1 on lines that take a share of each period `wide` (metres), 0 between, (N,)."""
    phase, soft = np.abs((place / wide) % 1 - 0.5) * 2, 0.006 / wide  # as soft as the mesh is coarse
    return smooth(phase, 1 - share - soft, 1 - share + soft)


def _blend(colour: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    return colour + (other - colour) * share[:, None]


WEAVES: dict[str, Callable] = {"plain": plain, "stripes": _stripes, "melange": _melange, "checked": _checked}
