"""Many items' records as one report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from common.action_units import ACTION_UNITS
from common.evaluation.pooled import (
    Goals,
    count,
    measured_units,
    median,
    pooled_background,
    pooled_errors,
    reached,
    strong_units,
)
from common.evaluation.responses import mean_identity, off_target, response

from .items import KINDS
from .trial import OF, Record

Report = dict[str, Any]
"""What `summarise` returns: plain values, fit for JSON, None where there was nothing to measure."""

GOALS: Goals = {
    "light": ("degrees between the light of edit and truth, median", "<=", 10.0),
    "yaw": ("error of the yaw in degrees, median", "<=", 4.0),
    "pitch": ("error of the pitch in degrees, median", "<=", 4.0),
    "strong_units": ("action units with a dose response of Pearson 0.9 or more", ">=", 10),
    "off_target": ("off-target change of action units, of the on-target change", "<=", 0.25),
    "error": ("squared error in the changed region, of doing nothing", "<=", 0.4),
    "seconds": ("seconds an edit", "<=", 3.0),
}

ANGLES = ("yaw", "pitch", "roll")
_NAMES = tuple(ACTION_UNITS)


def summarise(records: Sequence[Record], facts: dict[str, Any]) -> Report:
    """The report of an evaluation; `truth` stands for the same measured on the true pictures, the measurers' own limit.

    Args:
        records: see `trial.attempt`.
        facts: what was evaluated.
    """
    done = [record for record in records if "failed" not in record]
    of = {kind: [record for record in done if record["kind"] == kind] for kind in KINDS}
    lit, turned = of["light"] + of["combination"], of["pose"] + of["combination"]
    still = of["light"] + of["expression"]
    report: Report = {
        "evaluated": facts,
        "edits": len(records),
        "failed": len(records) - len(done),
        "error": {
            **{kind: pooled_errors(record["photo"] for record in part) for kind, part in {"all": done, **of}.items()},
            "all, the crop as generated": pooled_errors(record["crop"] for record in done),
        },
        "light": {name: median(record["light"][name] for record in lit) for name in OF},
        "light_moved": median(record["kept_light"] for record in lit),
        "pose": {name: _angles(turned, name) for name in OF},
        "units": {name: {each: response(*doses(done, name, each)) for each in OF} for name in _NAMES},
        "off_target": {name: _off_target(of["expression"], name) for name in OF},
        "held": {
            "light": {"edit": median(r["light"]["edit"] for r in of["pose"] + of["expression"]), "truth": 0.0},
            "pose": {name: _angles(still, name) for name in OF},
            "units": {name: _moved(of["light"], name) for name in OF},
        },
        "counts": {
            "light": {name: count(record["light"][name] for record in lit) for name in OF},
            "light_moved": count(record["kept_light"] for record in lit),
            "pose": {name: count(record["angles"][name] for record in turned) for name in OF},
            "held_light": count(r["light"]["edit"] for r in of["pose"] + of["expression"]),
            "held_pose": {name: count(record["angles"][name] for record in still) for name in OF},
            "held_units": count(record["units"] for record in of["light"]),
            "off_target": count(record["units"] for record in of["expression"]),
            "background": [sum(bool(record["background"]["count"]) for record in done), len(records)],
            "edits": [len(done), len(records)],
        },
        "identity": {name: mean_identity([r["identity"][name] for r in done]) for name in OF},
        "background": pooled_background(record["background"] for record in done),
        "seconds": {name: median(r["seconds"][name] for r in done) for name in ("encode", "edit")},
    }
    found = {
        "light": report["light"]["edit"],
        **{name: report["pose"]["edit"][name] for name in ("yaw", "pitch")},
        "off_target": report["off_target"]["edit"],
        "error": report["error"]["all"]["edit_to_nothing"],
        "seconds": report["seconds"]["edit"],
    }
    numbers = {name: goal for name, goal in GOALS.items() if name != "strong_units"}
    goals = reached(numbers, found) | {"strong_units": strong_units(report["units"], GOALS["strong_units"])}
    report["goals"] = {name: goals[name] for name in GOALS}
    report["counts"]["units"] = measured_units(report["units"])
    return report


def doses(records: Sequence[Record], unit: str, of: str) -> tuple[np.ndarray, np.ndarray]:
    """Requested and measured change (N,) of a unit over its single items."""
    place = _NAMES.index(unit)
    found = [
        (record["units_asked"][place], record["units"][of][place])
        for record in records
        if record["unit"] == unit and "failed" not in record
    ]
    return tuple(np.array(found, float).reshape(-1, 2).T)  # type: ignore[return-value]


def _angles(records: Sequence[Record], of: str) -> dict[str, float | None]:
    """Median errors in degrees, by angle."""
    found = [record["angles"][of] for record in records if record["angles"][of] is not None]
    return {name: median(abs(each[place]) for each in found) for place, name in enumerate(ANGLES)}


def _off_target(records: Sequence[Record], of: str) -> float | None:
    return off_target((_NAMES.index(r["unit"]), np.array(r["units"][of])) for r in records)


def _moved(records: Sequence[Record], of: str) -> float | None:
    """Mean measured change of all units where none was asked for."""
    found = [np.abs(record["units"][of]).mean() for record in records]
    return float(np.mean(found)) if found else None
