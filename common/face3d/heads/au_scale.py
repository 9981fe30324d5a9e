"""Intensities of action units on the head's scale, and on the one before, on which some networks were trained.

On both, 5 was meant to be the most that a face does. Scale 1 fell short of it: its 5 was what is now 2 to 5.
"""

from __future__ import annotations

import torch

from .head_units import UNITS

AU_SCALE = 2
"""The head's scale now; networks that were trained on its renders carry it as `au_scale`."""

# How far landmarks move at 5, of both sides, root mean square of the 468, over how far they moved on scale 1.
_OVER_FIRST = {}


def to_scale(units: torch.Tensor, scale: int | None) -> torch.Tensor:
    """Intensities or their changes (..., 12) that move landmarks as far on another scale as `units` on the head's.

    Each unit by itself, in proportion, but never beyond 5 either way: no network has seen more. None is a scale that is
    not the head's, of networks that were trained on people: the units stay as they are.

    Raises:
        ValueError: the scale is neither None nor 1 to `AU_SCALE`.
    """
    return units if _same(scale) else (units * _factors(units)).clamp(-5, 5)


def from_scale(units: torch.Tensor, scale: int | None) -> torch.Tensor:
    """Intensities or their changes (..., 12) on the head's scale, of what a network read on another; see `to_scale`."""
    return units if _same(scale) else units / _factors(units)


def _same(scale: int | None) -> bool:
    if scale not in (None, *range(1, AU_SCALE + 1)):
        raise ValueError(f"au_scale must be 1 to {AU_SCALE}; got {scale!r}")
    return scale is None or scale == AU_SCALE


def _factors(like: torch.Tensor) -> torch.Tensor:
    return like.new_tensor([_OVER_FIRST[unit] for unit in UNITS])
