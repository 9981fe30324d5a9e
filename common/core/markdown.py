"""Tables in Markdown that read well as plain text too."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns stand one under the other."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"

    return "\n".join([line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])


def counted(value: float | None, counts: Sequence[int], digits: int = 2) -> str:
    """A number with how many of how many items it was measured on, such as "0.93 (11 of 12)"."""
    measured, items = counts
    return f"{number(value, digits)} ({measured} of {items})"


def number(value: float | None, digits: int = 2) -> str:
    """A number as text; N/A where nothing was measured."""
    if value is None:
        return "N/A"
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"
