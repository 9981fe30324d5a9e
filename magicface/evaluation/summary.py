"""Many items' records as one report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from common.evaluation.responses import combined, mean_identity, off_target, response

from .trial import Record

Report = dict[str, Any]
"""What `summarise` returns: plain values, fit for JSON, None where there was nothing to measure."""

GOALS: Goals = {
    "strong_units": ("action units with a dose response of Pearson 0.9 or more", ">=", 10),
    "off_target": ("off-target change, of the on-target change", "<=", 0.25),
    "error": ("squared error in the changed region, of doing nothing", "<=", 0.35),
    "zero_loss": ("what a wish of zero loses against the autoencoder, dB", "<=", 1.0),
    "background": ("PSNR of the background, dB", ">=", 35.0),
    "seconds": ("seconds an edit", "<=", 3.0),
}
_NAMES = tuple(ACTION_UNITS)


def summarise(records: Sequence[Record], facts: dict[str, Any]) -> Report:
    """The report of an evaluation.

    `truth` stands for the same measured on the true pictures: what the measurer itself could reach.

    Args:
        records: see `trial.attempt`.
        facts: what was evaluated.
    """
    done = [record for record in records if "failed" not in record]
    singles = [record for record in done if record["unit"]]
    units = {name: _unit(name, [r for r in singles if r["unit"] == name]) for name in _NAMES}
    report: Report = {
        "evaluated": facts,
        "edits": len(records),
        "without_face": len(records) - len(done),
        "error": {
            "photo": pooled_errors(r["photo"] for r in done),
            "crop": pooled_errors(r["crop"] for r in done),
            "singles": pooled_errors(r["photo"] for r in singles),
            "combinations": pooled_errors(r["photo"] for r in done if not r["unit"]),
        },
        "zero": _zero(done),
        "background": pooled_background(r["background"] for r in done),
        "units": units,
        "off_target": {name: _off_target(singles, name) for name in ("edit", "truth")},
        "combined": {name: _combined([r for r in done if not r["unit"]], name) for name in ("edit", "truth")},
        "counts": {
            "units": measured_units(units),
            "off_target": {name: count(change(r, name) for r in singles) for name in ("edit", "truth")},
            "combined": {name: count(change(r, name) for r in done if not r["unit"]) for name in ("edit", "truth")},
            "background": [sum(bool(r["background"]["count"]) for r in done), len(records)],
            "edits": [len(done), len(records)],
        },
        "identity": {name: mean_identity([r["identity"][name] for r in done]) for name in ("edit", "truth")},
        "seconds": {name: median(r["seconds"][name] for r in done) for name in ("encode", "edit")},
    }
    found = {
        "off_target": report["off_target"]["edit"],
        "error": report["error"]["photo"]["edit_to_nothing"],
        "zero_loss": report["zero"]["loss"],
        "background": report["background"]["psnr"],
        "seconds": report["seconds"]["edit"],
    }
    numbers = {name: goal for name, goal in GOALS.items() if name != "strong_units"}
    goals = reached(numbers, found) | {"strong_units": strong_units(units, GOALS["strong_units"])}
    report["goals"] = {name: goals[name] for name in GOALS}
    return report


def change(record: Record, name: str) -> np.ndarray | None:
    """Measured change (12,) of the edit or the truth; None where a face was not seen."""
    units = record["units"]
    missing = units["before"] is None or units[name] is None
    return None if missing else np.subtract(units[name], units["before"])


def doses(records: Iterable[Record], unit: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Requested and measured change (N,) of a unit over its single items."""
    place = _NAMES.index(unit)
    found = [(r["wish"][place], c[place]) for r in records if r["unit"] == unit and (c := change(r, name)) is not None]
    return tuple(np.array(found, float).reshape(-1, 2).T)  # type: ignore[return-value]


def _unit(unit: str, records: list[Record]) -> dict[str, Any]:
    responses = {name: response(*doses(records, unit, name)) for name in ("edit", "truth")}
    error = pooled_errors(r["photo"] for r in records)
    return {**responses, "items": len(records), "error": error["edit_to_nothing"], "floor": error["vae_to_nothing"]}


def _off_target(singles: list[Record], name: str) -> float | None:
    found = [(_NAMES.index(r["unit"]), c) for r in singles if (c := change(r, name)) is not None]
    return off_target(found)


def _combined(records: list[Record], name: str) -> float | None:
    return combined([(r["wish"], list(c)) for r in records if (c := change(r, name)) is not None])


def _zero(records: list[Record]) -> dict[str, float | None]:
    if not records:
        return {"psnr": None, "vae": None, "loss": None}
    edit, vae = (np.mean([r["zero"][name] for r in records]) for name in ("edit", "vae"))
    return {"psnr": float(edit), "vae": float(vae), "loss": float(vae - edit)}
