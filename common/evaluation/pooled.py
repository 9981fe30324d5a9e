"""Many items' numbers as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median as middle
from typing import Any

from ..measure.compare import decibels
from ..tables import number, table

Goals = Mapping[str, tuple[str, str, float]]
"""What a model was built to reach: name -> (words, relation, bound)."""


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


def count(values: Iterable[object]) -> list[int]:
    """How many of some values were measured, and how many there are: None is not measured."""
    every = list(values)
    return [sum(value is not None for value in every), len(every)]


def measured_units(units: Mapping[str, Mapping[str, Any]], of: str = "edit") -> list[int]:
    """How many action units have a dose response, and how many there are."""
    return count(unit[of]["slope"] for unit in units.values())


def strong_units(units: Mapping[str, Mapping[str, Any]], goal: tuple[str, str, float], of: str = "edit") -> Any:
    """The goal on the number of units whose response correlates by 0.9 or more, as `reached` gives it.

    Units without a dose response are neither strong nor weak: the goal is missed only if they could not reach it, and
    not measured (None) if they could.
    """
    measured, every = measured_units(units, of)
    strong = sum((unit[of]["pearson"] or 0) >= 0.9 for unit in units.values())
    verdict = True if strong >= goal[2] else None if strong + every - measured >= goal[2] else False
    return {"found": strong if measured else None, "reached": verdict}


def reached(goals: Goals, found: Mapping[str, float | None]) -> dict[str, dict[str, Any]]:
    """Each goal's "found" value, and whether it is "reached"; None where it was not measured."""
    return {name: {"found": found[name], "reached": _is_reached(goals[name], found[name])} for name in goals}


def goals_table(goals: Goals, found: Mapping[str, Mapping[str, Any]], counts: Mapping[str, Sequence[int]]) -> str:
    """A Markdown table of goals.

    Args:
        goals: by name.
        found: what `reached` returned.
        counts: of each goal, how many edits or units were measured, and of how many.
    """
    rows = []
    for name, (words, relation, bound) in goals.items():
        measured, every = counts[name]
        own = found[name]
        if own["reached"] is None:
            verdict = "not measured" if own["found"] is None else "too little measured"
        else:
            verdict = "reached" if own["reached"] else "missed"
        rows.append((words, f"{relation} {bound:g}", number(own["found"]), f"{measured} of {every}", verdict))
    return table(("measure", "goal", "found", "measured", ""), rows)


def _is_reached(goal: tuple[str, str, float], value: float | None) -> bool | None:
    _, relation, bound = goal
    if value is None:
        return None
    return bool(value >= bound if relation == ">=" else value <= bound)
