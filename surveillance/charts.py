"""What methods find, as figures: scores over time, how well they tell, and days to come."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .evaluation import Method
from .pictures import UNUSUAL, figure
from .timeseries import Forecast, counts_of, decompose

PLAIN = "#4a6fa5"


def draw_scores(methods: dict[str, Method], truth: pd.Series, days: pd.DatetimeIndex) -> Figure:
    """The score of each of these days by each method, one below the other; unusual days, as `read_truth` has them, in
    red, called ones filled.
    """
    whole = figure(12, 1.5 * len(methods) + 0.5)
    axes = whole.subplots(len(methods), 1, sharex=True, squeeze=False)[:, 0]
    for own, (name, method) in zip(axes, methods.items()):
        score = method.scores.reindex(days)
        called = method.calls().reindex(days, fill_value=False)
        said = truth.reindex(days)
        for label, color in ((False, PLAIN), (True, UNUSUAL)):
            rows = (said == label).to_numpy() & score.notna().to_numpy()
            face = [color if one else "none" for one in called[rows]]
            own.scatter(days[rows], score[rows], s=11, c=face, edgecolors=color, linewidths=0.7)
        own.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        own.tick_params(labelsize=7)
    return whole


def draw_comparison(found: pd.DataFrame, names: tuple[str, str] = ("auc", "f1")) -> Figure:
    """Each method's AUC and F1, or two other columns of `evaluate`, over all days, with their intervals where there are
    some, and as rings without the weekday of most unusual days.
    """
    whole_days = found[found["slice"] == "all days"].set_index("method")
    others = found[found["slice"].str.startswith("without")].set_index("method").reindex(whole_days.index)
    other = str(others["slice"].iloc[0])
    whole = figure(11, 0.27 * len(whole_days) + 1)
    place = np.arange(len(whole_days))[::-1]
    for own, name in zip(whole.subplots(1, 2, sharey=True), names):
        value = whole_days[name].to_numpy(float)
        if f"{name}_low" in whole_days:
            low, high = (whole_days[f"{name}_{end}"].to_numpy(float) for end in ("low", "high"))
            own.hlines(place, low, high, color=PLAIN, linewidth=2, alpha=0.5)
        own.plot(value, place, "o", color=PLAIN, markersize=5, label="all days")
        own.plot(others[name].to_numpy(float), place, "o", markerfacecolor="none", color=UNUSUAL, label=other)
        own.set_yticks(place, [f"{word} *" if note else word for word, note in whole_days["note"].items()], fontsize=8)
        own.set_xlabel({"auc": "area under the ROC curve", "f1": "F1 of the calls"}.get(name, name))
        own.set_xlim(0, 1)
        own.grid(axis="y", alpha=0.25)
        own.legend(fontsize=7, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    return whole


def draw_decomposition(values: pd.Series, label: str) -> Figure:
    """A series (days of the calendar, nan where there are none) with its trend, its season and the rest."""
    parts = {label: values, **{str(name): part for name, part in decompose(values).items()}}
    whole = figure(12, 5)
    for own, (name, part) in zip(whole.subplots(len(parts), 1, sharex=True), parts.items()):
        own.plot(part.index, part, color=PLAIN, linewidth=0.9)
        own.set_ylabel(name, fontsize=8)
        own.tick_params(labelsize=7)
    return whole


def draw_forecast(found: Forecast, values: pd.Series, label: str, *, before: int = 60) -> Figure:
    """The last `before` days of values, what was expected of each by `timeseries.forecast` on log(1 + values), and the
    days to come with their intervals.
    """
    whole = figure(9, 3)
    axes = whole.add_subplot(ylabel=label)
    past = values.iloc[-before:]
    axes.plot(past.index, past, "o-", color=PLAIN, markersize=3, linewidth=0.8, label="recorded")
    then = counts_of(found.expected.iloc[-before:].to_frame())
    axes.plot(past.index, then, "--", color="0.5", linewidth=1, label="expected then")
    ahead = counts_of(found.ahead)
    axes.fill_between(ahead.index, ahead["low"], ahead["high"], color=UNUSUAL, alpha=0.2, linewidth=0)
    axes.plot(ahead.index, ahead["expected"], "o-", color=UNUSUAL, markersize=3, linewidth=1, label="to come")
    axes.legend(fontsize=8)
    axes.tick_params(labelsize=7)
    return whole
