"""What changes between a face and what is requested of it, in numbers that mean the same for everyone."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..face3d.camera import angles_of
from ..face3d.rendering.lighting import CONSTANTS
from ..facs.action_units import ACTION_UNITS

VECTOR_SIZE = len(ACTION_UNITS) + 3 + 9
TURN_SCALE = 10.0
"""Degrees that are 1 in the vector."""


@dataclass(frozen=True, eq=False)
class Change:
    """From a face as it is to the requested one."""

    units: torch.Tensor  # (12,) added intensities of the action units, in the order of `ACTION_UNITS`
    turn: torch.Tensor  # (3, 3) rotation of the head, about the picture's axes
    before: torch.Tensor  # (9, 3) the light on the face, see `common.face3d.rendering.lighting`
    light: torch.Tensor  # (9, 3) the requested light, in the same measure

    def vector(self) -> torch.Tensor:
        """The change as (24,) float32, zero where nothing changes.

        Units; yaw, pitch and roll of the turn over `TURN_SCALE`; by how much brighter the light is in each of the nine
        harmonics, mean of the colours.
        """
        degrees = torch.rad2deg(angles_of(self.turn[None])[0]) / TURN_SCALE
        brighter = (self.light - self.before).mean(1) * self.light.new_tensor(CONSTANTS)
        return torch.cat([self.units.float(), degrees.float(), brighter.float()])
