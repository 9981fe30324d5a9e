"""The numbers of a run, counted once: the page shows them, and holds them as JSON too."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...action_units import ACTION_UNITS
from ..run import FAILED
from .doses import Dose, crosstalk, near, out_of_reach
from .failures import MEASUREMENT, Failure, general, reasons
from .gather import Edits, commonest, natural, number

ROWS = 500
"""Of a table at most."""


def summary(edits: Edits, found: Sequence[Dose], failed: Sequence[Failure]) -> dict[str, Any]:
    """All of it, as plain values; what was not measured is None.

    Args:
        edits: the run.
        found: of `doses`.
        failed: of `failures`.
    """
    seconds = [number(row.get("seconds")) for row, done in zip(edits.rows, edits.done) if done]
    known = [value for value in seconds if np.isfinite(value)]
    measured = sum(bool(score) and not score.get("error") for score in edits.scores)
    engines = Counter(str(row.get("engine") or "not told") for row, done in zip(edits.rows, edits.done) if done)
    made = int(edits.done.sum())
    answered = np.flatnonzero(np.isfinite(edits.measured).any(1))
    unmeasured = sum(failure.what == MEASUREMENT for failure in failed)
    texts = len({photo for photo, row in zip(edits.photos, edits.rows) if row.get("photo") is None})
    return {
        "texts": texts, "photos": len(set(edits.photos)), "wishes": len(set(edits.wishes)), "edits": len(edits.rows),
        "done": made, "failed": sum(row["state"] == FAILED for row in edits.rows), "measurer": edits.measurer,
        "photos_measured": len({edits.photos[place] for place in answered}), "measured": measured,
        "not_measurable": unmeasured, "not_measured": made - measured - unmeasured,
        "absolute": edits.absolute, "seconds_median": float(np.median(known)) if known else None,
        "seconds_total": float(np.sum(known)) if known else None,
        "engines": dict(sorted(engines.items(), key=lambda item: (-item[1], item[0]))),
        "dose_error_median": _median(edits.errors), "slope_median": _median(_values(found, "slope")),
        "pearson_median": _median(_values(found, "pearson")), "out_of_reach": out_of_reach(edits),
        "doses": [dose.numbers() for dose in found], "crosstalk": _plain(crosstalk(edits)),
        "coverage": coverage(edits), "spread": spread(edits),
        "reasons": [{"what": what, "why": why, "count": count} for what, why, count in reasons(failed)],
        "advice": advice(edits), "files": dict(edits.files), "settings": dict(edits.settings),
    }  # fmt: skip


def coverage(edits: Edits) -> dict[str, Any]:
    """How many edits were made of each unit at each intensity; by whole intensities where there are many."""
    wanted = np.where(edits.wished, edits.wanted, np.nan)[edits.done]
    told = near(wanted)
    levels = np.unique(told[np.isfinite(told)])
    counts = [[int((told[:, place] == level).sum()) for level in levels] for place in range(len(ACTION_UNITS))]
    several = (edits.wished[edits.done].sum(1) > 1).sum()
    none = (~edits.wished[edits.done].any(1)).sum()
    return {"levels": [float(level) + 0.0 for level in levels], "counts": counts, "several": int(several),
            "none": int(none)}  # fmt: skip


def spread(edits: Edits) -> dict[str, Any]:
    """Of what else was measured: how many, how many not, median, and the middle half."""
    names = ("background_psnr", "yaw_change", "pitch_change", "roll_change", "light_turn")
    found = {name: _of(edits, edits.column(name)) for name in names}
    measure, values = likeness(edits)
    return {"identity": {"measure": measure, **_of(edits, values)}, **found}


def likeness(edits: Edits) -> tuple[str | None, np.ndarray]:
    """The commonest measure of identity, and its values (N,); two measures do not mix."""
    counts = Counter(str(score["identity_measure"]) for score in edits.scores if score.get("identity_measure"))
    if (measure := commonest(counts)) is None:
        return None, np.full(len(edits.rows), np.nan)
    own = np.array([score.get("identity_measure") == measure for score in edits.scores], bool)
    return measure, np.where(own, edits.column("identity"), np.nan)


def advice(edits: Edits) -> list[dict[str, Any]]:
    """What was doubtful about how many photos."""
    counts = Counter(text for lines in _told(edits).values() for text in {general(line) for line in lines})
    return [{"advice": text, "photos": count} for text, count in sorted(counts.items(), key=lambda own: (-own[1], own))]


def table(edits: Edits, names: Sequence[str], told: Mapping[str, str]) -> dict[str, Any]:
    """Edits brought together by a name each, for reading.

    Args:
        edits: the run.
        names: (N,) of photos or wishes.
        told: name -> what stands beside it.

    Returns:
        "count" of all names and "rows" of at most `ROWS`: where there are more, those with the largest dose errors.
    """
    own: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        own.setdefault(name, []).append(place)
    columns = edits.errors, likeness(edits)[1], edits.column("background_psnr")
    rows = []
    for name in sorted(own, key=natural):
        places = own[name]
        made = int(edits.done[places].sum())
        medians = [_median(column[places]) for column in columns]
        rows.append([name, made, len(places) - made, *medians, told.get(name, "")])
    if len(rows) > ROWS:
        rows.sort(key=lambda row: -1.0 if row[3] is None else row[3], reverse=True)
    return {"count": len(rows), "rows": rows[:ROWS]}


def wish_texts(edits: Edits) -> dict[str, str]:
    """Wishes as their file had them, by name; the photo that comes first has the word."""
    found: dict[str, str] = {}
    for name, row in zip(edits.wishes, edits.rows):
        wish = row.get("wish")
        found.setdefault(name, (wish if isinstance(wish, str) else json.dumps(wish, ensure_ascii=False))[:200])
    return found


def photo_doubts(edits: Edits) -> dict[str, str]:
    """What was doubtful about photos, and prompts where there are none, by name."""
    found = {photo: row["prompt"] for photo, row in zip(edits.photos, edits.rows) if isinstance(row.get("prompt"), str)}
    found |= {photo: "; ".join(lines) for photo, lines in _told(edits).items()}
    return {photo: text[:200] for photo, text in found.items()}


def _told(edits: Edits) -> dict[str, list[str]]:
    told = {}
    for photo, row in zip(edits.photos, edits.rows):
        if isinstance(lines := row.get("advice"), list) and lines:
            told[photo] = [str(line) for line in lines]
    return told


def _of(edits: Edits, values: np.ndarray) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    if not len(known):
        return {"count": 0, "missing": int(edits.done.sum()), "median": None, "low": None, "high": None}
    low, median, high = (float(value) for value in np.percentile(known, (25, 50, 75)))
    return {"count": len(known), "missing": int(edits.done.sum()) - len(known), "median": median, "low": low,
            "high": high}  # fmt: skip


def _median(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None


def _values(found: Sequence[Dose], name: str) -> np.ndarray:
    return np.array([number(getattr(dose, name)) for dose in found])


def _plain(values: np.ndarray) -> list[list[float | None]]:
    return [[float(value) if np.isfinite(value) else None for value in row] for row in values]
