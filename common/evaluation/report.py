"""A report as Markdown and CSV, and as charts where matplotlib is installed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..core.files import replace_file
from ..core.markdown import counted, number, table
from ..facs.action_units import ACTION_UNITS
from ..measure.estimators import described

Report = dict[str, Any]
"""Plain values, fit for JSON; None where nothing was measured. `run.summarise` makes it."""

COLOURS = {"edit": "#1f5fa8", "truth": "#b8a27a"}
Intensities = tuple[Sequence[float] | np.ndarray, Sequence[float] | np.ndarray, Mapping[str, Any]]
"""Requested and measured change (N,), and their `metrics.response`."""


def write(folder: Path, report: Report, sheet: Image.Image, found: Mapping[str, Mapping[str, Intensities]]) -> None:
    """Writes report.json, report.md, metrics.csv, units.csv and sheet.png; with matplotlib, the charts.

    `found` is unit -> "truth" and "edit" -> requested and measured change.
    """
    units = [{"unit": name, "of": of, **unit[of]} for name, unit in report["units"].items() for of in COLOURS]
    texts = {
        "report.json": json.dumps(report, indent=1, allow_nan=False) + "\n",
        "report.md": markdown(report),
        "metrics.csv": csv_text(_metric_rows(report)),
        "units.csv": csv_text(units),
    }
    for name, text in texts.items():
        replace_file(folder / name, partial(Path.write_text, data=text, encoding="utf-8"))
    replace_file(folder / "sheet.png", sheet.save)
    draw_charts(folder, report, found)


def markdown(report: Report) -> str:
    """The whole report."""
    parts = [f"# {report['items']} {report['title']}", _opening(report), _metrics(report)]
    if report["errors"]:
        parts.append(_errors(report))
    return "\n\n".join([*parts, _units(report)]) + "\n"


def _opening(report: Report) -> str:
    of = report["evaluated"]
    shown = {name: of[name] for name in ("seed", "photos", "pixels", "detector", "parser") if name in of}
    settings = ", ".join(f"{name} {value}" for name, value in {**shown, **of["settings"]}.items())
    return (
        f"Synthetic people: {settings}. Action units are estimated by {described(of['estimator'][0])}. "
        f"{report['failed']} could not be edited. {report['note']}".rstrip()
    )


def _metrics(report: Report) -> str:
    rows = []
    for metric in report["metrics"].values():
        if not any(metric[of]["count"][1] for of in COLOURS if of in metric):
            continue
        unit = f", {metric['unit']}" if metric["unit"] else ""
        values = [_value(metric[of]) if of in metric else "" for of in COLOURS]
        interval = " to ".join(map(number, metric["interval"])) if metric["interval"] else ""
        rows.append((metric["title"] + unit, *values, interval, *_goal(metric)))
    return table(("metric", "edit", "truth, or as said", "edit, 95 % interval", "goal", ""), rows)


def _value(found: Mapping[str, Any]) -> str:
    text = counted(found["value"], found["count"])
    return f"{text}, {found['note']}" if found["note"] else text


def _goal(metric: Mapping[str, Any]) -> tuple[str, str]:
    if metric["goal"] is None:
        return "", ""
    goal = f"{'>=' if metric['better'] == 'higher' else '<='} {metric['goal']:g}"
    if metric["reached"] is None:
        return goal, "not measured" if metric["edit"]["value"] is None else "too little measured"
    return goal, "reached" if metric["reached"] else "missed"


def _errors(report: Report) -> str:
    head = ("MSE in the changed region", "edit", "unedited", "autoencoder", "edit / unedited", "autoencoder / unedited")
    rows = []
    for kind, error in report["errors"].items():
        values = [number(error[key], 5) for key in ("edit", "nothing", "vae")]
        rows.append((kind, *values, *(number(error[key]) for key in ("edit_to_nothing", "vae_to_nothing"))))
    return table(head, rows)


def _units(report: Report) -> str:
    head = ("unit", "measured", "Pearson", "slope", "truth: Pearson", "truth: slope", "MSE / unedited")
    rows = []
    for name, unit in report["units"].items():
        responses = [number(unit[of][key]) for of in COLOURS for key in ("pearson", "slope")]
        rows.append((name, f"{unit['edit']['count']} of {unit['items']}", *responses, number(unit["error"])))
    return (
        "Requested vs measured intensity, as changes. The columns `truth` are the estimator's own limit, read from "
        "the true pictures.\n\n" + table(head, rows)
    )


def _metric_rows(report: Report) -> list[dict[str, Any]]:
    rows = []
    for name, metric in report["metrics"].items():
        low, high = metric["interval"] or (None, None)
        same = {key: metric[key] for key in ("unit", "better", "goal", "reached")}
        for of in COLOURS:
            if of in metric:
                found = metric[of]
                measured = dict(zip(("measured", "items"), found["count"]))
                sure = {"low": low, "high": high} if of == "edit" else {}
                rows.append({"metric": name, "of": of, "value": found["value"], **measured, **sure, **same})
    return rows


def csv_text(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = (), missing: str = "") -> str:
    """Rows as CSV; the columns are those of the first row where none are named, and `missing` stands for None."""
    names = list(columns or rows[0])
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([missing if row.get(name) is None else row[name] for name in names])
    return text.getvalue()


# --- charts ----------------------------------------------------------------------------------------------------------


def draw_charts(folder: Path, report: Report, found: Mapping[str, Mapping[str, Intensities]]) -> None:
    """Writes intensities.png and, where there are errors, errors.png; nothing without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    figure = Figure(figsize=(11, 8), dpi=110, layout="constrained")
    draw_intensities(figure, found, report["evaluated"]["estimator"][0])
    replace_file(folder / "intensities.png", figure.savefig)
    if report["errors"]:
        figure = Figure(figsize=(8, 4.5), dpi=110, layout="constrained")
        draw_errors(figure, report)
        replace_file(folder / "errors.png", figure.savefig)


