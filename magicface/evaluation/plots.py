"""The report's charts; without matplotlib there are none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.action_units import ACTION_UNITS
from common.evaluation.dose_plot import COLOURS, draw_doses
from common.files import replace_file

from .summary import Report, doses
from .trial import Record

_EDIT, _TRUTH = COLOURS["edit"], COLOURS["truth"]


def draw_plots(records: Sequence[Record], report: Report, folder: Path) -> bool:
    """Writes dose_response.png and errors.png; False without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    done = [record for record in records if "failed" not in record]
    for name, draw in (("dose_response", _doses), ("errors", _errors)):
        figure = Figure(figsize=(11, 8) if name == "dose_response" else (8, 4.5), dpi=110, layout="constrained")
        draw(figure, done, report)
        replace_file(folder / f"{name}.png", figure.savefig)
    return True


def _doses(figure: Any, records: Sequence[Record], report: Report) -> None:
    """The truth's pale behind the edit's."""
    found = {
        name: {of: (*doses(records, name, of), report["units"][name][of]) for of in ("truth", "edit")}
        for name in ACTION_UNITS
    }
    draw_doses(figure, found, report["evaluated"]["measurer"][0])


def _errors(figure: Any, records: Sequence[Record], report: Report) -> None:
    """Squared error over that of doing nothing, by unit and for all, and how low the autoencoder lets it go."""
    rows = {name: (unit["error"], unit["floor"]) for name, unit in report["units"].items()}
    for title, name in (("combinations", "combinations"), ("all", "photo"), ("crops", "crop")):
        rows[title] = (report["error"][name]["edit_to_nothing"], report["error"][name]["vae_to_nothing"])
    edits, floors = (np.array(column, float) for column in zip(*rows.values()))  # None becomes NaN
    panel = figure.add_subplot(ylabel="squared error to the truth, of doing nothing")
    places = np.arange(len(rows))
    panel.bar(places, edits, color=_EDIT, label="edit")
    panel.hlines(floors, places - 0.4, places + 0.4, color=_TRUTH, linewidth=3, label="autoencoder of the truth")
    panel.axhline(1, color="black", linewidth=0.8)
    panel.set_xticks(places, list(rows), rotation=60)
    panel.legend(fontsize=8)
