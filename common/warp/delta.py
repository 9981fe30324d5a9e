"""What changes between a face and what is requested of it, in numbers that mean the same for everyone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from ..face3d.camera import angles_of
from ..face3d.heads.anny import AnnyHead
from ..face3d.heads.head_units import HEAD_UNITS, UNITS
from ..face3d.rendering.lighting import CONSTANTS
from ..facs.action_units import ActionUnitValues
from ..facs.controls import GAZE
from ..facs.landmark_motion import decode

VECTOR_SIZE = len(UNITS) + 3 + 9
TURN_SCALE = 10.0
"""Degrees that are 1 in the vector."""


@dataclass(frozen=True, eq=False)
class Change:
    """From a face as it is to the requested one.

    Attributes:
        units: (2, U) added intensities of all action units that the head knows, in the order of `HEAD_UNITS`, on the
            person's left, then right side.
        turn: (3, 3) rotation of the head, about the picture's axes.
        before: (9, 3) the light on the face, see `common.face3d.rendering.lighting`.
        light: (9, 3) the requested light, in the same measure.
        actions: (52,) added facial actions, in parts of the most that a face does; None for none.
        gaze: (2,) radians added to the yaw and pitch of both eyes; None for none.
        motion: (478, 3) metres in the head's axes by which landmarks of the mesh move beyond all that; None for none.
    """

    units: torch.Tensor
    turn: torch.Tensor
    before: torch.Tensor
    light: torch.Tensor
    actions: torch.Tensor | None = None
    gaze: torch.Tensor | None = None
    motion: torch.Tensor | None = None

    @property
    def expressive(self) -> bool:
        """Whether the expression changes."""
        return any(part is not None and bool(part.any()) for part in (self.units, self.actions, self.gaze, self.motion))

    @property
    def still(self) -> bool:
        """Whether nothing changes."""
        return not self.expressive and not bool(self.vector().any())

    @property
    def calm(self) -> Change:
        """The same without a change of expression."""
        return replace(self, units=torch.zeros_like(self.units), actions=None, gaze=None, motion=None)

    def vector(self) -> torch.Tensor:
        """The change as (24,) float32, zero where nothing of it changes.

        The editors' units, mean of both sides; yaw, pitch and roll of the turn over `TURN_SCALE`; by how much brighter
        the light is in each of the nine harmonics, mean of the colours.
        """
        degrees = torch.rad2deg(angles_of(self.turn[None])[0]) / TURN_SCALE
        brighter = (self.light - self.before).mean(1) * self.light.new_tensor(CONSTANTS)
        return torch.cat([self.units[:, : len(UNITS)].mean(0).float(), degrees.float(), brighter.float()])


def expressed(head: AnnyHead, values: ActionUnitValues) -> dict[str, Any]:
    """What action units and controls ask for, as the fields of a `Change`: units, actions, gaze, motion."""
    units, actions, gaze = both_sides(values.values), torch.zeros(len(head.action_names)), torch.zeros(2)
    names, sides = list(HEAD_UNITS), {"L": [0], "R": [1]}
    for name, value in values.others:
        if name in GAZE:
            gaze[list(GAZE).index(name)] = math.radians(value)
        elif name in head.action_names:
            actions[head.action_names.index(name)] = value
        else:
            unit = name if name in HEAD_UNITS else name[:-1]
            units[sides.get(name[len(unit) :], [0, 1]), names.index(unit)] += value
    return {
        "units": units,
        "actions": actions if bool(actions.any()) else None,
        "gaze": gaze if bool(gaze.any()) else None,
        "motion": torch.from_numpy(decode(values.motion)) if values.motion else None,
    }


def both_sides(values: Sequence[float] | torch.Tensor) -> torch.Tensor:
    """Intensities (12,) of the editors' action units as `Change.units` (2, U), the same on both sides."""
    units = torch.zeros(2, len(HEAD_UNITS))
    units[:, : len(UNITS)] = torch.as_tensor(values, dtype=torch.float32)
    return units