def draw_intensities(figure: Any, found: Mapping[str, Mapping[str, Intensities]], estimator: str) -> None:
    """Requested vs measured intensity, a panel for each unit, in a matplotlib figure of about 11 by 8 inches.

    `found` is unit -> "truth" or "edit", background first -> requested and measured change.
    """
    panels = figure.subplots(3, 4, sharex=True, sharey=True)
    for panel, (name, meaning) in zip(panels.flat, ACTION_UNITS.items()):
        for of, (requested, measured, fit) in found[name].items():
            values = f"r {number(fit['pearson'])}, slope {number(fit['slope'])}, n = {len(requested)}"
            marker = "x" if of == "truth" else "o"
            panel.scatter(requested, measured, 22, color=COLOURS[of], marker=marker, label=f"{of}: {values}")
        panel.axline((0, 0), slope=1, color="0.8", linewidth=0.8, zorder=0)
        panel.set_title(f"{name} {meaning}", fontsize=9)
        panel.legend(fontsize=7)
    figure.supxlabel("requested change")
    figure.supylabel(f"measured change\n{described(estimator)}", fontsize=9)


def draw_errors(figure: Any, report: Report) -> None:
    """MSE over that of the unedited input, by unit and kind, and how low the autoencoder lets it go."""
    rows = {name: (unit["error"], unit["floor"]) for name, unit in report["units"].items()}
    rows |= {kind: (error["edit_to_nothing"], error["vae_to_nothing"]) for kind, error in report["errors"].items()}
    edits, floors = (np.array(column, float) for column in zip(*rows.values()))  # None becomes NaN
    panel = figure.add_subplot(ylabel="MSE to the truth, over that of the unedited input")
    places = np.arange(len(rows))
    panel.bar(places, edits, color=COLOURS["edit"], label="edit")
    panel.hlines(floors, places - 0.4, places + 0.4, color=COLOURS["truth"], linewidth=3, label="truth by autoencoder")
    panel.axhline(1, color="black", linewidth=0.8)
    panel.set_xticks(places, list(rows), rotation=60)
    panel.legend(fontsize=8)
