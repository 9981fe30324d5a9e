"""What a training leaves to read: logs as CSV and in TensorBoard, the curve, the model card."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core import environment
from ..core.files import replace_file
from ..core.jsonio import read_config
from .config import TrainConfig

if TYPE_CHECKING:
    from .loop import Task

BASELINE = "baseline.json"
"""The metrics before the first step."""


class Log:
    """A CSV file with a row for each step; rows of steps that a resumed training repeats are dropped.

    The first of the columns is the step; `first` is the step at which the training starts or resumes.
    """

    def __init__(self, path: Path, columns: Sequence[str], first: int) -> None:
        self.path, self.columns = path, list(columns)
        kept = [row for row in read_log(path) if row.get(self.columns[0], math.inf) <= first] if first else []

        def write(temporary: Path) -> None:
            with open(temporary, "w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(self.columns)
                writer.writerows([_text(row.get(name, float("nan"))) for name in self.columns] for row in kept)

        replace_file(path, write)

    def add(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Appends rows, and sees to it that they are on disk."""
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([_text(row[name]) for name in self.columns] for row in rows)
            file.flush()
            os.fsync(file.fileno())


def read_log(path: Path) -> list[dict[str, float]]:
    """The whole rows of a log; one that was cut off is left out."""
    if not path.is_file():
        return []
    found: list[dict[str, float]] = []
    names: list[str] = []
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        for line in file:
            with contextlib.suppress(ValueError, csv.Error):
                row = next(csv.reader([line]), [])
                if names:
                    found.append(dict(zip(names, map(float, row), strict=True)))
                names = names or row
    return found


def draw_curve(log: Path, target: Path) -> bool:
    """The loss over the steps as a PNG, each step pale and their running mean on top; False without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    rows = read_log(log)
    steps, losses = (np.array([row[name] for row in rows]) for name in ("step", "loss"))
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="step", ylabel="loss", yscale="log")
    axes.plot(steps, losses, color="0.8", linewidth=0.8)
    if len(rows) > 1:
        width = max(1, len(rows) // 50)
        mean = np.convolve(losses, np.ones(width) / width, mode="valid")
        axes.plot(steps[width - 1 :], mean, color="tab:blue", label=f"mean of {width} steps")
        axes.legend()
    replace_file(target, lambda path: figure.savefig(path, dpi=120))
    return True


def model_card(output: Path, config: TrainConfig, task: Task) -> str:
    """The README.md of a trained model, from the logs in the output folder."""
    rows = read_log(output / "log.csv")
    tail = [row["loss"] for row in rows[-max(1, len(rows) // 10) :]]
    loss = sum(tail) / len(tail) if tail else math.nan  # the log was deleted
    last = (read_log(output / "validation.csv") or [{}])[-1]
    metrics = {name: value for name, value in last.items() if name != "step"}
    before = read_config(output / BASELINE) if (output / BASELINE).is_file() else {}
    problem = task.judge(metrics) if metrics else ""
    changed = {
        field.name: value
        for field in dataclasses.fields(config)
        if (value := getattr(config, field.name)) != field.default and value not in ("", {}, ())
    }
    settings = "\n".join(f"| `{name}` | `{value}` |" for name, value in changed.items())
    measured = "\n".join(
        f"| {name} | {f'{before[name]:.4g}' if name in before else ''} | {value:.4g} |"
        for name, value in metrics.items()
    )
    table = f"| measure | before training | now |\n|---|---|---|\n{measured}"
    versions = ", ".join(f"{name} {version}" for name, version in environment.versions().items())
    limits = [f"**On held-out samples, {problem}.**"] * bool(problem) + [_LIMITS]
    return (
        f"# {task.title}\n\n{task.notes}\n\n"
        f"## Training\n\nMean loss of the last tenth: {loss:.4g}. The options that are not the defaults:\n\n"
        f"| option | value |\n|---|---|\n{settings}\n"
        f"\n## Held-out samples\n\n{table if metrics else 'Not measured: no samples were held out.'}\n"
        f"\n## Limits\n\n{' '.join(limits)}\n\n## Versions\n\n{versions}\n"
    )


_LIMITS = (
    "Measured on the held-out samples above alone: on people, light and cameras unlike the data's, results may be poor."
    " Edited faces are synthetic media and are marked as such: do not pass them off as photographs, and do not use them"
    " to identify or judge anyone."
)


def _text(value: float) -> str:
    return repr(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
