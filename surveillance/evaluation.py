"""Scores of days compared with labels: as rankings, and as calls by a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn import metrics

from common.core.errors import InputError

from .calls import call
from .maps import WEEKDAYS

YEAR = 365
"""Recorded days of the first window."""
DRAWS = 1000


@dataclass(frozen=True, eq=False)
class Method:
    """A way to find unusual days: scores (larger is more unusual, nan without one), days that it calls unusual (None
    takes the threshold of `calls.call`), and why it is not fair, such as "chosen by the labels"; empty if it is.
    """

    scores: pd.Series
    called: pd.Series | None = None
    note: str = ""

    def calls(self) -> pd.Series:
        """True on days called unusual."""
        return call(self.scores) if self.called is None else self.called


def windows(recorded: pd.DatetimeIndex) -> dict[str, pd.DatetimeIndex]:
    """Name -> days: P1 the first 365 recorded ones, P2 the first calendar year, P3 all."""
    return {"P1": recorded[:YEAR], "P2": recorded[recorded.year == recorded[0].year], "P3": recorded}


def baselines(volume: pd.DataFrame, truth: pd.Series) -> dict[str, Method]:
    """Trivial rules: every day, one weekday (with the largest fraction of unusual days, by the labels of `read_truth`),
    and the tracks and points of each day.
    """
    days = pd.DatetimeIndex(volume.index)
    known = truth.reindex(days).dropna().astype(bool)
    rates = known.groupby(pd.DatetimeIndex(known.index).day_of_week).mean()
    weekday = int(rates.index[int(rates.to_numpy().argmax())])
    always, market = pd.Series(True, days), pd.Series(days.day_of_week == weekday, days)
    return {
        "every day": Method(always.astype(float), always),
        f"it is {WEEKDAYS[weekday]}": Method(market.astype(float), market, "chosen by the labels"),
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
        days: days that count, of those that are labelled and scored.
        draws: of the bootstrap, by weeks, for the intervals of AUC and F1 over all days; 0 for none.
        seed: of the bootstrap.

    Returns:
        Columns: method, slice, note; days and unusual, counts of labelled days; scored, how many of them have a score;
        auc and average_precision of the scored ones; precision, recall, f1, tp, fp, fn and tn of the calls on all days,
        where days without a score are not called; best_f1, F1 at the threshold that the labels would choose, an upper
        bound; auc_low, auc_high, f1_low, f1_high, the bounds of 90 % intervals.

    Raises:
        InputError: no day is labelled (code "empty").
    """
    known = truth.dropna().astype(bool)
    known = known[known.index.isin(days)]
    if known.empty:
        raise InputError(f"None of {len(days)} days is labelled.", code="empty")
    rows = []
    for name, method in methods.items():
        table = pd.DataFrame({"score": method.scores.reindex(known.index), "truth": known})
        table["called"] = method.calls().reindex(known.index, fill_value=False).astype(bool)
        for part, own in slices(table).items():
            row = {"method": name, "slice": part, **measures(own), "note": method.note}
            if part == "all days" and draws:
                row |= _intervals(own, draws, seed)
            rows.append(row)
    return pd.DataFrame(rows)


def slices(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """All days, all days but the weekday with most unusual ones, and each weekday."""
    weekday = pd.DatetimeIndex(table.index).day_of_week
    counts = table["truth"].groupby(weekday).sum()
    most = int(counts.index[int(counts.to_numpy().argmax())])
    parts = {"all days": table, f"without {WEEKDAYS[most]}s": table[weekday != most]}
    return parts | {WEEKDAYS[number]: table[weekday == number] for number in sorted(set(weekday))}


def measures(table: pd.DataFrame) -> dict[str, float]:
    """Of rows of score, called and truth; nan for measures that need days of both kinds where there is one kind."""
    called, truth = table["called"].to_numpy(), table["truth"].to_numpy()
    tn, fp, fn, tp = map(int, metrics.confusion_matrix(truth, called, labels=[False, True]).ravel())
    found: dict[str, float] = {
        "days": len(table),
        "unusual": int(truth.sum()),
        "scored": int(table["score"].notna().sum()),
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "tn": tn,
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
        **dict.fromkeys(("auc", "average_precision", "best_f1"), np.nan),
    }
    scored = table.dropna()
    score, own = scored["score"].to_numpy(), scored["truth"].to_numpy()
    if 0 < own.sum() < len(own):
        precision, recall, _ = metrics.precision_recall_curve(own, score)
        right = recall * own.sum()
        called_then = np.divide(right, precision, out=np.zeros_like(right), where=precision > 0)
        found |= {
            "auc": float(metrics.roc_auc_score(own, score)),
            "average_precision": float(metrics.average_precision_score(own, score)),
            "best_f1": float((2 * right / (called_then + truth.sum())).max()),
        }
    return found


def _intervals(table: pd.DataFrame, draws: int, seed: int) -> dict[str, float]:
    """90 % intervals by resampling whole weeks, since days of one week are not independent."""
    rng = np.random.default_rng(seed)
    week = ((pd.DatetimeIndex(table.index) - pd.Timestamp("2000-01-03")).days // 7).to_numpy()
    parts = [np.flatnonzero(week == one) for one in np.unique(week)]
    score, called, truth = (table[name].to_numpy() for name in ("score", "called", "truth"))
    found = []
    for _ in range(draws):
        rows = np.concatenate([parts[row] for row in rng.integers(len(parts), size=len(parts))])
        hits = (truth & called)[rows].sum()
        found.append((_auc(score[rows], truth[rows]), _ratio(2 * hits, truth[rows].sum() + called[rows].sum())))
    made = {}
    for name, own in zip(("auc", "f1"), np.array(found).T):
        if np.isfinite(own).any():
            made[f"{name}_low"], made[f"{name}_high"] = np.nanquantile(own, [0.05, 0.95])
    return made


def _auc(score: np.ndarray, truth: np.ndarray) -> float:
    """The area under the ROC curve of days with a score, by their ranks; much faster than scikit-learn's."""
    scored = np.isfinite(score)
    ranks, own = rankdata(score[scored]), truth[scored]
    first, second = own.sum(), (~own).sum()
    return float((ranks[own].sum() - first * (first + 1) / 2) / (first * second)) if first and second else np.nan


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else np.nan
