"""Many items' numbers as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median as middle
from typing import Any

from ..measure.compare import decibels
from ..tables import number, table

Goals = Mapping[str, tuple[str, str, float]]
"""What a model was built to reach: name -> (words, relation, bound)."""

_WORDS = {True: "reached", False: "missed", None: "not measured"}


def pooled_errors(records: Iterable[dict[str, float]]) -> dict[str, float | None]:
    """Mean squared errors of `pictures.errors`, and the edit's over the others.

    Sums of squares are pooled before they are divided, so that an item in which much changes counts for more.
    """
    total = {"edit": 0.0, "nothing": 0.0, "vae": 0.0, "count": 0.0}
    for record in records:
        total = {name: value + record[name] for name, value in total.items()}
    edit, nothing, vae, count = total.values()
    return {
        **{name: value / count if count else None for name, value in total.items() if name != "count"},
        "edit_to_nothing": edit / nothing if nothing else None,
        "edit_to_vae": edit / vae if vae else None,
        "vae_to_nothing": vae / nothing if nothing else None,
    }


def pooled_background(found: Iterable[Mapping[str, float]]) -> dict[str, float | None]:
    """PSNR of all backgrounds ("error" and "count" of bytes) together, and of the one that came out worst."""
    each = [(one["error"], one["count"]) for one in found if one["count"]]
    if not each:
        return {"psnr": None, "worst": None}
    error, count = map(sum, zip(*each))
    return {"psnr": decibels(error / count), "worst": min(decibels(error / count) for error, count in each)}


def median(values: Iterable[float | None]) -> float | None:
    """Of those that are known; None without any."""
    known = [value for value in values if value is not None]
    return middle(known) if known else None


def reached(goals: Goals, found: Mapping[str, float | None]) -> dict[str, dict[str, Any]]:
    """Each goal's "found" value, and whether it is "reached"; None where it was not measured."""
    return {name: {"found": found[name], "reached": _is_reached(goals[name], found[name])} for name in goals}


def goals_table(goals: Goals, found: Mapping[str, Mapping[str, Any]]) -> str:
    """What `reached` returned, as a Markdown table."""
    rows = [
        (words, f"{relation} {bound:g}", number(found[name]["found"]), _WORDS[found[name]["reached"]])
        for name, (words, relation, bound) in goals.items()
    ]
    return table(("measure", "goal", "found", ""), rows)


def _is_reached(goal: tuple[str, str, float], value: float | None) -> bool | None:
    _, relation, bound = goal
    if value is None:
        return None
    return bool(value >= bound if relation == ">=" else value <= bound)
