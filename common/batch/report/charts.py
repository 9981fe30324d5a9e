"""Drawings of the page as inline SVG: fonts are the page's, colours follow its light or dark scheme."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from ...core.errors import MissingDependencyError
from .doses import Dose

INSTALL = 'pip install "face-rig[report]"'
DOTS = 250
"""Of a drawing at most; lines and intervals are of all edits."""
INK, LINE, ONE, TWO = "#123401", "#123402", "#123403", "#123404"
_COLOURS = {INK: "var(--soft)", LINE: "var(--line)", ONE: "var(--one)", TWO: "var(--two)"}
_STYLE = {
    "svg.fonttype": "none",
    "font.size": 8,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "lines.solid_capstyle": "round",
}


class Charts:
    """Draws with matplotlib, each drawing with ids of its own; raises a MissingDependencyError without it."""

    def __init__(self) -> None:
        try:
            import matplotlib as library
            from matplotlib.figure import Figure
        except ImportError as error:
            raise MissingDependencyError("matplotlib", "The report of a batch", INSTALL) from error
        self.version: str = library.__version__
        self._library, self._figure, self._count = library, Figure, 0

    def dose(self, dose: Dose, low: float, high: float, absolute: bool) -> str:
        """Wanted against measured: dots, means with their intervals, the line of a perfect answer.

        Both axes go from `low` to `high`; `absolute` are intensities, and not changes.
        """

        def draw(axes: Any) -> None:
            axes.axline((0, 0), slope=1, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), alpha=0.7)
            if low < 0:
                axes.axhline(0, color=LINE, linewidth=0.6)
            every = np.linspace(0, len(dose.wanted) - 1, min(DOTS, len(dose.wanted))).round().astype(int)
            aside = 0.12 * np.sin(12.9898 * every)  # so that dots of one level do not hide each other
            x, y = dose.wanted[every] + aside, dose.measured[every].clip(low, high)
            dots = {"markersize": 2.4, "markeredgewidth": 0, "alpha": 0.6 if len(every) < 60 else 0.3}
            axes.plot(x, y, "o", color=ONE, clip_on=False, **dots)
            wanted, mean = ([getattr(level, name) for level in dose.levels] for name in ("wanted", "mean"))
            for level in dose.levels:
                if level.sure:
                    axes.plot([level.wanted] * 2, level.sure, color=TWO, linewidth=1.3)
            axes.plot(wanted, mean, "-o", color=TWO, markersize=3.6, linewidth=1.3)
            axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
            axes.set_xlabel("wanted " + ("intensity" if absolute else "change"))
            axes.set_ylabel("measured")
            ticks = np.arange(np.ceil(low), high + 0.01, 1 if high - low <= 7 else 2)
            labels = [f"{tick:g}".replace("-", "\N{MINUS SIGN}") for tick in ticks]
            axes.set_xticks(ticks, labels)
            axes.set_yticks(ticks, labels)

        return self._svg(draw, (2.3, 2.3), f"{dose.unit}, {dose.meaning}: wanted against measured")

    def histogram(self, values: np.ndarray, label: str, marks: Mapping[str, float], count: int = 30) -> str:
        """A histogram of finite values (N,) in `count` bins at most; `marks` are labels -> value, as upright lines."""

        def draw(axes: Any) -> None:
            bars = int(np.clip(np.sqrt(len(values)) * 2, 5, count))
            axes.hist(values, bins=bars, color=ONE, rwidth=0.92)
            for (words, place), style in zip(marks.items(), ("-", (0, (4, 3)))):
                axes.axvline(place, color=TWO, linewidth=1.2, linestyle=style, label=words)
            axes.set_xlabel(label, parse_math=False)
            axes.set_ylabel("edits")
            axes.yaxis.get_major_locator().set_params(integer=True)
            if marks:
                axes.legend(fontsize=7, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(marks))

        return self._svg(draw, (3.4, 2.2), f"Histogram: {label}")

    def _svg(self, draw: Any, size: tuple[float, float], label: str) -> str:
        self._count += 1
        content = io.StringIO()
        with self._library.rc_context({**_STYLE, "svg.hashsalt": f"drawing {self._count}"}):
            figure = self._figure(figsize=size, layout="constrained")
            draw(figure.subplots())
            undated: Mapping[str, None] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            figure.savefig(content, format="svg", transparent=True, metadata=undated)
        return _of_the_page(content.getvalue(), label, self._count)


def _of_the_page(svg: str, label: str, number: int) -> str:
    """SVG to embed in HTML: without a file header and fonts, with ids that are unique on the page."""
    svg = re.sub(r"<(metadata|style)\b.*?</\1>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*\n\s*", " ", svg[svg.index("<svg") :])
    svg = re.sub(r' (?:id="[\w.]+_\d+"|xmlns(?::\w+)?="[^"]*"|version="[^"]*")', "", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r'((?: id=|href=)"#?|url\(#)', rf"\1d{number}-", svg)
    for mark, colour in _COLOURS.items():
        svg = svg.replace(mark, colour)
    head, rest = svg.split(">", 1)
    head = re.sub(r' (?:width|height)="[^"]*pt"', "", head)
    return f'{head} role="img" aria-label="{escape(label)}">{rest}'
