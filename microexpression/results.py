"""What came of a study: scores as plain values, tables, and confusion matrices to look at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.files import replace_file

from .extras import library
from .metrics import accuracy, confusion, uar, uf1, unit_scores
from .protocols import Protocol

Scores = dict[str, Any]


def scores(protocol: Protocol, logits: np.ndarray) -> Scores:
    """Of pooled predictions.

    Classes: "all" and each data set by its name -> uf1, uar, accuracy, confusion, count. Units: "binary" and "macro"
    F1, each with "unit_average", "group_average", "units" and "groups".
    """
    groups = [sample.dataset for sample in protocol.samples]
    if protocol.units:
        truth, found = np.array(protocol.labels), logits > 0
        kinds = {"binary": False, "macro": True}
        made: Scores = {}
        for name, both in kinds.items():
            own = unit_scores(truth, found, groups, both_sides=both)
            averages = {"unit_average": own.unit_average, "group_average": own.group_average}
            made[name] = {**averages, "units": dict(zip(protocol.names, own.units)), "groups": own.groups}
        return made
    truth, found = np.array(protocol.labels, int), logits.argmax(1)
    rows = {"all": np.full(len(truth), True)}
    rows |= {name: np.array(groups) == name for name in dict.fromkeys(groups)}
    return {name: _of_classes(confusion(truth[r], found[r], len(protocol.names))) for name, r in rows.items()}


def _of_classes(matrix: np.ndarray) -> Scores:
    return {
        "uf1": uf1(matrix), "uar": uar(matrix), "accuracy": accuracy(matrix), "count": int(matrix.sum()),
        "confusion": matrix.tolist(),
    }  # fmt: skip


def table(protocol: Protocol, found: Mapping[str, Scores]) -> str:
    """A Markdown table with a row for each network.

    Args:
        protocol: whose scores they are.
        found: name of a network -> its `scores`.
    """
    groups = [*dict.fromkeys(sample.dataset for sample in protocol.samples)]
    if protocol.units:
        head = ["network", "F1, mean of units", "F1, mean of data sets", *groups, *protocol.names]
        rows = []
        for name, own in found.items():
            one = own["binary"]
            values = [one["unit_average"], one["group_average"], *one["groups"].values(), *one["units"].values()]
            rows.append([name, *(f"{100 * value:.1f}" for value in values)])
    else:
        names = ["all", *groups] if len(groups) > 1 else ["all"]
        head = ["network", *(f"{name} UF1 / UAR" for name in names)]
        rows = [
            [name, *(f"{own[group]['uf1']:.3f} / {own[group]['uar']:.3f}" for group in names)]
            for name, own in found.items()
        ]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def write(folder: Path, protocol: Protocol, found: Mapping[str, Scores], notes: str = "") -> None:
    """results.json, results.md, and confusion.png where there are classes, in a folder.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folds, people = len(protocol.folds), len({sample.person for sample in protocol.samples})
    text = json.dumps({"protocol": protocol.name, "answers": list(protocol.names), "scores": dict(found)}, indent=1)
    lines = [
        f"# {protocol.name}\n",
        f"{len(protocol.samples)} clips of {people} people, {folds} folds; predictions of all folds scored together.\n",
        table(protocol, found),
        notes,
    ]
    replace_file(folder / "results.json", lambda path: path.write_text(text, encoding="utf-8"))
    replace_file(
        folder / "results.md", lambda path: path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    )
    if not protocol.units:
        draw_confusions(
            {name: np.array(own["all"]["confusion"]) for name, own in found.items()}, protocol.names, folder
        )


def draw_confusions(matrices: Mapping[str, np.ndarray], names: Sequence[str], folder: Path) -> None:
    """confusion.png: each network's matrix, rows of truth in percent, counts beside."""
    canvas, figures = (library(f"matplotlib.{m}", "pictures") for m in ("backends.backend_agg", "figure"))
    figure = figures.Figure(figsize=(3.1 * len(matrices), 3.2), layout="constrained")
    canvas.FigureCanvasAgg(figure)
    for place, (title, matrix) in enumerate(matrices.items(), 1):
        axes = figure.add_subplot(1, len(matrices), place)
        shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(matrix):
            colour = "white" if shares[row, column] > 0.55 else "black"
            label = f"{100 * shares[row, column]:.0f} %\n{count}"
            axes.text(column, row, label, ha="center", va="center", color=colour, fontsize=8)
        axes.set_xticks(range(len(names)), names, fontsize=8, rotation=30)
        axes.set_yticks(range(len(names)), names if place == 1 else [], fontsize=8)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("found", fontsize=8)
        if place == 1:
            axes.set_ylabel("truth", fontsize=8)
    replace_file(folder / "confusion.png", lambda path: figure.savefig(path, dpi=130, format="png"))
