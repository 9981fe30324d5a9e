"""What an edit has changed, as a small table for the page, and as a file to download."""

from __future__ import annotations

import html
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import FaceEditError
from ..core.files import replace_file
from ..facs.action_units import ACTION_UNITS
from ..imaging.images import around, save_image
from ..measure import measure
from ..measure.estimators import described
from ..measure.report import Report
from .desk import Edit, Visit

SEEN = 0.5
"""Min change of intensity for which a unit is named that was not requested."""
_FULL = 5.0  # the longest bar


def measured(visit: Visit, edit: Edit, requested: list[float] | None) -> Report | None:
    """The chosen face before and after; None where there was no photo, or it is not found again."""
    if edit.before is None:
        return None
    before, after = (around(each, visit.box(), 1.0)[0] for each in (edit.before, edit.after))
    try:
        return measure(before, after, requested=requested)
    except FaceEditError:
        return None


def table(report: Report | None, edit: Edit) -> str:
    """HTML: units that were asked for or moved, wanted beside measured, and what should have stayed."""
    count = edit.settings["steps"]
    steps = "" if count is None else ", 1 step" if count == 1 else f", {count} steps"
    head = f"<p class='made'>Made by the {edit.by}{steps}, in {edit.seconds:.1f} s.</p>"
    if report is None:
        return head + ("" if edit.before is None else "<p>The face could not be measured.</p>")
    wanted = np.zeros(len(ACTION_UNITS)) if report.requested is None else report.requested
    rows = [
        _row(name, meaning, request, change)
        for (name, meaning), request, change in zip(ACTION_UNITS.items(), wanted, report.change)
        if request or abs(change) >= SEEN
    ]
    units = (
        "<table><tr><th></th><th>wanted</th><th>measured</th><th></th></tr>" + "".join(rows) + "</table>"
        if rows
        else "<p>No unit changed by half an intensity.</p>"
    )
    turned = report.angles_after - report.angles_before
    kept = [
        f"head turned by {turned[0]:+.0f}, {turned[1]:+.0f}, {turned[2]:+.0f}° (yaw, pitch, roll)",
        "" if report.light_turn is None else f"light turned by {report.light_turn:.0f}°",
        "" if report.background_psnr is None else f"background {report.background_psnr:.0f} dB",
        "" if report.identity is None else f"{report.identity.measure} {report.identity.value:.2f}",
    ]
    by = html.escape(described(report.estimator))
    return f"{head}{units}<p>{html.escape(' · '.join(filter(None, kept)))}</p><p class='made'>by {by}</p>"


def pack(edit: Edit, report: Report | None, settings: dict[str, Any], path: Path) -> Path:
    """Writes the picture, its settings and its report as one ZIP file; `settings` name the request."""
    recorded = {**settings, **edit.settings, "engine": edit.engine}

    def write(file: Path) -> None:
        with zipfile.ZipFile(file, "w") as archive, tempfile.TemporaryDirectory() as folder:
            archive.write(save_image(edit.after, Path(folder) / "edited.png"), "edited.png")
            archive.writestr("settings.json", json.dumps(recorded, indent=1) + "\n")
            if report is not None:
                archive.writestr("report.json", report.to_json() + "\n")
                archive.writestr("report.txt", report.table() + "\n")

    replace_file(path, write)
    return path


def _row(name: str, meaning: str, request: float, change: float) -> str:
    bars = "".join(_bar(kind, value) for kind, value in (("wanted", request), ("measured", change)) if value)
    asked = f"{request:+.1f}" if request else ""
    return f"<tr><td>{name} {meaning}</td><td>{asked}</td><td>{change:+.1f}</td><td class='bars'>{bars}</td></tr>"


def _bar(kind: str, value: float) -> str:
    """A bar from the middle of its cell: to the right for more, to the left for less."""
    width = min(abs(value) / _FULL, 1) * 50
    start = 50 if value >= 0 else 50 - width
    return f"<div class='bar {kind}' style='margin-left:{start:.1f}%;width:{width:.1f}%'></div>"
