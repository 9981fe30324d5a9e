"""Long-term surveillance: what a year of one camera's tracks says about a place.

    from surveillance import describe, read_tracks
    describe(read_tracks("tracks"), "out")

Names load on first use: importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .evaluation import Method, evaluate
    from .maps import day_pools, flows, heatmap, heatmaps, volumes
    from .overview import describe
    from .reading import read_tracks, read_truth
    from .recording import Recording

_HOMES = {
    "Method": "evaluation",
    "Recording": "recording",
    "day_pools": "maps",
    "describe": "overview",
    "evaluate": "evaluation",
    "flows": "maps",
    "heatmap": "maps",
    "heatmaps": "maps",
    "read_tracks": "reading",
    "read_truth": "reading",
    "volumes": "maps",
}

__all__ = [
    "Method",
    "Recording",
    "day_pools",
    "describe",
    "evaluate",
    "flows",
    "heatmap",
    "heatmaps",
    "read_tracks",
    "read_truth",
    "volumes",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from .extras import ready

        ready()
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
