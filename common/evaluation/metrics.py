"""Metrics over the records of many items: their type, and those that all editors share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Literal, NamedTuple

import numpy as np

from ..measure.compare import decibels
from .items import NAMES

Record = dict[str, Any]
OF = ("edit", "truth")
STRONG = 0.9
"""Pearson's correlation from which an action unit follows its request."""
RESAMPLES = 200
FEWEST = 5
"""Min items for an interval; fewer say too little about others."""


class Found(NamedTuple):
    """A pooled value.

    Attributes:
        value: None where nothing was measured.
        measured: how many items, or units, it was measured on.
        items: of how many.
        note: comment.
        possible: the best value that unmeasured items could still lead to; None where they do not count.
    """

    value: float | None
    measured: int
    items: int
    note: str = ""
    possible: float | None = None


Pool = Callable[[Sequence[Record], str], Found]


@dataclass(frozen=True)
class Metric:
    """One number of a report.

    Attributes:
        name: key in report.json.
        title: row in the tables.
        unit: of the value, such as "dB"; empty for ratios and counts.
        better: which direction is better; None where neither is.
        pool: the value of all records, of the "edit" or the "truth".
        of: which of both it is stated for; of the truth, it is the limit that an estimator itself sets.
        goal: the value to reach; None where there is no goal.
    """

    name: str
    title: str
    unit: str
    better: Literal["lower", "higher"] | None
    pool: Pool
    of: tuple[str, ...] = OF
    goal: float | None = None

    def report(self, records: Sequence[Record]) -> dict[str, Any]:
        """The metric with its values and, of the edit, its 95 % interval, as plain values."""
        found = {of: self.pool(records, of) for of in self.of}
        values = {
            of: {"value": each.value, "count": [each.measured, each.items], "note": each.note}
            for of, each in found.items()
        }
        head = {"title": self.title, "unit": self.unit, "better": self.better, "goal": self.goal}
        return {**head, **values, "interval": self.interval(records), "reached": self.reached(found["edit"])}

    def interval(self, records: Sequence[Record]) -> list[float] | None:
        """Percentile bootstrap of the edit's value over items, 95 %, always with the same draws."""
        if len(records) < FEWEST or self.pool(records, "edit").value is None:
            return None
        rng = np.random.default_rng(0)
        draws = rng.integers(len(records), size=(RESAMPLES, len(records)))
        found = [self.pool([records[row] for row in rows], "edit").value for rows in draws]
        known = [value for value in found if value is not None]
        if len(known) < 0.95 * RESAMPLES:  # a value that few of the draws have
            return None
        return np.percentile(known, (2.5, 97.5)).tolist()

    def reached(self, found: Found) -> bool | None:
        """Whether the goal is reached; None without a goal, or where too little was measured to say."""
        if self.goal is None or found.value is None:
            return None
        sign = 1 if self.better == "higher" else -1
        if sign * found.value >= sign * self.goal:
            return True
        return None if found.possible is not None and sign * found.possible >= sign * self.goal else False


def with_goals(metrics: Iterable[Metric], goals: Mapping[str, float]) -> tuple[Metric, ...]:
    """The metrics, with goals by name."""
    return tuple(replace(metric, goal=goals.get(metric.name)) for metric in metrics)


# --- pools -----------------------------------------------------------------------------------------------------------


def done(records: Iterable[Record], kinds: Collection[str] | None = None) -> list[Record]:
    """Records of edits that were made, of some kinds or all."""
    return [r for r in records if "failed" not in r and (kinds is None or r["kind"] in kinds)]


def pool_of(
    read: Callable[[Record, str], float | None],
    kinds: Collection[str] | None = None,
    over: Callable[[list[float]], float] = median,
) -> Pool:
    """A pool that takes the median, or another mean, of the values that `read` gives for records of some kinds."""

    def pool(records: Sequence[Record], of: str) -> Found:
        values = [read(record, of) for record in done(records, kinds)]
        known = [value for value in values if value is not None]
        return Found(float(over(known)) if known else None, len(known), len(values))

    return pool


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean as a plain number."""
    return float(np.mean(values))


def pooled_errors(records: Iterable[Mapping[str, float]]) -> dict[str, float | None]:
    """Mean squared errors of `trial.errors`, and their ratios.

    Sums of squares are pooled before they are divided, so that an item in which much changes counts for more.
    """
    total: Counter[str] = Counter()
    for record in records:
        for name, value in record.items():
            total[name] += value  # pyright: ignore[reportArgumentType]
    edit, nothing, vae, count = (total[name] for name in ("edit", "nothing", "vae", "count"))
    return {
        **{name: total[name] / count if count else None for name in ("edit", "nothing", "vae")},
        "edit_to_nothing": edit / nothing if nothing else None,
        "edit_to_vae": edit / vae if vae else None,
        "vae_to_nothing": vae / nothing if nothing else None,
    }


def response(requested: np.ndarray, measured: np.ndarray) -> dict[str, Any]:
    """Of values (N,): "count", Pearson's correlation, and the "slope" of the least-squares line.

    The last two are None where all that was requested is the same, the correlation also where all measured is.
    """
    if len(requested) < 2 or np.ptp(requested) == 0:
        return {"count": len(requested), "pearson": None, "slope": None}
    slope = float(np.polyfit(requested, measured, 1)[0])
    pearson = float(np.corrcoef(requested, measured)[0, 1]) if np.ptp(measured) > 0 else None
    return {"count": len(requested), "pearson": pearson, "slope": slope}


def intensities(
    records: Iterable[Record], unit: str, of: str, *, others: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Requested and measured change (N,) of a unit over its single items; with `others`, over those of all units."""
    place = NAMES.index(unit)
    found = [
        (r["asked"][place], r["units"][of][place])
        for r in done(records)
        if (r["unit"] is not None if others else r["unit"] == unit) and r["units"][of] is not None
    ]
    requested, measured = np.array(found, float).reshape(-1, 2).T
    return requested, measured


