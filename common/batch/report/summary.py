"""The numbers of a run, counted once: the page shows them, and holds them as JSON too."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...facs.action_units import ACTION_UNITS
from ...measure.estimators import validation
from ..folder import MADE
from ..run import DONE, FAILED
from .choice import MEASUREMENT, Failure, general, reasons
from .doses import Dose, crosstalk, near, out_of_reach
from .gather import Edits, commonest, engine_of, natural, number

ROWS = 500
"""Of a table at most."""


def summary(edits: Edits, found: Mapping[str, Sequence[Dose]], failed: Sequence[Failure]) -> dict[str, Any]:
    """Counts of the run, and under "results" the numbers of each engine, see `result`; None where nothing was measured.

    `found` is engine -> `doses`, `failed` of `failures`.
    """
    measured = sum(bool(score) and not score.get("error") for score in edits.scores)
    made = int(edits.done.sum())
    answered = np.flatnonzero(np.isfinite(edits.measured).any(1))
    unmeasured = sum(failure.what == MEASUREMENT for failure in failed)
    texts = len({photo for photo, row in zip(edits.photos, edits.rows) if row.get("photo") is None})
    own = {engine: edits.of(engine) for engine in edits.engines}
    settings = {name: value for name, value in edits.settings.items() if name != MADE}
    return {
        "texts": texts,
        "photos": len(set(edits.photos)),
        "requests": len(set(edits.requests)),
        "edits": len(edits.rows),
        "done": made,
        "failed": sum(row["state"] == FAILED for row in edits.rows),
        "estimator": edits.estimator,
        "estimator_version": edits.estimator_version,
        "validation": None if edits.estimator is None else validation(edits.estimator),
        "photos_measured": len({edits.photos[place] for place in answered}),
        "measured": measured,
        "not_measurable": unmeasured,
        "not_measured": made - measured - unmeasured,
        "absolute": edits.absolute,
        "engines": {engine: int(each.done.sum()) for engine, each in own.items()},
        "results": [result(each, found[engine]) for engine, each in own.items()],
        "reasons": [{"what": what, "why": why, "count": count} for what, why, count in reasons(failed)],
        "warnings": warnings(edits),
        "files": dict(edits.files),
        "settings": _flat(settings),
        "made": edits.made,
    }


def result(edits: Edits, found: Sequence[Dose]) -> dict[str, Any]:
    """The numbers of one engine's edits.

    Returns:
        Plain values. Each headline is a distribution (see `distribution`) over edits or units; "units" names the units.
    """
    made = np.flatnonzero(edits.done).tolist()
    seconds = np.array([number(edits.rows[place].get("seconds")) for place in made])
    known = seconds[np.isfinite(seconds)]
    measure, alike = likeness(edits)
    requesting = edits.done & edits.requested.any(1)
    headlines = {
        "slope": _of_units(found, "slope"),
        "pearson": _of_units(found, "pearson"),
        "intensity_error": distribution(edits.errors[requesting]),
        "identity": {"measure": measure, **distribution(alike[edits.done])},
        "seconds": distribution(seconds),
    }
    return {
        "engine": edits.engine,
        "headlines": headlines,
        "seconds_total": float(known.sum()) if len(known) else None,
        "out_of_reach": out_of_reach(edits),
        "doses": [dose.numbers() for dose in found],
        "crosstalk": _plain(crosstalk(edits)),
        "coverage": coverage(edits),
        "spread": spread(edits),
    }


def distribution(values: np.ndarray) -> dict[str, Any]:
    """Of values (N,), NaN where nothing was measured: "count" of the known ones, "of" N, median, and quartiles.

    The last three, "median", "low" and "high", are None where no value is known.
    """
    known = values[np.isfinite(values)]
    low, median, high = np.percentile(known, (25, 50, 75)).tolist() if len(known) else (None,) * 3
    return {"count": len(known), "of": len(values), "median": median, "low": low, "high": high}


def _of_units(found: Sequence[Dose], name: str) -> dict[str, Any]:
    values = np.array([number(getattr(dose, name)) for dose in found])
    units = [dose.unit for dose, value in zip(found, values) if np.isfinite(value)]
    return {**distribution(values), "units": units, "not_measured": [d.unit for d in found if d.unit not in units]}


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not None; a table, such as the hashes of weights, as one setting for each of its names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}: {key}": each for key, each in value.items()}
        elif value is not None:
            flat[name] = value
    return flat


def coverage(edits: Edits) -> dict[str, Any]:
    """How many edits were made of each unit at each intensity; by whole intensities where there are many."""
    wanted = np.where(edits.requested, edits.wanted, np.nan)[edits.done]
    dose = near(wanted)
    levels = np.unique(dose[np.isfinite(dose)])
    counts = [[int((dose[:, place] == level).sum()) for level in levels] for place in range(len(ACTION_UNITS))]
    units = edits.requested[edits.done].sum(1)
    several = int((units > 1).sum())
    none = int((units == 0).sum())
    return {"levels": (levels + 0.0).tolist(), "counts": counts, "several": several, "none": none}


def spread(edits: Edits) -> dict[str, Any]:
    """The distributions of background, pose and light, see `distribution`."""
    names = ("background_psnr", "mark_psnr", "yaw_change", "pitch_change", "roll_change", "light_turn")
    return {name: distribution(edits.column(name)[edits.done]) for name in names}


def likeness(edits: Edits) -> tuple[str | None, np.ndarray]:
    """The commonest measure of identity, and its values (N,); two measures do not mix."""
    scores = [score for score, done in zip(edits.scores, edits.done) if done]
    counts = Counter(str(score["identity_measure"]) for score in scores if score.get("identity_measure"))
    if (measure := commonest(counts)) is None:
        return None, np.full(len(edits.rows), np.nan)
    own = np.array([score.get("identity_measure") == measure for score in edits.scores], bool)
    return measure, np.where(own, edits.column("identity"), np.nan)


def warnings(edits: Edits) -> list[dict[str, Any]]:
    """Which photo warnings how many photos have."""
    counts = Counter(text for lines in _photo_warnings(edits).values() for text in {general(line) for line in lines})
    return [
        {"warnings": text, "photos": count} for text, count in sorted(counts.items(), key=lambda own: (-own[1], own))
    ]


def table(edits: Edits, names: Sequence[str], notes: Mapping[str, str]) -> dict[str, Any]:
    """Edits brought together by a name and an engine each, for reading.

    `names` (N,) are of photos or requests; `notes` is name -> the text of its last column.

    Returns:
        "count" of all names and "rows" of at most `ROWS`: of more, those with the largest intensity errors.
    """
    engines = [engine_of(row) if row["state"] == DONE else None for row in edits.rows]
    own: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        own.setdefault(name, []).append(place)
    columns = edits.errors, likeness(edits)[1], edits.column("background_psnr")
    rows = []
    for name in sorted(own, key=natural):
        failed = sum(edits.rows[place]["state"] == FAILED for place in own[name])
        here = {engines[place] for place in own[name]}
        for engine in [each for each in edits.engines if each in here] or [None]:
            places = [place for place in own[name] if engines[place] == engine]
            made = int(edits.done[places].sum())
            medians = [distribution(column[places])["median"] for column in columns]
            rows.append([name, engine or "none", made, failed, *medians, notes.get(name, "")])
            failed = 0  # no engine's own; counted once
    if len(rows) > ROWS:
        rows.sort(key=lambda row: -1.0 if row[4] is None else row[4], reverse=True)
    return {"count": len(own), "of": len(rows), "rows": rows[:ROWS]}


def request_texts(edits: Edits) -> dict[str, str]:
    """Requests as their file had them, by name; those of the first photo count."""
    found: dict[str, str] = {}
    for name, row in zip(edits.requests, edits.rows):
        request = row.get("request")
        found.setdefault(name, (request if isinstance(request, str) else json.dumps(request, ensure_ascii=False))[:200])
    return found


def photo_notes(edits: Edits) -> dict[str, str]:
    """Photo warnings, or prompts where there are no photos, by name."""
    found = {photo: row["prompt"] for photo, row in zip(edits.photos, edits.rows) if isinstance(row.get("prompt"), str)}
    found |= {photo: "; ".join(lines) for photo, lines in _photo_warnings(edits).items()}
    return {photo: text[:200] for photo, text in found.items()}


def _photo_warnings(edits: Edits) -> dict[str, list[str]]:
    found = {}
    for photo, row in zip(edits.photos, edits.rows):
        if isinstance(lines := row.get("warnings"), list) and lines:
            found[photo] = [str(line) for line in lines]
    return found


def _plain(values: np.ndarray) -> list[list[float | None]]:
    return [[float(value) if np.isfinite(value) else None for value in row] for row in values]
