"""How far what was measured follows what was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def response(requested: np.ndarray, measured: np.ndarray) -> dict[str, Any]:
    """Of values (N,): "count", Pearson's correlation, and the "slope" of the least-squares line.

    The last two are None where all that was requested is the same, the correlation also where all measured is.
    """
    if len(requested) < 2 or np.ptp(requested) == 0:
        return {"count": len(requested), "pearson": None, "slope": None}
    slope = float(np.polyfit(requested, measured, 1)[0])
    pearson = float(np.corrcoef(requested, measured)[0, 1]) if np.ptp(measured) > 0 else None
    return {"count": len(requested), "pearson": pearson, "slope": slope}


def off_target(changes: Iterable[tuple[int, np.ndarray]]) -> float | None:
    """Mean absolute change of units that were left alone, over that of the one that was asked for.

    Args:
        changes: which unit was asked for, and the measured change (12,) of all.

    Returns:
        None where there is none, or no change.
    """
    on, off = [], []
    for place, change in changes:
        on.append(abs(change[place]))
        off.append(np.abs(np.delete(change, place)).mean())
    return float(np.mean(off) / np.mean(on)) if on and np.mean(on) > 0 else None


def combined(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> float | None:
    """Pearson's correlation of requested and measured change (12,) over all units of all pairs; None without any."""
    if not pairs:
        return None
    requested, measured = (np.concatenate(part) for part in zip(*pairs))
    return response(requested, measured)["pearson"]


def mean_identity(found: Iterable[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Of "measure", "value" and "same" of some pictures: the measure, the mean, and the share of the same person.

    Values of two measures do not mix: those of the commonest one count. "count" says how many, "of" of how many.
    """
    every = list(found)
    measures = Counter(value["measure"] for value in every if value)
    if not measures:
        return None
    measure = min(measures, key=lambda name: (-measures[name], name))
    known = [value for value in every if value and value["measure"] == measure]
    return {
        "measure": measure,
        "count": len(known),
        "of": len(every),
        "mean": float(np.mean([value["value"] for value in known])),
        "same": float(np.mean([value["same"] for value in known])),
    }


def identity_words(found: dict[str, Any] | None) -> str:
    """What `mean_identity` found, for a table."""
    if found is None:
        return "N/A"
    counts = f"({found['count']} of {found['of']})"
    return f"{found['measure']} {found['mean']:.3f} {counts}, {100 * found['same']:.0f} % the same person"