def strong_units(records: Sequence[Record], of: str, *, others: bool = False) -> Found:
    """On how many units the correlation is `STRONG` or more; units without a response are neither strong nor weak."""
    responses = [response(*intensities(records, unit, of, others=others)) for unit in NAMES]
    measured = sum(each["slope"] is not None for each in responses)
    strong = sum((each["pearson"] or 0) >= STRONG for each in responses)
    return Found(strong if measured else None, measured, len(NAMES), possible=strong + len(NAMES) - measured)


def off_target(records: Sequence[Record], of: str) -> Found:
    """Mean absolute change of the units that were left alone, over that of the one that was asked for."""
    single = [record for record in done(records) if record["unit"]]
    changes = [(NAMES.index(r["unit"]), r["units"][of]) for r in single if r["units"][of] is not None]
    return Found(spill(changes), len(changes), len(single))


def spill(changes: Iterable[tuple[int, Sequence[float]]]) -> float | None:
    """`off_target` of pairs: which unit was asked for, and the measured change (12,) of all; None without a change."""
    on, off = [], []
    for place, change in changes:
        on.append(abs(change[place]))
        off.append(np.abs(np.delete(change, place)).mean())
    return float(np.mean(off) / np.mean(on)) if on and np.mean(on) > 0 else None


def combined(records: Sequence[Record], of: str) -> Found:
    """Pearson's correlation of requested and measured change over all units of all combinations."""
    every = [record for record in done(records) if not record["unit"]]
    pairs = [(r["asked"], r["units"][of]) for r in every if r["units"][of] is not None]
    if not pairs:
        return Found(None, 0, len(every))
    requested, measured = (np.concatenate(part) for part in zip(*pairs))
    return Found(response(requested, measured)["pearson"], len(pairs), len(every))


def error_ratio(records: Sequence[Record], of: str) -> Found:
    """Squared error after paste-back over that of the unedited input."""
    edited = done(records)
    return Found(pooled_errors(r["photo"] for r in edited)["edit_to_nothing"], len(edited), len(records))


def background_psnr(records: Sequence[Record], of: str) -> Found:
    """PSNR in dB of all backgrounds together; the worst as a note."""
    each = [(b["error"], b["count"]) for b in (r["background"] for r in done(records)) if b["count"]]
    if not each:
        return Found(None, 0, len(records))
    error, count = map(sum, zip(*each))
    worst = min(decibels(error / count) for error, count in each)
    return Found(decibels(error / count), len(each), len(records), f"worst {worst:.2f}")


def mean_identity(records: Sequence[Record], of: str) -> Found:
    """Mean distance or likeness; its network, and the fraction of the same person, as a note.

    Values of two networks do not mix: those of the commonest one count.
    """
    every = [record["identity"][of] for record in done(records)]
    networks = Counter(value["measure"] for value in every if value)
    if not networks:
        return Found(None, 0, len(every))
    network = min(networks, key=lambda name: (-networks[name], name))
    known = [value for value in every if value and value["measure"] == network]
    same = 100 * mean([value["same"] for value in known])
    return Found(mean([v["value"] for v in known]), len(known), len(every), f"{network}, {same:.0f} % the same person")


def _lost(record: Record, of: str) -> float:
    return record["null"]["truth"] - record["null"]["edit"]


STRONG_UNITS = Metric(
    "strong_units", f"action units that follow the request with Pearson {STRONG} or more", "", "higher", strong_units
)
OFF_TARGET = Metric(
    "off_target", "off-target change of action units, over the on-target change", "", "lower", off_target
)
COMBINED = Metric("combined", "Pearson over all units of the combinations", "", "higher", combined)
ERROR = Metric("error", "MSE to the truth over that of the unedited input", "", "lower", error_ratio, ("edit",))
NULL = Metric(
    "null",
    "PSNR of the null edit; of the autoencoder alone",
    "dB",
    "higher",
    pool_of(lambda r, of: r["null"][of], over=mean),
)
NULL_LOSS = Metric(
    "null_loss", "what the null edit loses against the autoencoder", "dB", "lower", pool_of(_lost, over=mean), ("edit",)
)
BACKGROUND = Metric("background", "PSNR of the background", "dB", "higher", background_psnr, ("edit",))
IDENTITY = Metric("identity", "identity to the photo before, mean", "", None, mean_identity)
ENCODE_SECONDS = Metric(
    "encode_seconds", "time to encode a photo", "s", "lower", pool_of(lambda r, of: r["seconds"]["encode"]), ("edit",)
)
SECONDS = Metric("seconds", "time of an edit", "s", "lower", pool_of(lambda r, of: r["seconds"]["edit"]), ("edit",))

METRICS = (STRONG_UNITS, OFF_TARGET, COMBINED, ERROR, NULL, NULL_LOSS, BACKGROUND, IDENTITY, ENCODE_SECONDS, SECONDS)
"""For any editor whose request can be a change of action units, with `trial.MEASURES`."""
