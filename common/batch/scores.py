"""Measurements of a run's edits: a line for each as soon as it is measured, and a table of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..core.errors import FaceEditError, InputError
from ..core.files import alone, replace_file
from ..evaluation.report import csv_text
from ..facs.action_units import ACTION_UNITS
from ..imaging.images import around, read_image, rgb
from ..measure import Report, get_estimator, measure
from ..measure.compare import psnr
from ..measure.estimators import validation, version_of
from ..provenance.clean import Clean, read_clean
from .folder import FILE, append, check_run, inside, read_lines, samples, write_lines
from .run import DONE

LINES, TABLE = "scores.jsonl", "scores.csv"
NOTHING = "N/A"
"""In place of a missing measurement; 0 is a measurement."""
MARGIN = 1.0
"""Margin around the face, in its widths, of the part of a photo that is measured."""


def score(
    folder: Path,
    requested: Callable[[Any], Sequence[float] | None],
    *,
    absolute: bool = False,
    estimator: str = "auto",
    progress: bool = True,
) -> Path:
    """Measures the edits that have no scores of this estimator and version, and returns the path of scores.csv.

    Args:
        folder: of a run.
        requested: parses a request of a file to the 12 units that it names; None where it names none.
        absolute: requests are intensities, compared with those after the edit, not changes; see column `wanted_is`.
        estimator: name of the AU estimator.
        progress: show a bar.

    Raises:
        InputError: there is no run, or a line of it is damaged.
    """
    check_run(folder)
    reader = get_estimator(estimator)
    by = {"estimator": reader.name, "estimator_version": version_of(reader)}
    with alone(folder):
        done = [_checked(folder, row) for row in samples(folder).values() if row.get("state") == DONE]
        lines, scores = folder / LINES, read_lines(folder / LINES)
        left = [row for row in done if not by.items() <= scores.get(row["key"], {}).items()]
        if left:
            write_lines(lines, scores.values())  # without a line that was cut off
        for row in tqdm(left, unit="score", disable=not progress):
            wanted = _wanted(requested(row["request"]), absolute)
            scores[row["key"]] = {"key": row["key"], **by, **wanted, **_measured(folder, row, estimator)}
            append(lines, scores[row["key"]])
        rows = [_flat(row, scores[row["key"]]) for row in done]
        return _write(folder / TABLE, rows)


def _wanted(values: Sequence[float] | None, absolute: bool) -> dict[str, Any]:
    if values is None:
        return {}
    return {"wanted_is": "intensity" if absolute else "change"} | {
        f"{u}_wanted": v for u, v in zip(ACTION_UNITS, values)
    }


def _checked(folder: Path, row: dict[str, Any]) -> dict[str, Any]:
    """A line with valid paths of an edit and its photo."""
    face = row.get("face") or [0, 0, 0, 0]
    right = isinstance(face, list) and len(face) == 4 and all(isinstance(each, (int, float)) for each in face)
    right = right and "request" in row and "photo" in row
    of_text = row.get("photo") is None and isinstance(row.get("prompt"), str)
    if not right or not isinstance(row.get("output"), str) or not (of_text or isinstance(row.get("photo"), str)):
        raise InputError(
            f"{folder / FILE}: the line of {row['key']!r} is damaged.",
            code="damaged",
            hint="delete the line; the edit is made again",
        )
    inside(folder, row["output"])
    return row


def _measured(folder: Path, row: Mapping[str, Any], estimator: str) -> dict[str, Any]:
    """Numbers of one picture, or an error; a picture from text has no measurements before the edit."""
    try:
        if row["photo"] is None:
            seen = get_estimator(estimator)(read_clean(folder / row["output"]).image)
            return _units("after", seen.units) | _angles("", seen.angles)
        before = read_image(row["photo"])
        clean = read_clean(folder / row["output"], rgb(before))
        after = clean.image
        if row.get("face") and before.size == after.size:
            box = np.array(row["face"], np.float32)
            before, after = (around(each, box, MARGIN)[0] for each in (before, after))
        report = measure(before, after, estimator=estimator)
    except (FaceEditError, ValueError, OverflowError) as error:  # OverflowError for a face far outside
        return {"error": str(error).splitlines()[0]}
    found: dict[str, Any] = _units("before", report.units_before) | _units("after", report.units_after)
    found |= _angles("", report.angles_after) | _angles("_change", report.angles_after - report.angles_before)
    found["light_turn"] = None if report.light_turn is None else round(report.light_turn, 1)
    found |= _background(report, clean)
    if report.identity is not None:
        found |= {"identity": round(report.identity.value, 4), "identity_measure": report.identity.measure}
    return found


def _background(report: Report, clean: Clean) -> dict[str, Any]:
    """PSNR of the background without the watermark, and of the watermark alone; None where it cannot be removed."""
    if clean.problem:
        return {"background_psnr": None, "mark_psnr": None, "mark_problem": clean.problem}
    found = {"background_psnr": report.background_psnr, "mark_psnr": None}
    if clean.marked is not None:
        found["mark_psnr"] = psnr(clean.pixels, clean.marked, np.ones(clean.marked.shape[:2], bool))
    return {name: None if value is None else round(value, 1) for name, value in found.items()}


def _units(when: str, values: np.ndarray) -> dict[str, float]:
    return {f"{unit}_{when}": round(value, 3) for unit, value in zip(ACTION_UNITS, values.tolist())}


def _angles(what: str, degrees: np.ndarray) -> dict[str, float]:
    return {f"{name}{what}": round(value, 2) for name, value in zip(("yaw", "pitch", "roll"), degrees.tolist())}


def _flat(row: Mapping[str, Any], scored: Mapping[str, Any]) -> dict[str, Any]:
    photo, _, request = row["key"].partition("/")
    known = {name: row.get(name) for name in ("output", "prompt", "engine", "seconds")}
    found = {name: scored[name] for name in scored if name != "key"}
    return {"photo": photo, "request": request, **known, **found, "validation": validation(scored["estimator"])}


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    units = [f"{unit}_{what}" for unit in ACTION_UNITS for what in ("before", "after", "wanted")]
    columns = ["photo", "request", "output", "prompt", "engine", "seconds"]
    columns += ["estimator", "estimator_version", "validation", "wanted_is", *units]
    columns += [f"{name}{what}" for what in ("", "_change") for name in ("yaw", "pitch", "roll")]
    columns += ["light_turn", "background_psnr", "mark_psnr", "identity", "identity_measure", "mark_problem", "error"]
    text = csv_text(rows, columns, NOTHING)
    replace_file(path, lambda file: file.write_text(text, encoding="utf-8", errors="backslashreplace", newline=""))
    return path
