"""FineFace: pictures of faces from text, with exact action units (AUs).

    from fineface import generate
    generate("a close-up of a man with a beard", {"AU12": 4}).save("smile.png")

Names load on first use: importing this package costs nothing, and pulls in neither torch nor diffusers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from common.action_units import ACTION_UNITS
    from common.errors import FaceEditError
    from common.subject import Subject

    from ._api import FineFace, edit, generate

_HOMES = {
    "ACTION_UNITS": "common.action_units",
    "FaceEditError": "common.errors",
    "FineFace": "fineface._api",
    "Subject": "common.subject",
    "edit": "fineface._api",
    "generate": "fineface._api",
}

__all__ = ["ACTION_UNITS", "FaceEditError", "FineFace", "Subject", "edit", "generate"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from common.foreign import importing

        with importing():
            return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
