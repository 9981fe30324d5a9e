"""A film's tracks over time as a picture: action units, pose, gaze, blinks, gaps, and pairs of frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..core.files import replace_file
from .film import BLINK, Tracks, runs

_GAP = "0.87"
_BLINK = "#f2c14e"
_UNIT = "#2a6f97"
_SOURCE = "#2a6f97"
_TARGET = "#c1121f"
_POSE = {"yaw": "#2a6f97", "pitch": "#c1121f", "roll": "#6a994e"}
_ROW = 0.36  # inches of a unit's strip


def save_chart(tracks: Tracks, path: Path, pairs: Sequence[tuple[int, int]] = (), title: str = "") -> bool:
    """Writes a PNG of the tracks; False, and nothing, where matplotlib is not installed.

    Args:
        tracks: of at least one frame.
        path: of the picture.
        pairs: frame numbers of sources and targets, to be marked.
        title: a line above, such as the film's name.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(11, 1.0), dpi=110)
    draw_tracks(figure, tracks, pairs, title)
    # The metadata of matplotlib names its version: without it a picture is the same on every machine.
    replace_file(path, lambda part: figure.savefig(part, format="png", metadata={"Software": None}))
    return True


def draw_tracks(figure: Any, tracks: Tracks, pairs: Sequence[tuple[int, int]] = (), title: str = "") -> None:
    """Draws tracks into a figure of matplotlib, whose height is set: a strip for each unit that was read, then the
    head's pose, the gaze and the eyes' openness; gaps are grey, blinks yellow, pairs run from source to target.
    """
    shown = [name for name in tracks.names if np.isfinite(tracks.of(name)).any()]
    left_out = [name for name in tracks.names if name not in shown]
    panels = _panels(figure, len(shown), bool(pairs))
    times = tracks.times if np.isfinite(tracks.times).all() else tracks.numbers.astype(float)
    strips = panels["units"]
    for axes, name in zip(strips, shown):
        values = tracks.of(name)
        axes.fill_between(times, 0, values, color=_UNIT, alpha=0.35, linewidth=0)
        axes.plot(times, values, color=_UNIT, linewidth=0.9)
        low = -5 if np.nanmin(values) < -0.5 else 0
        axes.set_ylim(low, 5)
        axes.set_yticks([low, 5] if low else [5])
        axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8, labelpad=14)
    pose = panels["pose"]
    for column, (name, colour) in enumerate(_POSE.items()):
        pose.plot(times, tracks.pose[:, column], color=colour, linewidth=0.9, label=name)
    _labelled(pose, "head, °")
    gaze = panels["gaze"]
    for column, (name, colour) in enumerate(list(_POSE.items())[:2]):
        gaze.plot(times, tracks.gaze[:, column], color=colour, linewidth=0.9, label=name)
    _labelled(gaze, "gaze, °")
    eyes = panels["eyes"]
    for column, (name, colour) in enumerate((("left", _UNIT), ("right", _TARGET))):
        eyes.plot(times, tracks.openness[:, column], color=colour, linewidth=0.9, label=name)
    eyes.set_ylim(0, None)
    _labelled(eyes, "eyes open")
    if pairs:
        _draw_pairs(panels["pairs"], tracks, times, pairs)
    _shade([*strips, pose, gaze, eyes], tracks, times)
    every = [*strips, pose, gaze, eyes, *([panels["pairs"]] if pairs else [])]
    for axes in every:
        axes.tick_params(labelsize=7, labelbottom=axes is every[-1])
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.005)
    every[-1].set_xlabel("seconds" if times is tracks.times else "frame", fontsize=8)
    words = f"{int(tracks.found.sum())} of {len(tracks)} frames read, {len(tracks.blinks)} blinks"
    if left_out:
        words += f"; not read: {' '.join(left_out)}"
    above = "\n".join(line for line in (title, words) if line)
    figure.suptitle(above, fontsize=9, y=1 - 0.08 / figure.get_size_inches()[1], va="top")


def _panels(figure: Any, units: int, pairs: bool) -> dict[str, Any]:
    """Axes by what they show; the figure takes the height that they need."""
    heights = [_ROW] * units + [1.0, 0.8, 0.8] + [1.0] * pairs
    height = sum(heights) * 1.12 + 1.0
    figure.set_size_inches(11, height)
    # Margins by hand: matplotlib's layout engine takes longer than all of the drawing.
    figure.subplots_adjust(left=0.065, right=0.93, top=1 - 0.55 / height, bottom=0.45 / height, hspace=0.2)
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    named = {"units": list(axes[:units]), "pose": axes[units], "gaze": axes[units + 1], "eyes": axes[units + 2]}
    if pairs:
        named["pairs"] = axes[units + 3]
    return named


def _labelled(axes: Any, label: str) -> None:
    axes.set_ylabel(label, fontsize=7)
    axes.legend(fontsize=6, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def _draw_pairs(axes: Any, tracks: Tracks, times: np.ndarray, pairs: Sequence[tuple[int, int]]) -> None:
    """A line for each pair from its source to its target."""
    place = {int(number): float(time) for number, time in zip(tracks.numbers, times)}
    for row, (source, target) in enumerate(pairs):
        axes.plot([place[source], place[target]], [row, row], color="0.6", linewidth=0.6, zorder=1)
        axes.scatter([place[source]], [row], 7, color=_SOURCE, zorder=2, label="" if row else "source")
        axes.scatter([place[target]], [row], 9, color=_TARGET, marker="D", zorder=2, label="" if row else "target")
    axes.set_ylim(-1, len(pairs))
    axes.set_yticks([])
    axes.set_ylabel(f"{len(pairs)} pairs", fontsize=7)
    axes.legend(fontsize=6, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def _shade(panels: Sequence[Any], tracks: Tracks, times: np.ndarray) -> None:
    """Gaps and blinks behind the lines, each as wide as its frames."""
    half = float(np.median(np.diff(times))) / 2 if len(times) > 1 else 0.5
    for first, last in runs(~tracks.found):
        for axes in panels:
            axes.axvspan(times[first] - half, times[last] + half, color=_GAP, linewidth=0, zorder=0)
    for first, last in runs(tracks.closed):
        if times[last] - times[first] <= BLINK:
            for axes in panels:
                axes.axvspan(times[first] - half, times[last] + half, color=_BLINK, alpha=0.4, linewidth=0, zorder=0)
