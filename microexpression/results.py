"""Results of a study: scores of pooled predictions, never averaged over folds, tables, and confusion matrices."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.core import markdown
from common.core.errors import ShapeError
from common.core.files import replace_file
from common.facs.action_units.named_values import check_labels

from .pictures import blank, save_figure
from .protocols import Protocol

Scores = dict[str, Any]


def scores(protocol: Protocol, logits: np.ndarray) -> Scores:
    """Scores of pooled predictions, (N, K) logits.

    Classes: "all" and each data set by its name -> uf1, uar, accuracy, confusion, count. Units: "binary" and "macro"
    F1, each with "unit_average", "group_average", "units" and "groups".
    """
    groups = [sample.dataset for sample in protocol.samples]
    if protocol.units:
        truth, found = np.array(protocol.labels), logits > 0
        made: Scores = {}
        for name, both in (("binary", False), ("macro", True)):
            own = unit_scores(truth, found, groups, both_sides=both)
            made[name] = {
                "unit_average": own.unit_average,
                "group_average": own.group_average,
                "units": dict(zip(protocol.names, own.units)),
                "groups": own.groups,
            }
        return made
    truth, found = np.array(protocol.labels, int), logits.argmax(1)
    rows = {"all": np.full(len(truth), True)}
    rows |= {name: np.array(groups) == name for name in dict.fromkeys(groups)}
    made = {}
    for name, chosen in rows.items():
        matrix = confusion(truth[chosen], found[chosen], len(protocol.names))
        made[name] = {
            "uf1": uf1(matrix),
            "uar": uar(matrix),
            "accuracy": float((truth[chosen] == found[chosen]).mean()),
            "count": int(matrix.sum()),
            "confusion": matrix.tolist(),
        }
    return made


def table(protocol: Protocol, found: Mapping[str, Scores]) -> str:
    """A Markdown table with a row for each network, name -> its `scores`."""
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
    return markdown.table(head, rows) + "\n"


def write(folder: Path, protocol: Protocol, found: Mapping[str, Scores]) -> None:
    """Writes results.json, results.md and, for classes, confusion.png. Raises MissingDependencyError: matplotlib is not
    installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folds, people = len(protocol.folds), len({sample.person for sample in protocol.samples})
    text = json.dumps({"protocol": protocol.name, "answers": list(protocol.names), "scores": dict(found)}, indent=1)
    counts = (
        f"{len(protocol.samples)} clips of {people} people, {folds} folds; predictions of all folds scored together."
    )
    page = f"# {protocol.name}\n\n{counts}.\n\n{table(protocol, found)}"
    replace_file(folder / "results.json", lambda path: path.write_text(text, encoding="utf-8"))
    replace_file(folder / "results.md", lambda path: path.write_text(page, encoding="utf-8"))
    if not protocol.units:
        matrices = {name: np.array(own["all"]["confusion"]) for name, own in found.items()}
        save_figure(draw_confusions(matrices, protocol.names), folder / "confusion.png", dpi=130)


def draw_confusions(matrices: Mapping[str, np.ndarray], names: Sequence[str]) -> Any:
    """A figure of matplotlib: each network's confusion matrix, in percent of the true class, with counts."""
    figure = blank(3.1 * len(matrices), 3.2)
    for place, (title, matrix) in enumerate(matrices.items(), 1):
        axes = figure.add_subplot(1, len(matrices), place)
        fractions = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
        axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(matrix):
            colour = "white" if fractions[row, column] > 0.55 else "black"
            label = f"{100 * fractions[row, column]:.0f} %\n{count}"
            axes.text(column, row, label, ha="center", va="center", color=colour, fontsize=8)
        axes.set_xticks(range(len(names)), names, fontsize=8, rotation=30)
        axes.set_yticks(range(len(names)), names if place == 1 else [], fontsize=8)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("found", fontsize=8)
        if place == 1:
            axes.set_ylabel("truth", fontsize=8)
    return figure


def confusion(truth: Sequence[int] | np.ndarray, found: Sequence[int] | np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes): rows are true classes, columns predicted ones. Raises ShapeError: not as many predictions as
    true classes.
    """
    check_labels(truth, found)
    truth, found = np.asarray(truth, int), np.asarray(found, int)
    if truth.shape != found.shape or truth.ndim != 1:
        raise ShapeError("predictions", f"as the truth, {truth.shape}", found.shape)
    return np.bincount(classes * truth + found, minlength=classes**2).reshape(classes, classes)


def uf1(matrix: np.ndarray) -> float:
    """Unweighted F1: the mean over classes of 2 TP / (2 TP + FP + FN), MEGC2019's first score."""
    return float(np.mean(_ratio(2 * np.diag(matrix), matrix.sum(0) + matrix.sum(1))))


def uar(matrix: np.ndarray) -> float:
    """Unweighted average recall: the mean over classes of TP / (TP + FN), MEGC2019's second score."""
    return float(np.mean(_ratio(np.diag(matrix), matrix.sum(1))))


@dataclass(frozen=True)
class UnitScores:
    """F1 of each action unit (K,) over all samples, and the mean over units within each data set."""

    units: tuple[float, ...]
    groups: dict[str, float]

    @property
    def unit_average(self) -> float:
        """The mean of `units`; CD6ME's first average."""
        return float(np.mean(self.units))

    @property
    def group_average(self) -> float:
        """The mean of `groups`; CD6ME's second average."""
        return float(np.mean([*self.groups.values()]))


def unit_scores(truth: np.ndarray, found: np.ndarray, groups: Sequence[str], *, both_sides: bool = False) -> UnitScores:
    """F1 of each unit, of truth and predictions `found` (N, K) of 0 and 1, and the data set of each sample (N,); a unit
    without true or predicted samples scores 0, as in CD6ME. `both_sides`: the mean of the F1 of presence and of absence
    ("macro"), instead of presence alone.
    """
    check_labels(truth, found)
    truth, found, names = np.asarray(truth, bool), np.asarray(found, bool), np.asarray(groups)
    if truth.shape != found.shape or truth.ndim != 2 or names.shape != truth.shape[:1]:
        raise ShapeError("predictions", f"as the truth, {truth.shape}, and a group for each row", found.shape)

    def scores(rows: np.ndarray) -> np.ndarray:
        one, two = truth[rows], found[rows]
        present = _ratio(2 * (one & two).sum(0), one.sum(0) + two.sum(0))
        absent = _ratio(2 * (~one & ~two).sum(0), (~one).sum(0) + (~two).sum(0))
        return (present + absent) / 2 if both_sides else present

    each = {str(name): float(scores(names == name).mean()) for name in dict.fromkeys(names.tolist())}
    return UnitScores(tuple(scores(np.full(len(truth), True)).tolist()), each)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return part / np.where(whole > 0, whole, 1)
