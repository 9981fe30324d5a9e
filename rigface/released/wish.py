"""Edits by numbers instead of a target photo, in DECA's codes: a turned head, another light."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from common.errors import InputError
from common.face3d.camera import rotation_matrix
from common.face3d.lighting import ambient, check_light, directional
from common.face3d.skinning import rotation_from_vector

from .deca import Codes

LIMIT = 90.0  # degrees
# Half of the light comes from everywhere. A lamp that shines with b on what faces it gives b / 4 in the mean over all
# directions, so one of twice the brightness gives the other half.
_AMBIENT, _LAMP = 0.5, 2.0


@dataclass(frozen=True, eq=False)
class Wish:
    """What to change by numbers; None keeps what is there.

    Attributes:
        pose: degrees of yaw (positive turns the face to the picture's right), pitch (up), roll (the head's top to the
            picture's left), each in [-90, 90].
        absolute: the pose is the head's own afterwards, where 0, 0, 0 looks into the camera; else it is added to the
            present one, about the picture's axes.
        light: (9, 3) spherical harmonics in DECA's order (see `common.face3d.lighting`), or degrees of azimuth and
            elevation of a lamp: from the picture's right, from above, in [-90, 90]. A lamp keeps the source's mean
            brightness and colour.
        expression: nothing but None, see `check`.
    """

    pose: tuple[float, float, float] | None = None
    absolute: bool = False
    light: Any = None
    expression: Any = None

    @property
    def named(self) -> frozenset[str]:
        """The attributes that it changes."""
        return frozenset(name for name in ("pose", "expression", "light") if getattr(self, name) is not None)

    def check(self) -> None:
        """Refuse what cannot be done.

        Raises:
            InputError: an expression by numbers, or a number out of range.
            ShapeError: spherical harmonics of another shape.
        """
        if self.expression is not None:
            raise InputError(
                "The released RigFace has no expression by numbers: nobody has told how action units become codes of\n"
                "FLAME and of the Basel face model, which are what its networks read.\n"
                '  take the model inside this package, which reads action units: model="embedded"\n'
                "  or copy the expression of a target photo"
            )
        if self.pose is not None:
            _degrees("pose", self.pose, ("yaw", "pitch", "roll"))
        if self.light is not None:
            _read_light(self.light)

    def apply(self, codes: Codes) -> Codes:
        """The codes of one face with the wish on them."""
        if self.pose is not None:
            codes = replace(codes, rotation=turned(codes.rotation, self.pose, self.absolute))
        if self.light is not None:
            light = _read_light(self.light)
            codes = replace(
                codes, light=lamp(codes.light, *light) if isinstance(light, tuple) else light.to(codes.light)
            )
        return codes


def turned(rotation: Tensor, degrees: tuple[float, float, float], absolute: bool) -> Tensor:
    """Turn a head's rotation vector (1, 3) by yaw, pitch and roll, or set it to these."""
    turn = rotation_matrix(torch.tensor([degrees], dtype=torch.float64).deg2rad())[0]
    if not absolute:
        turn = turn @ rotation_from_vector(rotation.cpu().double())[0]
    vector, _ = cv2.Rodrigues(turn.numpy())
    return torch.from_numpy(vector.T).to(rotation)


def lamp(light: Tensor, azimuth: float, elevation: float) -> Tensor:
    """A lamp in the place of a light (1, 9, 3), with the same mean over all directions in each colour.

    Args:
        light: the present one.
        azimuth: degrees towards the picture's right.
        elevation: degrees upwards.
    """
    right, up = math.radians(azimuth), math.radians(elevation)
    towards = [math.sin(right) * math.cos(up), math.sin(up), math.cos(right) * math.cos(up)]
    mean = light[:, 0] / ambient(torch.ones_like(light[:, 0]))[:, 0]  # (1, 3)
    return ambient(_AMBIENT * mean) + directional(light.new_tensor([towards]), _LAMP * mean)


def _read_light(light: Any) -> Tensor | tuple[float, ...]:
    """Spherical harmonics as (1, 9, 3), or two angles."""
    try:
        array = torch.as_tensor(np.asarray(light, np.float32))
    except (TypeError, ValueError) as error:
        raise InputError(f"Light must be numbers: (9, 3) spherical harmonics, or two angles; got {light!r}.") from error
    if array.shape == (2,):
        return _degrees("light", light, ("azimuth", "elevation"))
    check_light(array[None])
    if not array.isfinite().all():
        raise InputError("Light must be finite numbers, but some are not.")
    return array[None]


def _degrees(name: str, values: Any, names: tuple[str, ...]) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != len(names) or not all(abs(number) <= LIMIT for number in numbers):
        raise InputError(
            f"{name} cannot be used.\n  expected: degrees of {', '.join(names)}, each in [-{LIMIT:g}, {LIMIT:g}]\n"
            f"  got:      {values!r}"
        )
    return numbers
