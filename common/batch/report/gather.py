"""A run read from its folder: lines, scores and settings, and their numbers as arrays."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ...core.errors import FaceEditError, InputError
from ...core.files import alone, sha256
from ...core.jsonio import parse_json, read_text
from ...facs.action_units import ACTION_UNITS
from ...measure.estimators import NOT_STATED
from ..folder import FILE, MADE, SETTINGS, check_run, read_lines, samples
from ..names import original
from ..run import DONE
from ..scores import LINES

Row = Mapping[str, Any]
Name = TypeVar("Name", str, tuple[str, str])
Requested = Callable[[Any], Sequence[float] | None]


@dataclass(frozen=True, eq=False)
class Edits:
    """A run. What was not measured is None in a line and NaN in an array, never 0.

    Attributes:
        rows: a line of each edit, by photo and request.
        scores: what was measured of each, by the same estimator; empty where nothing was.
        wanted: (N, 12) action units that were requested; NaN where a request names none.
        absolute: requests are intensities, and not changes.
        estimator: the AU estimator; None where nothing is measured.
        estimator_version: its package and weights; None likewise.
        files: name -> SHA-256 of the files that the numbers are of.
        notes: sentences on what could not be used.
        engine: whose edits count as made; None for all.
    """

    folder: Path
    rows: Sequence[Row]
    scores: Sequence[Row]
    wanted: np.ndarray
    absolute: bool
    settings: Row
    estimator: str | None
    estimator_version: str | None
    files: Mapping[str, str]
    notes: list[str] = field(default_factory=list)
    engine: str | None = None

    @cached_property
    def done(self) -> np.ndarray:
        """(N,) which edits were made, by `engine` where one is named."""
        return np.array([row["state"] == DONE and self.engine in (None, engine_of(row)) for row in self.rows], bool)

    @property
    def made(self) -> list[dict[str, Any]]:
        """When and on what the run was made, see `common.batch.folder.MADE`."""
        found = self.settings.get(MADE)
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    @cached_property
    def engines(self) -> list[str]:
        """Names of the engines that made edits, the one that made most first."""
        counts = Counter(engine_of(row) for row, done in zip(self.rows, self.done) if done)
        return sorted(counts, key=lambda name: (-counts[name], name))

    def of(self, engine: str) -> Edits:
        """The same rows, of which only the edits of one engine count as made: numbers of two never mix."""
        return replace(self, engine=engine)

    @cached_property
    def photos(self) -> list[str]:
        """(N,) names, as their files have them."""
        return [original(row["key"].partition("/")[0]) for row in self.rows]

    @cached_property
    def requests(self) -> list[str]:
        """(N,) names, as their file has them."""
        return [original(row["key"].partition("/")[2]) for row in self.rows]

    @cached_property
    def before(self) -> np.ndarray:
        """(N, 12) intensities in the photos."""
        return np.stack([self.column(f"{unit}_before") for unit in ACTION_UNITS], 1)

    @cached_property
    def measured(self) -> np.ndarray:
        """(N, 12) what answers the request: changes, or where requests are absolute, intensities."""
        after = np.stack([self.column(f"{unit}_after") for unit in ACTION_UNITS], 1)
        return after if self.absolute else after - self.before

    @cached_property
    def errors(self) -> np.ndarray:
        """(N,) intensity errors: mean of |measured - wanted| over the units that an edit requests; NaN where none is
        known.
        """
        off = np.where(self.requested, np.abs(self.measured - self.wanted), np.nan)
        known = np.isfinite(off)
        known &= self.done[:, None]
        return np.where(known.any(1), np.where(known, off, 0).sum(1) / np.maximum(known.sum(1), 1), np.nan)

    @cached_property
    def requested(self) -> np.ndarray:
        """(N, 12) which units an edit requests."""
        return np.nan_to_num(self.wanted) != 0

    def column(self, name: str) -> np.ndarray:
        """(N,) numbers of the scores of edits that were made."""
        values = np.array([number(score.get(name)) for score in self.scores], float)
        return np.where(self.done, values, np.nan)


def engine_of(row: Row) -> str:
    """What made an edit, by its line."""
    return str(row.get("engine") or "not stated")


def number(value: Any) -> float:
    """A plain number; NaN for all else."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else float("nan")


def gather(folder: Path, requested: Requested, absolute: bool = False) -> Edits:
    """Reads a run.

    See `common.batch.report.page.report`. Raises InputError: there is no run, it has no line, a line is damaged, or a
    process writes to it.
    """
    check_run(folder)
    with alone(folder):
        rows = sorted(samples(folder).values(), key=lambda row: natural(row["key"]))
        scored = read_lines(folder / LINES)
        names = [name for name in (FILE, LINES, SETTINGS) if (folder / name).is_file()]
        files = {name: sha256(folder / name) for name in names}
    if not rows:
        raise InputError(f"The run in {folder} has no edit yet.", code="empty")
    notes: list[str] = []
    estimator, version, scores = _scores(rows, scored, notes)
    wanted = _wanted(rows, requested, notes)
    return Edits(folder, rows, scores, wanted, absolute, _settings(folder, notes), estimator, version, files, notes)


def commonest(counts: Mapping[Name, int]) -> Name | None:
    """The name with the largest count; of equals the first by the alphabet, of none None."""
    return min(counts, key=lambda name: (-counts[name], name), default=None)


def natural(text: str) -> tuple[tuple[int, str], ...]:
    """To sort by, so that AU4 comes before AU12."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d{1,15})", text))


def _scores(
    rows: Sequence[Row], scored: Mapping[str, Row], notes: list[str]
) -> tuple[str | None, str | None, Sequence[Row]]:
    """The commonest estimator and version, and what they measured: readings of two do not mix."""
    found = [scored.get(row["key"], {}) if row["state"] == DONE else {} for row in rows]
    readers = [_reader(score) for score in found]
    counts = Counter(reader for reader in readers if reader is not None)
    if (first := commonest(counts)) is None:
        return None, None, found
    if others := counts.total() - counts[first]:
        notes.append(f"{others:,} edits count as not measured: their estimator or version is not {', '.join(first)}.")
    return *first, [score if reader == first else {} for score, reader in zip(found, readers)]


def _reader(score: Row) -> tuple[str, str] | None:
    """The estimator and its version."""
    named = score.get("estimator")
    return (str(named), str(score.get("estimator_version") or NOT_STATED)) if named else None


def _wanted(rows: Sequence[Row], requested: Requested, notes: list[str]) -> np.ndarray:
    wanted, unread = np.full((len(rows), len(ACTION_UNITS)), np.nan), 0
    for place, row in enumerate(rows):
        try:
            vector = requested(row.get("request"))
        except (FaceEditError, TypeError, ValueError, AttributeError):  # lines may come from anywhere
            unread += 1
            continue
        if vector is not None:
            wanted[place] = vector
    if unread:
        notes.append(f"The requests of {unread:,} edits could not be read; they count as naming no action unit.")
    return wanted


def _settings(folder: Path, notes: list[str]) -> Row:
    try:
        found = parse_json(read_text(folder / SETTINGS))
        if isinstance(found, Mapping):
            return found
        notes.append(f"{SETTINGS} holds no settings.")
    except (OSError, ValueError) as error:
        notes.append(f"The settings are not known: {SETTINGS} cannot be read ({type(error).__name__}).")
    return {}
