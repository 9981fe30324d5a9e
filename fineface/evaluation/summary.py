"""Many items' records as one report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from common.action_units import ACTION_UNITS
from common.evaluation.pooled import count, median
from common.evaluation.responses import combined, mean_identity, off_target, response
from common.measure.traits import TRAITS

from .trial import Record

Report = dict[str, Any]
"""What `summarise` returns: plain values, fit for JSON, None where there was nothing to measure."""

OF = ("made", "truth")
_NAMES = tuple(ACTION_UNITS)


def summarise(records: Sequence[Record], facts: dict[str, Any]) -> Report:
    """The report of an evaluation; `truth` stands for the same measured on the true pictures, the measurers' own limit.

    Args:
        records: see `trial.attempt`.
        facts: what was evaluated.
    """
    return {
        "evaluated": facts,
        "pictures": 2 * len(records),
        "without_face": {of: sum(record[of] is None for record in records) for of in OF},
        "units": {name: {of: response(*doses(records, name, of)) for of in OF} for name in _NAMES},
        "off_target": {of: _off_target(records, of) for of in OF},
        "combined": {of: _combined(records, of) for of in OF},
        "traits": {name: trait(records, name) for name in TRAITS},
        "identity": {of: mean_identity(r[of] and r[of]["identity"] for r in records) for of in OF},
        "counts": {
            "off_target": {of: count(record[of] for record in records if record["unit"]) for of in OF},
            "combined": {of: count(record[of] for record in records if not record["unit"]) for of in OF},
            "background": count(r["made"] and r["made"]["background"] for r in records),
            "pairs": {of: count(record[of] for record in records) for of in OF},
        },
        "background": median([r["made"]["background"] for r in records if r["made"]]),
        "seconds": median([r["seconds"] for r in records]),
    }


def doses(records: Sequence[Record], unit: str, of: str) -> tuple[np.ndarray, np.ndarray]:
    """Requested and measured change (N,) of a unit over its single items, and those where it was not asked for."""
    place = _NAMES.index(unit)
    found = [(r["change"][place], r[of]["change"][place]) for r in records if r["unit"] and r[of]]
    return tuple(np.array(found, float).reshape(-1, 2).T)  # type: ignore[return-value]


def trait(records: Sequence[Record], name: str) -> dict[str, Any]:
    """How often pictures show what the caption says.

    Returns:
        class -> {"asked", "made", "truth"}: how often it was asked for, and in which share of those it is seen; "all",
        the share over all items; "mean", that over the classes; "chance", of pictures made for other captions.
    """
    asked = [r for r in records if r["traits"][name] is not None and r["made"] and r["truth"]]
    counts = Counter(r["traits"][name] for r in asked)
    classes = {
        value: {
            "asked": counts[value],
            **{of: _share([r[of]["traits"][name] == value for r in asked if r["traits"][name] == value]) for of in OF},
        }
        for value in TRAITS[name]
        if counts[value]
    }
    seen = Counter(r["made"]["traits"][name] for r in asked)
    return {
        "asked": len(asked),
        "classes": classes,
        "all": {of: _share([r[of]["traits"][name] == r["traits"][name] for r in asked]) for of in OF},
        "mean": {of: _share([value[of] for value in classes.values()]) for of in OF},
        "chance": sum(counts[value] * seen[value] for value in counts) / len(asked) ** 2 if asked else None,
    }


def _off_target(records: Sequence[Record], of: str) -> float | None:
    return off_target((_NAMES.index(r["unit"]), np.array(r[of]["change"])) for r in records if r["unit"] and r[of])


def _combined(records: Sequence[Record], of: str) -> float | None:
    return combined([(r["change"], r[of]["change"]) for r in records if not r["unit"] and r[of]])


def _share(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
