"""Intensities of action units on the head's scale, and on the one before, on which some networks were trained.

On both, 5 was meant to be the most that a face does. Scale 1 fell short of it: its 5 was what is now 2 to 5.
"""

from __future__ import annotations

import torch

from ...core.numbers import whole_number
from .head_units import AU_SCALE, UNITS

# How far the landmark of the mesh that moves furthest goes at 5, over how far it went on scale 1.
_OVER_FIRST = {
    "AU1": 1.87,
    "AU2": 2.09,
    "AU4": 1.55,
    "AU5": 1.88,
    "AU6": 1.98,
    "AU9": 1.03,
    "AU12": 1.10,
    "AU15": 2.05,
    "AU17": 2.00,
    "AU20": 1.48,
    "AU25": 1.77,
    "AU26": 1.42,
}


def to_scale(units: torch.Tensor, scale: int | None) -> torch.Tensor:
    """Intensities or their changes (..., 12) that move landmarks as far on another scale as `units` on the head's.

    Each unit by itself, in proportion, but never beyond 5 either way: no network has seen more. None is a scale that is
    not the head's, of networks that were trained on people: the units stay as they are.

    Raises:
        InputError: the scale is neither None nor 1 to `AU_SCALE`.
    """
    return units if _same(scale) else (units * _factors(units)).clamp(-5, 5)


def from_scale(units: torch.Tensor, scale: int | None) -> torch.Tensor:
    """Intensities or their changes (..., 12) on the head's scale, of what a network read on another; see `to_scale`."""
    return units if _same(scale) else units / _factors(units)


def _same(scale: int | None) -> bool:
    return scale is None or whole_number("au_scale", scale, 1, AU_SCALE) == AU_SCALE


def _factors(like: torch.Tensor) -> torch.Tensor:
    return like.new_tensor([_OVER_FIRST[unit] for unit in UNITS])
