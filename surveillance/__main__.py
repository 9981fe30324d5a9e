"""What a year of tracks says about a place.

    python -m surveillance describe tracks/ -o out/                         pictures, tables, one page
    python -m surveillance evaluate tracks/ --truth truth.txt -o out/       unusual days, beside what people say
    python -m surveillance predict tracks/ --days 7                         how many tracks the next days will have

Needs pip install "face-rig[surveillance]".
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from common import cli

from .extras import ready


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(
        "surveillance", description=__doc__, formatter_class=cli.HelpFormatter, epilog=cli.EXIT_CODES
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (add, run) in COMMANDS.items():
        assert run.__doc__ is not None
        own = commands.add_parser(name, help=run.__doc__.splitlines()[0], formatter_class=cli.HelpFormatter)
        _add_input(own)
        add(own)
        own.add_argument("-q", "--quiet", action="store_true", help="no progress bars")
        own.set_defaults(run=run)
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)
    cli.listen(args.quiet)

    def work() -> int:
        ready()
        return args.run(args)

    return cli.guarded(work)


def _add_input(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tracks", type=Path, help="a folder of track files, or one file")
    parser.add_argument("--form", default="auto", help="of the files: lost, csv, mot, or auto, by their names")
    parser.add_argument(
        "--columns", nargs="+", default=[], metavar="NAME=WORD", help="day, track, frame, x, y of CSV files"
    )
    parser.add_argument("--size", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"), help="of the picture, pixels")
    parser.add_argument("--fps", type=float, help="frames a second")
    parser.add_argument(
        "--start", help="day of the first file without one in its name; the next ones follow day by day"
    )
    parser.add_argument("--first", help="first day that counts, 2012-01-01")
    parser.add_argument("--last", help="last day that counts")
    parser.add_argument("--name", default="", help="of the camera")
    parser.add_argument("--pool", type=int, default=80, help="side of the pools in pixels")


def _recording(args: argparse.Namespace) -> Any:
    from common.errors import InputError

    from .reading import read_tracks

    if wrong := [pair for pair in args.columns if "=" not in pair]:
        raise InputError(f"--columns takes NAME=WORD, as in x=centre_x; got {wrong[0]!r}.")
    found = read_tracks(
        args.tracks, form=args.form, columns=dict(pair.split("=", 1) for pair in args.columns),
        size=tuple(args.size) if args.size else None, fps=args.fps, start=args.start,
        first=args.first, last=args.last, name=args.name,
        progress=not args.quiet,
    )  # fmt: skip
    for fault in found.faults:
        cli.say(f"left out: {fault.file}: {fault.reason}")
    return found


def _add_describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, default=Path("out"), help="folder")
    parser.add_argument("--background", type=Path, help="a picture of the place")
    parser.add_argument("--truth", type=Path, help="unusual days, which are marked: lines of a date and 0 or 1")
    parser.add_argument("--cut", type=float, default=3000.0, help="height at which the tree of days is cut")
    parser.add_argument("--parts", type=int, default=3, help="of a day, by time")
    parser.add_argument("--blur", type=float, default=4.0, help="of the heatmaps, in pixels; 0 for none")
    parser.add_argument("--linear", action="store_true", help="colours by counts, not by their logarithms")


def _describe(args: argparse.Namespace) -> int:
    """Heatmaps, footmap, flows, speeds and kinds of days; one page."""
    import pandas as pd

    from .overview import Looks, describe
    from .truth import read_truth

    recording = _recording(args)
    truth = read_truth(args.truth) if args.truth else None
    page = describe(
        recording, args.output,
        looks=Looks(pool=args.pool, cut=args.cut, parts=args.parts, blur=args.blur, log=not args.linear),
        background=args.background,
        unusual=None if truth is None else pd.DatetimeIndex(truth[truth].index), progress=not args.quiet,
    )  # fmt: skip
    print(f"written: {page}")
    return cli.OK


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--truth", type=Path, required=True, help="lines of a date and 0 or 1")
    parser.add_argument("-o", "--output", type=Path, default=Path("out"), help="folder")
    parser.add_argument("--window", default="P3", help="P1: 365 recorded days, P2: the first calendar year, P3: all")
    parser.add_argument("--released", action="store_true", help="the trajectory scores as released too, faults and all")
    parser.add_argument("--draws", type=int, default=1000, help="of the bootstrap; 0 for no intervals")


def _evaluate(args: argparse.Namespace) -> int:
    """Scores of days by trajectories, time series and location shares, beside what people say and trivial rules."""
    from .commands import evaluated

    print(evaluated(_recording(args), args))
    return cli.OK


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=int, default=7, help="after the last recorded one")
    parser.add_argument("-o", "--output", type=Path, help="folder for forecast.csv and forecast.png")
    parser.add_argument("--level", type=float, default=0.9, help="of the intervals")


def _predict(args: argparse.Namespace) -> int:
    """Tracks of the next days, with intervals."""
    from .commands import predicted

    print(predicted(_recording(args), args))
    return cli.OK


COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]] = {
    "describe": (_add_describe, _describe),
    "evaluate": (_add_evaluate, _evaluate),
    "predict": (_add_predict, _predict),
}

if __name__ == "__main__":
    sys.exit(main())
