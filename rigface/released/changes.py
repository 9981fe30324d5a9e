"""What an edit changes in DECA's codes: those of a target, or by numbers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import cv2
from torch import Tensor

from common.core.errors import InputError
from common.face3d.camera import rotation_from_vector

from ..request import RigEdit
from .deca import Codes


def mix(source: Codes, target: Codes, copy: Collection[str]) -> Codes:
    """The source's codes with those of the target that belong to the copied attributes."""
    changed: dict[str, Tensor] = {}
    if "pose" in copy:
        changed |= {"rotation": target.rotation, "camera": target.camera}
    if "expression" in copy:
        changed |= {"expression": target.expression, "jaw": target.jaw}
    # The released script has the test of the light upside down where the pose is not copied: it takes the target's
    # light unless light is edited. Here, as in the paper, light is copied where light is named, and only there.
    if "light" in copy:
        changed["light"] = target.light
    return replace(source, **changed)


def by_numbers(codes: Codes, request: RigEdit) -> Codes:
    """The codes of one face with the numbers of a request on them. Raises InputError: an expression by numbers."""
    if request.expression is not None:
        raise InputError(
            "The released RigFace has no expression by numbers: nobody has told how action units become codes of\n"
            "FLAME and of the Basel face model, which are what its networks read.\n"
            '  take the small model inside the package, which reads action units: model="embedded"\n'
            "  or copy the expression of a target photo"
        )
    if request.pose is not None:
        turned = request.pose.matrix(rotation_from_vector(codes.rotation.cpu().double())[0])
        vector, _ = cv2.Rodrigues(turned.numpy())
        codes = replace(codes, rotation=codes.rotation.new_tensor(vector.T))
    if request.light is not None:
        codes = replace(codes, light=request.light.harmonics(codes.light[0])[None])
    return codes
