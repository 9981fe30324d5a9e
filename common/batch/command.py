"""The `batch` and `score` commands of the packages."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import cli, options
from ..checks import whole_number
from ..errors import InputError
from ..files import check_writable
from . import where
from .group import launched
from .jobs import read_jobs
from .package import Package
from .run import DONE, FAILED, plan
from .wishes import read_wishes


def batch(package: Package, arguments: list[str]) -> int:
    """Runs it; returns the exit code.

    Args:
        package: whose.
        arguments: of the command line.
    """
    args = _parser(package).parse_args(arguments)
    share = launched()
    cli.listen(args.quiet or (share is not None and share.rank > 0))  # one process speaks for all
    whole_number("--batch-size", args.batch_size, 1, 4096)
    jobs, faults = read_jobs(args.photos, package.columns)
    args = package.check(args, jobs)
    wishes: dict[str, Any] = read_wishes(args.wishes, package.read) if args.wishes else {}
    for job in jobs:
        if job.wish is not None:
            package.read(job.wish)
    if args.baseline:
        for name, baseline in package.baseline.items():
            if name in wishes and package.read(wishes[name]) != package.read(baseline):
                raise InputError(f"--baseline makes a picture named {name!r}; give the request another name.")
        wishes = {**package.baseline, **wishes}
    items = plan(jobs, wishes)
    if args.inspect:
        from ..faces import get_finder
        from .inspect import inspect

        found = inspect(items, faults, get_finder(args.finder), progress=not args.quiet)
        print(found)
        return cli.FAILED if found.faults else cli.OK
    if args.output is None:
        raise InputError("Name the folder of the run, e.g. -o run/.")
    folder, settings = Path(args.output).expanduser(), {"program": package.program, **package.settings(args)}
    check_writable(folder)
    counts = where.run_somewhere(items, package.worker, args, folder, settings)
    if counts is None:  # of several processes, the last one tells what has come of the run
        return cli.OK
    for fault in faults:
        cli.say(f"{fault.where}: {fault.why}")
    failed = bool(counts[FAILED] or faults)
    if failed or not args.quiet:  # whichever of several processes it is
        cli.say(f"{counts[DONE]} edits are in {args.output}, {counts[FAILED]} failed, {len(faults)} inputs unusable")
    return cli.FAILED if failed else cli.OK


def _parser(package: Package) -> argparse.ArgumentParser:
    parser = cli.command_parser(f"{package.program} batch", package.about)
    texts = "prompt" in package.columns
    lists = "manifest (.csv, .jsonl, .json)" + (", or file of prompts, one a line (.txt)" if texts else "")
    parser.add_argument("photos", help=f"folder of pictures, or {lists}")
    parser.add_argument("--wishes", help="file of wishes for every photo (.txt, .csv, .jsonl, .json)")
    (baseline,) = package.baseline
    parser.add_argument("--baseline", action="store_true", help=f"also make every face {baseline}, by that name")
    parser.add_argument("--inspect", action="store_true", help="say what would be done, and what is wrong; no edits")
    parser.add_argument("--again", action="store_true", help="try what failed before once more")
    parser.add_argument("--batch-size", type=int, default=4, help="wishes of a photo at once")
    package.add_options(parser)
    where.add_options(parser, package.program)
    return parser


def score(
    program: str, requested: Callable[[Any], list[float] | None], arguments: list[str], *, absolute: bool = False
) -> int:
    """The `score` command: measures the edits of a run, and makes none.

    Args:
        program: name of the package.
        requested: see `common.batch.scores.score`.
        arguments: of the command line.
        absolute: likewise.
    """
    parser = cli.command_parser(
        f"{program} score",
        "Measures the edits of a run that are not measured yet, into its scores.csv; edits nothing.",
    )
    parser.add_argument("run", type=Path, help="folder that the batch command wrote")
    parser.add_argument("--measurer", default="auto", help="who reads faces: auto, regressor, fit or py-feat")
    options.add_quiet(parser)
    args = parser.parse_args(arguments)
    cli.listen(args.quiet)
    from .scores import score as scored

    table = scored(args.run, requested, absolute=absolute, measurer=args.measurer, progress=not args.quiet)
    from ..measure import get_measurer
    from ..measure.estimators import described

    cli.note(f"written: {table}; action units measured by {described(get_measurer(args.measurer).name)}")
    return cli.OK
