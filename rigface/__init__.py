"""RigFace: change the light on a face, where it looks and its expression, by numbers or from another photo.

    from rigface import edit
    edit("photo.jpg", light="azimuth=60", pose="yaw=15").save("turned.png")

Names load on first use: importing this package costs nothing, and pulls in neither torch nor diffusers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from common.action_units import ACTION_UNITS
    from common.errors import FaceEditError
    from common.subject import Subject

    from ._api import edit, rig
    from .conditions import Conditions
    from .editor import RigFace, Target
    from .light import Light
    from .pose import Pose
    from .reconstruct import Reconstructor
    from .request import RigEdit

_HOMES = {
    "ACTION_UNITS": "common.action_units",
    "Conditions": "rigface.conditions",
    "FaceEditError": "common.errors",
    "Light": "rigface.light",
    "Pose": "rigface.pose",
    "Reconstructor": "rigface.reconstruct",
    "RigFace": "rigface.editor",
    "RigEdit": "rigface.request",
    "Subject": "common.subject",
    "Target": "rigface.editor",
    "edit": "rigface._api",
    "rig": "rigface._api",
}

__all__ = [
    "ACTION_UNITS",
    "Conditions",
    "FaceEditError",
    "Light",
    "Pose",
    "Reconstructor",
    "RigEdit",
    "RigFace",
    "Subject",
    "Target",
    "edit",
    "rig",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from common.foreign import importing

        with importing():
            return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
