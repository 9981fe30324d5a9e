"""The `report` command of the packages."""

from __future__ import annotations

from pathlib import Path

from ... import cli, options
from .gather import Requested


def report(program: str, requested: Requested, absolute: bool, arguments: list[str]) -> int:
    """Writes a run as one page; returns the exit code.

    Args:
        program: name of the package.
        requested: see `common.batch.report.page.report`.
        absolute: likewise.
        arguments: of the command line.
    """
    parser = cli.command_parser(
        f"{program} report",
        "Writes a run as one page that needs nothing beside it: pictures, how the edits follow the wishes, "
        f"what failed. Its numbers are those of `{program} score`, if that was run.",
    )
    parser.add_argument("run", type=Path, help="folder that the batch command wrote")
    parser.add_argument("-o", "--output", type=Path, help="the page (default: report.html in the run)")
    options.add_quiet(parser)
    args = parser.parse_args(arguments)
    cli.listen(args.quiet)
    from .page import report as write

    folder = args.run.expanduser()
    written = write(folder, requested, program=program, absolute=absolute, output=args.output, progress=not args.quiet)
    cli.note(f"written: {written}")
    return cli.OK
