"""`magicface batch`: many photos, many wishes, one folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from common import cli
from common.action_units import to_vector
from common.arguments import check_options, whole_number
from common.batch.jobs import read_jobs
from common.batch.run import DONE, FAILED, plan, run
from common.batch.wishes import BASELINE, read_wishes
from common.batch.worker import EditorWorker, add_options, editor_of, settings_of
from common.errors import InputError

ABOUT = """Edits many photos, many wishes each, into one folder; a run that was stopped goes on where it was.

    magicface batch photos/ --wishes wishes.txt -o run/
    magicface batch manifest.csv --wishes wishes.json -o run/ --inspect
"""


def main(arguments: list[str]) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(
        "magicface batch", description=ABOUT, epilog=cli.EXIT_CODES, formatter_class=cli.HelpFormatter
    )
    add_options(parser)
    args = parser.parse_args(arguments)
    cli.listen(args.quiet)
    check_options(args.steps or 1, 1, args.guidance or 1.0, args.seed, args.paste != "none")
    whole_number("--batch-size", args.batch_size, 1, 4096)
    jobs, faults = read_jobs(args.photos)
    wishes: dict[str, Any] = read_wishes(args.wishes, to_vector) if args.wishes else {}
    for job in jobs:
        if job.wish is not None:
            to_vector(job.wish)
    if args.baseline:
        wishes = {BASELINE: {}, **wishes}
    items = plan(jobs, wishes)
    if args.inspect:
        from common.batch.inspect import inspect
        from common.faces import get_finder

        found = inspect(items, faults, get_finder(args.finder), progress=not args.quiet)
        print(found)
        return cli.FAILED if found.faults else cli.OK
    if args.output is None:
        raise InputError("Name the folder of the run, e.g. -o run/.")
    for fault in faults:
        cli.say(f"{fault.where}: {fault.why}")
    from ._api import MagicFace

    worker = EditorWorker(editor_of(MagicFace, args), args, to_vector)
    counts = run(
        items, worker, Path(args.output).expanduser(), settings_of("magicface", args), batch_size=args.batch_size,
        again=args.again, progress=not args.quiet,
    )  # fmt: skip
    cli.say(f"{counts[DONE]} edits are in {args.output}, {counts[FAILED]} failed, {len(faults)} inputs unusable")
    return cli.FAILED if counts[FAILED] or faults else cli.OK
