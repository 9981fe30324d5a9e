"""The `batch` command of the packages whose editors are of one kind."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import cli
from ..arguments import check_options, whole_number
from ..editor import Editor
from ..errors import InputError
from .jobs import read_jobs
from .run import DONE, FAILED, plan, run
from .wishes import BASELINE, read_wishes
from .worker import EditorWorker, add_options, editor_of, settings_of


def batch(
    program: str, about: str, kind: Callable[[], type[Editor[Any]]], read: Callable[[Any], Any], nothing: Any,
    arguments: list[str],
) -> int:  # fmt: skip
    """Runs it; returns the exit code.

    Args:
        program: name of the package.
        about: help.
        kind: gives the class of the editor, whose import brings torch.
        read: from a wish as files have it to the editor's; raises an InputError for what is none.
        nothing: the wish that changes nothing, as files have it.
        arguments: of the command line.
    """
    parser = argparse.ArgumentParser(
        f"{program} batch", description=about, epilog=cli.EXIT_CODES, formatter_class=cli.HelpFormatter
    )
    add_options(parser)
    args = parser.parse_args(arguments)
    cli.listen(args.quiet)
    check_options(args.steps or 1, 1, args.guidance or 1.0, args.seed, args.paste != "none")
    whole_number("--batch-size", args.batch_size, 1, 4096)
    jobs, faults = read_jobs(args.photos)
    wishes: dict[str, Any] = read_wishes(args.wishes, read) if args.wishes else {}
    for job in jobs:
        if job.wish is not None:
            read(job.wish)
    if args.baseline:
        wishes = {BASELINE: nothing, **wishes}
    items = plan(jobs, wishes)
    if args.inspect:
        from ..faces import get_finder
        from .inspect import inspect

        found = inspect(items, faults, get_finder(args.finder), progress=not args.quiet)
        print(found)
        return cli.FAILED if found.faults else cli.OK
    if args.output is None:
        raise InputError("Name the folder of the run, e.g. -o run/.")
    for fault in faults:
        cli.say(f"{fault.where}: {fault.why}")
    worker = EditorWorker(editor_of(kind(), args), args, read)
    counts = run(
        items, worker, Path(args.output).expanduser(), settings_of(program, args), batch_size=args.batch_size,
        again=args.again, progress=not args.quiet,
    )  # fmt: skip
    cli.say(f"{counts[DONE]} edits are in {args.output}, {counts[FAILED]} failed, {len(faults)} inputs unusable")
    return cli.FAILED if counts[FAILED] or faults else cli.OK


def score(program: str, requested: Callable[[Any], list[float] | None], arguments: list[str]) -> int:
    """The `score` command: measures the edits of a run, and makes none.

    Args:
        program: name of the package.
        requested: see `common.batch.scores.score`.
        arguments: of the command line.
    """
    parser = argparse.ArgumentParser(
        f"{program} score",
        description="Measures the edits of a run that are not measured yet, into its scores.csv; edits nothing.",
        formatter_class=cli.HelpFormatter,
    )
    parser.add_argument("run", type=Path, help="folder that the batch command wrote")
    parser.add_argument("--measurer", default="auto", help="who reads faces: auto, regressor, fit or py-feat")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")
    args = parser.parse_args(arguments)
    cli.listen(args.quiet)
    from .scores import score as scored

    cli.say(f"written: {scored(args.run, requested, measurer=args.measurer, progress=not args.quiet)}")
    return cli.OK
