"""The report as a picture: both photos, and bars of requested against measured change.

matplotlib is imported when a report is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..action_units import ACTION_UNITS
from ..errors import MissingDependencyError

if TYPE_CHECKING:
    from .report import Report

INSTALL = "pip install matplotlib"
_REQUESTED, _MEASURED = "#b8c4d6", "#1f5fa8"


def draw(report: Report) -> Any:
    """The report as matplotlib's Figure; in no window.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("matplotlib", "The picture of a report", INSTALL) from error
    figure = Figure(figsize=(11, 4) if report.pictures else (7, 4), dpi=120, layout="constrained")
    columns = "abc" if report.pictures else "c"
    panels = figure.subplot_mosaic([list(columns)], width_ratios=[1.0] * (len(columns) - 1) + [1.8])
    for name, title, picture in zip("ab", ("before", "after"), report.pictures or ()):
        panels[name].imshow(picture)
        panels[name].set_title(title)
        panels[name].set_axis_off()
    _bars(panels["c"], report)
    return figure


def _bars(panel: Any, report: Report) -> None:
    rows = np.arange(len(ACTION_UNITS))
    if report.requested is not None:
        panel.barh(rows - 0.2, report.requested, 0.4, color=_REQUESTED, label="requested")
    panel.barh(rows + 0.2, report.change, 0.4, color=_MEASURED, label="measured")
    panel.set_yticks(rows, [f"{name} {meaning}" for name, meaning in ACTION_UNITS.items()], fontsize=8)
    panel.invert_yaxis()
    panel.axvline(0, color="black", linewidth=0.6)
    panel.set_xlabel(f"change of intensity, read by {report.measurer}\n{report.validation}", fontsize=8)
    panel.legend(fontsize=8)
