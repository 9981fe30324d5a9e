"""What `surveillance evaluate` and `surveillance predict` do."""

from __future__ import annotations

import argparse

import pandas as pd

from common.core.errors import InputError
from common.core.files import replace_file
from common.imaging.page import Section, page

from . import timeseries
from .evaluation import baselines, evaluate, windows
from .maps import volumes
from .pictures import draw_comparison, draw_forecast, draw_scores, save
from .reading import read_truth
from .recording import Recording
from .together import methods

SHOWN = [
    *("method", "scored", "auc", "average_precision", "precision", "recall", "f1"),
    *("tp", "fp", "fn", "tn", "best_f1", "note"),
]
DRAWN = ("together", "trajectories: unlikely", "state space without week: shares", "location shares: local", "tracks")
"""Methods whose scores are drawn over time."""


def evaluated(recording: Recording, args: argparse.Namespace) -> str:
    """The table of all days as text; writes scores.csv, called.csv, evaluation.csv, PNGs and evaluation.html."""
    truth, days = read_truth(args.truth), windows(recording.days)
    if args.window not in days:
        raise InputError("The window is unknown.", code="unknown", expected=", ".join(days), actual=args.window)
    days = {name: own for name, own in days.items() if own.isin(truth.index).any()}
    if args.window not in days:
        raise InputError(f"No day of window {args.window} is labelled in {args.truth}.", code="empty")
    known = methods(recording, args.pool, released=args.released, progress=not args.quiet)
    known = {**baselines(volumes(recording), truth), **known}
    # intervals take as long as everything else, so only the window on the page has them
    tables = {name: evaluate(known, truth, own, draws=args.draws * (name == args.window)) for name, own in days.items()}
    found, every = tables[args.window], pd.concat(tables, names=["window", "row"]).droplevel("row")
    args.output.mkdir(parents=True, exist_ok=True)
    scores = pd.DataFrame({name: method.scores for name, method in known.items()})
    called = pd.DataFrame({name: method.calls() for name, method in known.items()})
    whole = found[found["slice"] == "all days"]
    drawn = {name: known[name] for name in DRAWN if name in known}
    comparison = save(draw_comparison(found), args.output / "comparison.png")
    over_time = save(draw_scores(drawn, truth, days[args.window]), args.output / "scores.png")
    sections = [Section("How good they are", _COMPARISON, {comparison: ""})]
    sections.append(Section("Scores of days", _SCORES, {over_time: ""}))
    for part, own in found.groupby("slice", sort=False):
        table = own[SHOWN].to_html(index=False, float_format="{:.3f}".format, na_rep="", classes="wide")
        counts = f"{own['days'].iloc[0]} days with labels, {own['unusual'].iloc[0]} of them unusual."
        sections.append(Section(str(part)[0].upper() + str(part)[1:], counts, table=table))
    fair = whole[whole["note"] == ""].dropna(subset=["f1"])
    best = fair.loc[fair["f1"].idxmax()]
    words = [
        f"{whole['days'].iloc[0]} days with labels, {whole['unusual'].iloc[0]} of them unusual. The best method without"
        f" labels is '{best['method']}': {best['tp']} of {best['unusual']} found, {best['fp']} false alarms,"
        f" F1 {best['f1']:.3f}.",
        "Calls use the days before alone. Days without a score are not called, and count as missed if they are unusual."
        " best_f1 is F1 at the threshold that the labels would choose: an upper bound, not a result.",
    ]
    text = page(f"Unusual days of {recording.name}, window {args.window}", words, sections)
    replace_file(args.output / "scores.csv", lambda path: scores.to_csv(path, index_label="day"))
    replace_file(args.output / "called.csv", lambda path: called.to_csv(path, index_label="day"))
    replace_file(args.output / "evaluation.csv", lambda path: every.to_csv(path))
    replace_file(args.output / "evaluation.html", lambda path: path.write_text(text, encoding="utf-8"))
    return whole[SHOWN].to_string(index=False, float_format="{:.3f}".format, na_rep="")


_COMPARISON = (
    "Dots: all days, with 90 % intervals from draws of whole weeks. Rings: without the weekday with most unusual days,"
    " since a method may detect only that weekday. Star: not a fair method, see the notes."
)
_SCORES = "Red: labelled unusual; filled: flagged by the method. Days without labels are not shown."


def predicted(recording: Recording, args: argparse.Namespace) -> str:
    """Tracks of the days after the last one, as text; writes forecast.csv and forecast.png to an output folder."""
    table = timeseries.series(recording)
    found = timeseries.forecast(table["tracks"], days=args.days, level=args.level)
    ahead = timeseries.counts_of(found.ahead).round(1)
    if args.output is not None:
        args.output.mkdir(parents=True, exist_ok=True)
        save(
            draw_forecast(found, timeseries.counts_of(table[["tracks"]])["tracks"], "tracks"),
            args.output / "forecast.png",
        )
        replace_file(args.output / "forecast.csv", lambda path: ahead.to_csv(path, index_label="day"))
    ahead.index = ahead.index.strftime("%Y-%m-%d, %A")
    return ahead.to_string()
