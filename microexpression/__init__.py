"""Micro-expressions: analysis of faint expressions, networks for it, and synthetic training data.

    from microexpression import analyze, read_clip, write_report
    write_report(analyze(read_clip("clip.mp4")), "report")

Names load on first use: importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.core.lazy import attach

if TYPE_CHECKING:
    from .analysis import Analysis as Analysis
    from .analysis import analyze as analyze
    from .clips import Clip as Clip
    from .clips import read_clip as read_clip
    from .data.load import load as load
    from .data.load import read_crossed as read_crossed
    from .flow import optical_flow as optical_flow
    from .flow import optical_strain as optical_strain
    from .magnification import load_magnifier as load_magnifier
    from .magnification import magnify as magnify
    from .protocols import cd6me as cd6me
    from .protocols import megc2019 as megc2019
    from .report import write_report as write_report

attach(__name__)
