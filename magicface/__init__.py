"""MagicFace: change a face's expression by action-unit (AU) variations.

    from magicface import edit
    edit("photo.jpg", {"AU12": 3}).save("smile.png")

Names load on first use: importing this package costs nothing, and pulls in neither torch nor diffusers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from common.action_units import ACTION_UNITS, AUDelta
    from common.errors import FaceEditError
    from common.explain import explain
    from common.motion import rise_and_fall
    from common.subject import Subject

    from ._api import edit
    from .clips import synthesize
    from .editor import MagicFace
    from .measured import neutralize, transfer
    from .sweeps import animate, grid, sweep

_HOMES = {
    "ACTION_UNITS": "common.action_units",
    "AUDelta": "common.action_units",
    "FaceEditError": "common.errors",
    "MagicFace": "magicface.editor",
    "Subject": "common.subject",
    "animate": "magicface.sweeps",
    "edit": "magicface._api",
    "explain": "common.explain",
    "grid": "magicface.sweeps",
    "neutralize": "magicface.measured",
    "rise_and_fall": "common.motion",
    "sweep": "magicface.sweeps",
    "synthesize": "magicface.clips",
    "transfer": "magicface.measured",
}

__all__ = [
    "ACTION_UNITS",
    "AUDelta",
    "FaceEditError",
    "MagicFace",
    "Subject",
    "animate",
    "edit",
    "explain",
    "grid",
    "neutralize",
    "rise_and_fall",
    "sweep",
    "synthesize",
    "transfer",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from common.foreign import importing

        with importing():
            return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
