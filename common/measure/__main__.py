"""Measures what an edit did to a face: action units, identity, pose, light, and what it should have left alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..cli import console

ABOUT = """Measures what an edit did to a face: action units, identity, pose, light, and what it should have left alone.

    {0} photo.jpg smile.png
    {0} photo.jpg smile.png --requested AU12=3,AU6=2 --mask mask.png -o measured

Both show the same scene and have the same size; the largest face counts.
"""


def main(argv: Sequence[str] | None = None, program: str = "python -m common.measure") -> int:
    """Understand the arguments, measure, print the table; returns the exit code."""
    parser = console.command_parser(program, ABOUT.format(program))
    parser.add_argument("before", type=Path, help="the photo")
    parser.add_argument("after", type=Path, help="the same photo, edited, of the same size")
    parser.add_argument("--requested", metavar="AU=VALUE,...", help="request of the edit, to compare with")
    parser.add_argument("--mask", type=Path, help="a picture, white where the edit was allowed")
    parser.add_argument("--estimator", default="auto", help="auto, regressor, fit, landmarker or py-feat")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="where report.json and report.png go")
    args = parser.parse_args(argv)

    def run() -> int:
        from .compare import measure  # torch loads here, after the arguments have been understood

        report = measure(args.before, args.after, requested=args.requested, mask=args.mask, estimator=args.estimator)
        print(report.table())
        if args.output is not None:
            console.say(f"written: {', '.join(map(str, report.save(args.output)))}")
        return console.OK

    return console.guarded(run)


if __name__ == "__main__":
    sys.exit(main())
