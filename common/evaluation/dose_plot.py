"""Dose response as a chart: measured against requested change, a panel for each unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..action_units import ACTION_UNITS
from ..measure.estimators import described
from ..tables import number

COLOURS = {"edit": "#1f5fa8", "made": "#1f5fa8", "truth": "#b8a27a"}
Dose = tuple[np.ndarray, np.ndarray, Mapping[str, Any]]
"""Requested and measured change (N,), and their `responses.response`."""


def draw_doses(figure: Any, doses: Mapping[str, Mapping[str, Dose]], measurer: str) -> None:
    """Fill a figure of matplotlib.

    Args:
        figure: 11 by 8 inches suit it.
        doses: unit -> what was measured, of `COLOURS`, those in the back first -> its dose.
        measurer: name of the AU estimator.
    """
    panels = figure.subplots(3, 4, sharex=True, sharey=True)
    for panel, (name, meaning) in zip(panels.flat, ACTION_UNITS.items()):
        for of, (requested, measured, found) in doses[name].items():
            values = ", ".join(f"{word} {number(found[name])}" for word, name in (("r", "pearson"), ("slope", "slope")))
            words = f"{values}, n = {len(requested)}"
            marker = "x" if of == "truth" else "o"
            panel.scatter(requested, measured, 22, color=COLOURS[of], marker=marker, label=f"{of}: {words}")
        panel.axline((0, 0), slope=1, color="0.8", linewidth=0.8, zorder=0)
        panel.set_title(f"{name} {meaning}", fontsize=9)
        panel.legend(fontsize=7)
    figure.supxlabel("requested change")
    figure.supylabel(f"measured change\n{described(measurer)}", fontsize=9)
