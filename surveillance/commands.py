"""What `surveillance evaluate` and `surveillance predict` do."""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from common.errors import InputError
from common.files import replace_file

from . import shares, timeseries, trajectories
from .evaluation import Method, baselines, evaluate, windows
from .maps import Grid, day_pools, volumes
from .page import Section, page
from .recording import Recording
from .truth import read_truth

SHOWN = (
    "method", "days", "unusual", "auc", "average_precision", "precision", "recall", "f1", "hits", "false_alarms",
    "missed", "best_f1",
)  # fmt: skip


def methods(recording: Recording, pool: int, *, released: bool = False, progress: bool = True) -> dict[str, Method]:
    """Name of each way to tell unusual days -> its scores. None has seen a label.

    Args:
        recording: see there.
        pool: side of the pools in pixels.
        released: trajectory scores with the faults of the released code too.
        progress: show bars.
    """
    found = {}
    options = {"trajectories": trajectories.Options()}
    if released:
        options["trajectories, released lines"] = trajectories.Options(released_lines=True)
        options["trajectories, as released"] = trajectories.Options(released_lines=True, released_scores=True)
    for name, own in options.items():
        scores = trajectories.score_days(recording, own, progress=progress)
        found[f"{name}: unlikely"] = Method(scores["unlikely"])
        found[f"{name}: ratio"] = Method(scores["ratio"])
    table = timeseries.series(recording)
    for weekly in (True, False):
        try:
            scores = timeseries.score_days(table, weekly=weekly, progress=progress)
        except InputError:  # a short recording has no burn-in
            continue
        word = "with" if weekly else "without"
        found[f"time series {word} week: volume"] = Method(scores["tracks"])
        found[f"time series {word} week: shares"] = Method(scores["shares_mean"])
    pools = day_pools(recording, Grid(recording.size, pool))
    if len(pools) > shares.LEAST:
        for name in shares.DETECTORS:
            found[f"location shares: {name}"] = Method(shares.score_days(pools, name, progress=progress))
    return found


def evaluated(recording: Recording, args: argparse.Namespace) -> str:
    """The table of all days as text; writes scores.csv, evaluation.csv and evaluation.html.

    Args:
        recording: see there.
        args: of the command.
    """
    truth, days = read_truth(args.truth), windows(recording.days)
    if args.window not in days:
        raise InputError(f"There is no window {args.window!r}; choose from {', '.join(days)}.")
    known = methods(recording, args.pool, released=args.released, progress=not args.quiet)
    known = {**baselines(volumes(recording), truth), **known}
    found = evaluate(known, truth, days[args.window], draws=args.draws)
    args.output.mkdir(parents=True, exist_ok=True)
    scores = pd.DataFrame({name: method.scores for name, method in known.items()})
    sections = [
        Section(part, "", table=own[list(SHOWN)].to_html(index=False, float_format="{:.3f}".format, na_rep=""))
        for part, own in found.groupby("slice", sort=False)
    ]
    words = [
        "Calls are made by thresholds that know the past alone; best_f1 is that of the threshold that the labels would"
        " choose: a bound, not a result. So is the rule of one weekday.",
    ]
    text = page(f"Unusual days, {args.window}", words, sections)
    replace_file(args.output / "scores.csv", lambda path: scores.to_csv(path, index_label="day"))
    replace_file(args.output / "evaluation.csv", lambda path: found.to_csv(path, index=False))
    replace_file(args.output / "evaluation.html", lambda path: path.write_text(text, encoding="utf-8"))
    whole = found[found["slice"] == "all days"]
    return whole[list(SHOWN)].to_string(index=False, float_format="{:.3f}".format, na_rep="")


def predicted(recording: Recording, days: int, level: float) -> str:
    """Tracks of the days after the last one, as text.

    Args:
        recording: see there.
        days: how many.
        level: of the intervals.
    """
    table = timeseries.series(recording)
    ahead = np.expm1(timeseries.forecast(table["tracks"], days=days, level=level).ahead).clip(lower=0).round(1)
    ahead.index = ahead.index.strftime("%Y-%m-%d, %A")
    return ahead.to_string()
