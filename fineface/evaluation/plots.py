"""The report's chart; without matplotlib there is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from common.action_units import ACTION_UNITS
from common.evaluation.dose_plot import draw_doses
from common.files import replace_file

from .summary import Report, doses
from .trial import Record


def draw_plot(records: Sequence[Record], report: Report, path: Path) -> bool:
    """Writes the dose response; False without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(11, 8), dpi=110, layout="constrained")
    found = {
        name: {of: (*doses(records, name, of), report["units"][name][of]) for of in ("truth", "made")}
        for name in ACTION_UNITS
    }
    draw_doses(figure, found, report["evaluated"]["measurer"][0])
    replace_file(path, figure.savefig)
    return True
