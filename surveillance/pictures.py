"""Heatmaps, footmap, trees, calendars, flows and curves, as figures of matplotlib without a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy.cluster import hierarchy

from common.core.files import replace_file

from .days import DayTree
from .evaluation import Method
from .maps import Grid, shown
from .timeseries import Forecast, counts_of, decompose

HEAT = "inferno"
UNUSUAL = "#d62728"
LEAVES = 500
"""Leaves of a tree at most; merges below them are drawn as one."""
BLUR = 4.0
"""Pixels of the heatmaps' blur."""
PLAIN = "#4a6fa5"


def figure(width: float, height: float) -> Figure:
    """An empty figure, its size in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def _place(axes: Axes, width: int, height: int, background: np.ndarray | None, ticks: bool = False) -> None:
    """Axes in pixels of the place, over its background (H, W, 3) uint8 if there is one."""
    if background is not None:
        axes.imshow(background, extent=(0, width, height, 0))
    axes.set(xlim=(0, width), ylim=(height, 0))
    if not ticks:
        axes.set(xticks=[], yticks=[])


def _month_ticks(axes: Axes, months: Sequence[tuple[int, pd.Timestamp]]) -> None:
    """Names of months at their places on the x axis, about twenty at most."""
    chosen = months[:: max(1, len(months) // 20)]
    names = [f"{day:%b %Y}" for _, day in chosen]
    axes.set_xticks([place for place, _ in chosen], names, fontsize=7, rotation=45, ha="right")


def draw_heatmaps(
    maps: Mapping[str, np.ndarray],
    background: np.ndarray | None = None,
    *,
    days: Mapping[str, int] | None = None,
    blur: float = BLUR,
    log: bool = True,
) -> Figure:
    """Heatmaps side by side, name -> (H, W) counts, in the same colours, over a background (H, W, 3) uint8 of the
    place.

    Counts are divided by recorded `days` of the same names where those are given. A row has up to 4 columns, or 6 of
    more than a dozen; for blur and log see `shown`.
    """
    means = {name: values / max(1, days[name]) if days else values for name, values in maps.items()}
    made = {name: shown(values, blur=blur, log=log) for name, values in means.items()}
    columns = min(4 if len(made) <= 12 else 6, len(made))
    rows, top = -(-len(made) // columns), max(float(values.max()) for values in made.values())
    height, width = next(iter(made.values())).shape
    side = {1: 9.0, 6: 2.1}.get(columns, 3.1)
    whole = figure(side * columns, (side * height / width + 0.3) * rows)
    image = None
    for place, (name, values) in enumerate(made.items(), 1):
        axes = whole.add_subplot(rows, columns, place)
        _place(axes, width, height, background)
        # The background shows where there are no points.
        alpha = 1.0 if background is None else np.clip(values / max(top, 1e-9) * 3, 0, 0.75)
        image = axes.imshow(values, cmap=HEAT, vmin=0, vmax=top or 1, alpha=alpha, extent=(0, width, height, 0))
        axes.set_title(name if not days else f"{name} ({days[name]} days)", fontsize=9)
    if len(made) == 1 and image is not None:
        label = "log10(1 + points)" if log else "points"
        whole.colorbar(image, ax=whole.axes, shrink=0.7, label=label + (" a day" if days else ""))
    return whole


def draw_footmap(pools: pd.DataFrame, calendar: pd.DatetimeIndex, *, marked: pd.DatetimeIndex | None = None) -> Figure:
    """log10(1 + points): days of the calendar from left to right, pools of `maps.day_pools` from top to bottom. Days
    that were not recorded stay white; marked days have a mark above.
    """
    live = pools.loc[:, pools.sum() > 0]
    values = live.reindex(calendar).to_numpy(float).T
    whole = figure(12, 0.17 * len(live.columns) + 1.2)
    axes = whole.add_subplot(xlabel="", ylabel="pool")
    image = axes.imshow(np.log10(1 + values), aspect="auto", cmap=HEAT, interpolation="none")
    whole.colorbar(image, ax=axes, label="log10(1 + points)", pad=0.01)
    rows = [name.split("c")[0] for name in live.columns]
    for place in range(1, len(rows)):
        if rows[place] != rows[place - 1]:
            axes.axhline(place - 0.5, color="white", linewidth=1.5)
    axes.set_yticks(range(len(live.columns)), live.columns, fontsize=6)
    _month_ticks(axes, [(place, day) for place, day in enumerate(calendar) if day.day == 1])
    if marked is not None:
        places = np.flatnonzero(calendar.isin(marked))
        axes.plot(places, np.full(len(places), -1.2), "v", color=UNUSUAL, markersize=3, clip_on=False)
        axes.set_ylim(len(live.columns) - 0.5, -0.5)
    return whole


def save(drawn: Figure, path: Path) -> Path:
    """Writes a figure as PNG; returns the path."""
    replace_file(path, lambda part: drawn.savefig(part, dpi=110, format="png", bbox_inches="tight"))
    return path


def draw_tree(tree: DayTree, height: float) -> Figure:
    """How days merge into clusters, cut at a height."""
    whole = figure(12, 3.6)
    axes = whole.add_subplot(ylabel="height (Ward)")
    hierarchy.dendrogram(
        tree.tree, LEAVES, "lastp", ax=axes, no_labels=True, color_threshold=height, above_threshold_color="0.5"
    )
    axes.axhline(height, color="0.3", linestyle=":", linewidth=1)
    return whole


def draw_calendar(
    values: pd.Series, label: str, *, marked: pd.DatetimeIndex | None = None, kinds: bool = False
) -> Figure:
    """A square for each day: weeks from left to right, Monday on top. Days without a value stay white, marked days have
    a frame. With `kinds` the values are numbers of clusters, from 1.
    """
    days = pd.DatetimeIndex(values.index)
    start = days[0] - pd.Timedelta(days=days[0].weekday())
    week, weekday = (days - start).days.to_numpy() // 7, days.day_of_week.to_numpy()
    table = np.full((7, int(week.max()) + 1), np.nan)
    table[weekday, week] = values.to_numpy(float)
    whole = figure(12, 2.2)
    axes = whole.add_subplot()
    if kinds:
        count = int(values.max())
        known = matplotlib.colormaps["Set3" if count > 8 else "Set2"]
        colors = ListedColormap([known(place % known.N) for place in range(count)])
        axes.imshow(table, cmap=colors, vmin=0.5, vmax=count + 0.5, interpolation="none")
        sizes = values.value_counts().sort_index()
        names = [f"{label} {kind} ({size} days)" for kind, size in sizes.items()]
        patches = [Patch(color=colors(int(kind) - 1), label=name) for kind, name in zip(sizes.index, names)]
        axes.legend(handles=patches, fontsize=7, ncols=6, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    else:
        image = axes.imshow(table, cmap="viridis", interpolation="none")
        whole.colorbar(image, ax=axes, label=label, pad=0.01)
    axes.set_yticks(range(7), ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], fontsize=7)
    mondays = pd.date_range(start, periods=table.shape[1], freq="7D")
    _month_ticks(axes, [(place, day) for place, day in enumerate(mondays) if day.day <= 7])
    if marked is not None:
        for day in marked.intersection(days):
            place = (day - start).days
            axes.plot(place // 7, place % 7, "s", markersize=5, markerfacecolor="none", color="k" if kinds else UNUSUAL)
    return whole


def draw_flows(
    flow: pd.DataFrame, grid: Grid, heat: np.ndarray, unit: str, background: np.ndarray | None = None
) -> Figure:
    """An arrow in each pool: mean direction of its tracks and their mean speed, over a heatmap (H, W)."""
    height, width = heat.shape
    whole = figure(9, 9 * height / width)
    axes = whole.add_subplot()
    if background is None:
        axes.imshow(shown(heat, blur=BLUR, log=True), cmap="Greys", extent=(0, width, height, 0), vmin=0)
    rows, columns = grid.shape
    x = (np.tile(np.arange(columns), rows) + 0.5) * grid.pool
    y = (np.repeat(np.arange(rows), columns) + 0.5) * grid.pool
    busy = (flow["steps"] > 0.01 * flow["steps"].sum()).to_numpy()
    right, down, speed = (flow[name].to_numpy()[busy] for name in ("right", "down", "speed"))
    arrows = axes.quiver(
        x[busy],
        y[busy],
        right,
        down,
        speed,
        angles="xy",
        cmap="plasma",
        width=0.005,
        pivot="mid",
        scale_units="xy",
        scale=max(float(np.hypot(right, down).max(initial=0)), 1e-9) / grid.pool,
    )
    whole.colorbar(arrows, ax=axes, label=f"speed, {unit}", shrink=0.7)
    _place(axes, width, height, background)
    return whole


def draw_boxes(values: Mapping[str, np.ndarray], label: str) -> Figure:
    """A box plot for each name: median, quartiles, and whiskers without outliers."""
    whole = figure(9, 2.8)
    axes = whole.add_subplot(ylabel=label)
    axes.boxplot(list(values.values()), tick_labels=list(values), showfliers=False, medianprops={"color": UNUSUAL})
    axes.tick_params(labelsize=8)
    return whole


def draw_lines(
    lines: Sequence[np.ndarray],
    tracks: Sequence[np.ndarray],
    size: tuple[int, int],
    background: np.ndarray | None = None,
) -> Figure:
    """Tracks, thin, and the representative lines of their clusters, thick."""
    width, height = size
    whole = figure(7, 7 * height / width)
    axes = whole.add_subplot()
    _place(axes, width, height, background, ticks=True)
    for track in tracks:
        axes.plot(*track.T, color="0.6", linewidth=0.4, alpha=0.6)
    for number, line in enumerate(lines):
        axes.plot(*line.T, color=f"C{number % 10}", linewidth=3)
        arrow = {"arrowstyle": "-|>", "color": f"C{number % 10}", "linewidth": 3, "mutation_scale": 18}
        axes.annotate("", line[-1], line[-2], arrowprops=arrow)
    return whole


def draw_scores(methods: dict[str, Method], truth: pd.Series, days: pd.DatetimeIndex) -> Figure:
    """The score of each of these days by each method, one below the other. Red: labelled unusual, by `read_truth`;
    filled: flagged by the method.
    """
    whole = figure(12, 1.5 * len(methods) + 0.5)
    axes = whole.subplots(len(methods), 1, sharex=True, squeeze=False)[:, 0]
    for own, (name, method) in zip(axes, methods.items()):
        score = method.scores.reindex(days)
        called = method.calls().reindex(days, fill_value=False)
        labelled = truth.reindex(days)
        for label, color in ((False, PLAIN), (True, UNUSUAL)):
            rows = (labelled == label).to_numpy() & score.notna().to_numpy()
            face = [color if one else "none" for one in called[rows]]
            own.scatter(days[rows], score[rows], s=11, c=face, edgecolors=color, linewidths=0.7)
        own.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        own.tick_params(labelsize=7)
    return whole


def draw_comparison(found: pd.DataFrame) -> Figure:
    """Each method's AUC and F1 of `evaluate` over all days, with their intervals if computed; rings leave out the
    weekday with most unusual days.
    """
    whole_days = found[found["slice"] == "all days"].set_index("method")
    others = found[found["slice"].str.startswith("without")].set_index("method").reindex(whole_days.index)
    other = str(others["slice"].iloc[0])
    whole = figure(11, 0.27 * len(whole_days) + 1)
    place = np.arange(len(whole_days))[::-1]
    for own, name in zip(whole.subplots(1, 2, sharey=True), ("auc", "f1")):
        value = whole_days[name].to_numpy(float)
        if f"{name}_low" in whole_days:
            low, high = (whole_days[f"{name}_{end}"].to_numpy(float) for end in ("low", "high"))
            own.hlines(place, low, high, color=PLAIN, linewidth=2, alpha=0.5)
        own.plot(value, place, "o", color=PLAIN, markersize=5, label="all days")
        own.plot(others[name].to_numpy(float), place, "o", markerfacecolor="none", color=UNUSUAL, label=other)
        own.set_yticks(place, [f"{word} *" if note else word for word, note in whole_days["note"].items()], fontsize=8)
        own.set_xlabel({"auc": "area under the ROC curve", "f1": "F1 of the calls"}[name])
        own.set_xlim(0, 1)
        own.grid(axis="y", alpha=0.25)
        own.legend(fontsize=7, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    return whole


def draw_decomposition(values: pd.Series, label: str) -> Figure:
    """A series (days of the calendar, nan in gaps) with its trend, season and rest."""
    parts = {label: values, **{str(name): part for name, part in decompose(values).items()}}
    whole = figure(12, 5)
    for own, (name, part) in zip(whole.subplots(len(parts), 1, sharex=True), parts.items()):
        own.plot(part.index, part, color=PLAIN, linewidth=0.9)
        own.set_ylabel(name, fontsize=8)
        own.tick_params(labelsize=7)
    return whole


def draw_forecast(found: Forecast, values: pd.Series, label: str, *, before: int = 60) -> Figure:
    """The last `before` days of values, their expectations by `timeseries.forecast` on log(1 + values), and the
    forecast with its intervals.
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
