"""What the edits of a run have changed, measured: a line for each as soon as it is there, and a table of all."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..core.errors import FaceEditError, InputError
from ..core.files import alone, replace_file
from ..facs.action_units import ACTION_UNITS
from ..imaging.images import around, read_image, rgb
from ..measure import Report, get_estimator, measure
from ..measure.compare import psnr
from ..measure.estimators import validation, version_of
from ..provenance.clean import Clean, read_clean
from .folder import FILE, append, inside, read_lines, samples, write_lines
from .run import DONE

LINES, TABLE = "scores.jsonl", "scores.csv"
NOTHING = "N/A"
"""Of what was not measured; 0 is a measurement."""
MARGIN = 1.0
"""Round the face, in its widths: what is measured of a photo."""


def score(
    folder: Path,
    requested: Callable[[Any], Sequence[float] | None],
    *,
    absolute: bool = False,
    estimator: str = "auto",
    progress: bool = True,
) -> Path:
    """Measures what is not measured yet, and writes the table. The edits are left as they are.

    Args:
        folder: of a run.
        requested: from a request as files have it to the 12 changes that it asks for, if it asks for any.
        absolute: it asks for intensities, not changes: what is wanted compares with what is there after the edit. The
            column `wanted_is` says which.
        estimator: who reads the faces; edits that another one, or another version of it, has measured are measured
            again.
        progress: show a bar.

    Returns:
        The path of scores.csv.

    Raises:
        InputError: there is no run, or a line of it is damaged.
    """
    if not (folder / FILE).is_file():
        raise InputError(f"There is no run in {folder}: {FILE} is missing.")
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
    """A line that says what was made, in this folder, and of what."""
    face = row.get("face") or [0, 0, 0, 0]
    right = isinstance(face, list) and len(face) == 4 and all(isinstance(each, (int, float)) for each in face)
    right = right and "request" in row and "photo" in row
    of_text = row.get("photo") is None and isinstance(row.get("prompt"), str)
    if not right or not isinstance(row.get("output"), str) or not (of_text or isinstance(row.get("photo"), str)):
        raise InputError(f"{folder / FILE}: the line of {row['key']!r} is damaged; take it away, and it is made again.")
    inside(folder, row["output"])
    return row


def _measured(folder: Path, row: Mapping[str, Any], estimator: str) -> dict[str, Any]:
    """Numbers of one picture; the reason where there are none. Made from text, it has nothing before."""
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
    except (FaceEditError, ValueError, OverflowError) as error:  # the latter of a face that lies nowhere
        return {"error": str(error).splitlines()[0]}
    found: dict[str, Any] = _units("before", report.units_before) | _units("after", report.units_after)
    found |= _angles("", report.angles_after) | _angles("_change", report.angles_after - report.angles_before)
    found["light_turn"] = None if report.light_turn is None else round(report.light_turn, 1)
    found |= _background(report, clean)
    if report.identity is not None:
        found |= {"identity": round(report.identity.value, 4), "identity_measure": report.identity.measure}
    return found


def _background(report: Report, clean: Clean) -> dict[str, Any]:
    """Of the picture before it was marked, and what the mark costs by itself; nothing where the mark stays."""
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
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({name: NOTHING if row.get(name) is None else row[name] for name in columns})
    replace_file(
        path, lambda file: file.write_text(text.getvalue(), encoding="utf-8", errors="backslashreplace", newline="")
    )
    return path
