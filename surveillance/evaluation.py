"""Scores of days beside what people say: as rankings, and as calls by a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn import metrics

from common.errors import InputError

from .calls import threshold
from .maps import WEEKDAYS

YEAR = 365
"""Recorded days that the first window has."""
DRAWS = 1000


@dataclass(frozen=True, eq=False)
class Method:
    """A way to tell unusual days.

    Attributes:
        scores: of days, larger is more unusual; nan where it has none.
        called: True where it says so by itself; None takes a causal threshold of the scores, see `calls`.
        tuned: it has seen the labels, so that it is a bound and no method.
    """

    scores: pd.Series
    called: pd.Series | None = None
    tuned: bool = False


def windows(recorded: pd.DatetimeIndex) -> dict[str, pd.DatetimeIndex]:
    """Name -> days: P1 the first 365 recorded ones, P2 the first calendar year, P3 all."""
    return {"P1": recorded[:YEAR], "P2": recorded[recorded.year == recorded[0].year], "P3": recorded}


def baselines(volume: pd.DataFrame, truth: pd.Series) -> dict[str, Method]:
    """What any method has to beat: every day, one weekday (the one with the largest share of unusual days, which only
    the labels tell), and volume.

    Args:
        volume: tracks and points of each day.
        truth: of `read_truth`.
    """
    days = pd.DatetimeIndex(volume.index)
    known = truth.reindex(days).dropna().astype(bool)
    weekday = int(known.groupby(pd.DatetimeIndex(known.index).day_of_week).mean().idxmax())
    always, market = pd.Series(True, days), pd.Series(days.day_of_week == weekday, days)
    return {
        "every day": Method(always.astype(float), always, tuned=False),
        f"it is {WEEKDAYS[weekday]}": Method(market.astype(float), market, tuned=True),
        "tracks": Method(volume["tracks"].astype(float)),
        "points": Method(volume["points"].astype(float)),
    }


def evaluate(
    methods: Mapping[str, Method], truth: pd.Series, days: pd.DatetimeIndex, *, draws: int = DRAWS, seed: int = 0
) -> pd.DataFrame:
    """A row for each method and slice of the days: all, each weekday, and all but the weekday with most unusual days.

    Args:
        methods: name -> see `Method`.
        truth: of `read_truth`.
        days: that count, of those that are labelled and scored.
        draws: of the bootstrap, by weeks, for the intervals of AUC and F1 over all days; 0 for none.
        seed: of them.

    Returns:
        Columns: method, slice, days, unusual, auc, average_precision, and of the calls precision, recall, f1, hits,
        false_alarms, missed; of the best threshold, which the labels chose, best_f1; auc_low, auc_high, f1_low,
        f1_high.

    Raises:
        InputError: no day is labelled.
    """
    rows = []
    for name, method in methods.items():
        called = method.called if method.called is not None else method.scores > threshold(method.scores)
        table = pd.DataFrame({"score": method.scores, "called": called, "truth": truth})
        table = table.loc[table.index.intersection(days)].dropna()
        if table.empty:
            raise InputError(f"No day is both labelled and scored by {name!r}.")
        table = table.astype({"called": bool, "truth": bool})
        for part, own in slices(table).items():
            row = {"method": name, "slice": part, **measures(own), "tuned": method.tuned}
            if part == "all days" and draws:
                row |= _intervals(own, draws, seed)
            rows.append(row)
    return pd.DataFrame(rows)


def slices(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """All days, all but those of the weekday with most unusual ones, and each weekday."""
    weekday = pd.DatetimeIndex(table.index).day_of_week
    counts = table["truth"].groupby(weekday).sum()
    most = int(counts.idxmax())
    parts = {"all days": table, f"without {WEEKDAYS[most]}s": table[weekday != most]}
    return parts | {WEEKDAYS[number]: table[weekday == number] for number in sorted(set(weekday))}


def measures(table: pd.DataFrame) -> dict[str, float]:
    """Of rows of score, called and truth; nan for what needs days of both kinds where there is one."""
    score, called, truth = (table[name].to_numpy() for name in ("score", "called", "truth"))
    hits, alarms, missed = (truth & called).sum(), (~truth & called).sum(), (truth & ~called).sum()
    found: dict[str, float] = {
        "days": len(table), "unusual": int(truth.sum()), "hits": int(hits), "false_alarms": int(alarms),
        "missed": int(missed), "precision": _share(hits, hits + alarms), "recall": _share(hits, hits + missed),
        "f1": _share(2 * hits, 2 * hits + alarms + missed),
        **dict.fromkeys(("auc", "average_precision", "best_f1"), np.nan),
    }  # fmt: skip
    if 0 < truth.sum() < len(truth):
        precision, recall, _ = metrics.precision_recall_curve(truth, score)
        best = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        found |= {
            "auc": float(metrics.roc_auc_score(truth, score)),
            "average_precision": float(metrics.average_precision_score(truth, score)), "best_f1": float(best.max()),
        }  # fmt: skip
    return found


def _intervals(table: pd.DataFrame, draws: int, seed: int) -> dict[str, float]:
    """90 % of what whole weeks, drawn anew, give: days of one week are not independent."""
    rng = np.random.default_rng(seed)
    week = (pd.DatetimeIndex(table.index) - pd.Timestamp("2000-01-03")).days // 7
    parts = [own for _, own in table.groupby(week.to_numpy())]
    found = []
    for _ in range(draws):
        drawn = pd.concat([parts[row] for row in rng.integers(len(parts), size=len(parts))])
        score, called, truth = (drawn[name].to_numpy() for name in ("score", "called", "truth"))
        if 0 < truth.sum() < len(truth):
            hits = (truth & called).sum()
            found.append((metrics.roc_auc_score(truth, score), _share(2 * hits, truth.sum() + called.sum())))
    if not found:
        return {}
    low, high = np.nanquantile(np.array(found), [0.05, 0.95], axis=0)
    return {"auc_low": low[0], "auc_high": high[0], "f1_low": low[1], "f1_high": high[1]}


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else np.nan
