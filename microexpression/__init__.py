"""Micro-expressions: reading the faintest faces, and making training data for it.

    from microexpression import analyze, read_clip, write_report
    write_report(analyze(read_clip("clip.mp4")), "report")

Names load on first use: importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis import Analysis, analyze
    from .clips import Clip, read_clip
    from .data.crossed import read_crossed
    from .data.load import load
    from .flow import optical_flow, optical_strain
    from .magnification import load_magnifier, magnify
    from .protocols import cd6me, megc2019
    from .report import write_report

_HOMES = {
    "Analysis": "analysis",
    "Clip": "clips",
    "analyze": "analysis",
    "cd6me": "protocols",
    "load": "data.load",
    "load_magnifier": "magnification",
    "magnify": "magnification",
    "megc2019": "protocols",
    "optical_flow": "flow",
    "optical_strain": "flow",
    "read_clip": "clips",
    "read_crossed": "data.crossed",
    "write_report": "report",
}

__all__ = [
    "Analysis",
    "Clip",
    "analyze",
    "cd6me",
    "load",
    "load_magnifier",
    "magnify",
    "megc2019",
    "optical_flow",
    "optical_strain",
    "read_clip",
    "read_crossed",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
