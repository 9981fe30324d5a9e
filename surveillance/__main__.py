"""A place as a year of tracks shows it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.cli import console
from common.core.files import check_writable

from . import ready

ABOUT = """A place as a year of tracks shows it.

    python -m surveillance describe tracks/ -o out/                         pictures, tables, one page
    python -m surveillance evaluate tracks/ --truth truth.txt -o out/       unusual days, compared with labels
    python -m surveillance predict tracks/ --days 7                         the number of tracks of the next days

Needs pip install "face-rig[surveillance]".
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = console.command_parser("surveillance", ABOUT)
    console.add_commands(parser, COMMANDS)
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)

    def work() -> int:
        console.listen(args.quiet)
        ready()
        return args.run(args)

    return console.guarded(work)


def _add_input(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tracks", type=Path, help="a folder of track files, or one file")
    parser.add_argument("--form", default="auto", help="format of the files: lost, csv, mot, or auto, by their names")
    parser.add_argument(
        "--columns", nargs="+", default=[], metavar="NAME=WORD", help="columns of CSV files: day, track, frame, x, y"
    )
    parser.add_argument("--size", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"), help="size of the picture in pixels")
    parser.add_argument("--fps", type=float, help="frames per second")
    parser.add_argument("--start", help="day of the first file without a day in its name; the others follow day by day")
    parser.add_argument("--first", help="first day of the recording, 2012-01-01")
    parser.add_argument("--last", help="last day of the recording")


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default="", help="name of the camera")
    parser.add_argument("--pool", type=int, default=80, help="side of the pools in pixels")


def _recording(args: argparse.Namespace, name: str = "") -> Any:
    from common.core.errors import InputError

    from .reading import read_tracks

    if args.output is not None:
        check_writable(args.output)

    if wrong := [pair for pair in args.columns if "=" not in pair]:
        raise InputError("--columns is malformed.", code="format", expected="NAME=WORD: x=centre_x", actual=wrong[0])
    found = read_tracks(
        args.tracks,
        columns=dict(pair.split("=", 1) for pair in args.columns),
        size=tuple(args.size) if args.size else None,
        name=name,
        progress=not args.quiet,
        **{option: getattr(args, option) for option in ("form", "fps", "start", "first", "last")},
    )
    for fault in found.faults:
        console.say(f"left out: {fault.file}: {fault.reason}")
    return found


def _add_describe(parser: argparse.ArgumentParser) -> None:
    _add_input(parser)
    _add_place(parser)
    parser.add_argument("-o", "--output", type=Path, default=Path("out"), help="folder")
    parser.add_argument("--background", type=Path, help="picture of the place")
    parser.add_argument("--truth", type=Path, help="labels of unusual days to mark: lines of a date and 0 or 1")
    parser.add_argument("--cut", type=float, default=3000.0, help="height at which the tree of days is cut")
    parser.add_argument("--parts", type=int, default=3, help="number of parts of a day, by time")
    parser.add_argument("--blur", type=float, default=4.0, help="blur of the heatmaps in pixels; 0 for none")
    parser.add_argument("--linear", action="store_true", help="colours by counts instead of their logarithms")


def _describe(args: argparse.Namespace) -> int:
    import pandas as pd

    from .overview import Looks, describe
    from .reading import read_truth

    recording = _recording(args, args.name)
    truth = read_truth(args.truth) if args.truth else None
    page = describe(
        recording,
        args.output,
        looks=Looks(pool=args.pool, cut=args.cut, parts=args.parts, blur=args.blur, log=not args.linear),
        background=args.background,
        unusual=None if truth is None else pd.DatetimeIndex(truth[truth].index),
        progress=not args.quiet,
    )
    console.note(f"written: {page}")
    return console.OK


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_input(parser)
    _add_place(parser)
    parser.add_argument("--truth", type=Path, required=True, help="labels of unusual days: lines of a date and 0 or 1")
    parser.add_argument("-o", "--output", type=Path, default=Path("out"), help="folder")
    parser.add_argument("--window", default="P3", help="P1: 365 recorded days, P2: the first calendar year, P3: all")
    parser.add_argument("--released", action="store_true", help="add trajectory scores with the released faults")
    parser.add_argument("--draws", type=int, default=1000, help="draws of the bootstrap; 0 for no intervals")


def _evaluate(args: argparse.Namespace) -> int:
    from .commands import evaluated

    print(evaluated(_recording(args, args.name), args))
    return console.OK


def _add_predict(parser: argparse.ArgumentParser) -> None:
    _add_input(parser)
    parser.add_argument("--days", type=int, default=7, help="number of days to predict after the last recorded one")
    parser.add_argument("-o", "--output", type=Path, help="folder for forecast.csv and forecast.png")
    parser.add_argument("--level", type=float, default=0.9, help="probability of the intervals")


def _predict(args: argparse.Namespace) -> int:
    from .commands import predicted

    print(predicted(_recording(args), args))
    return console.OK


COMMANDS = {
    "describe": console.Command(
        "Heatmaps, footmap, flows, speeds and kinds of days; one page.", _add_describe, _describe
    ),
    "evaluate": console.Command(
        "Scores of days by trajectories, time series and location shares, compared with labels and trivial rules.",
        _add_evaluate,
        _evaluate,
    ),
    "predict": console.Command("Tracks of the next days, with intervals.", _add_predict, _predict),
}

if __name__ == "__main__":
    sys.exit(main())
