"""Makes pictures of people who do not exist, with all that is known of them, for training."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..cli import console, options

ABOUT = """Makes pictures of people who do not exist, with all that is known of them, for training.

    python -m common.synthetic --count 1000 --size 256 -o faces/
    python -m common.synthetic --count 500 --pairs expression --maps -o pairs/

The folder holds PNG files and metadata.jsonl; load_dataset("imagefolder", data_dir="faces") of the datasets library
reads it. Run the same command again to resume an interrupted run.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the arguments and write the folder; returns the exit code."""
    parser = console.command_parser("python -m common.synthetic", ABOUT)
    parser.add_argument("--count", type=int, required=True, help="number of pictures or pairs")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="folder to write")
    parser.add_argument("--size", type=int, default=256, help="side of the pictures in pixels")
    parser.add_argument("--seed", type=int, default=0, help="random seed of people and pictures")
    parser.add_argument(
        "--pairs", choices=("expression", "pose", "light", "mixed"), help="write pairs of pictures that differ in this"
    )
    parser.add_argument("--people", type=int, help="number of people (default: count / 4)")
    parser.add_argument("--maps", action="store_true", help="write parts, mask, backgrounds and render as pictures too")
    parser.add_argument("--workers", type=int, default=2, help="number of processes")
    options.add_quiet(parser)
    args = parser.parse_args(argv)

    def run() -> int:
        console.listen(args.quiet)
        from .data.folder import write  # torch loads here, after the arguments have been understood

        made = write(
            args.output,
            args.count,
            size=args.size,
            seed=args.seed,
            pairs=args.pairs,
            people=args.people,
            maps=args.maps,
            workers=args.workers,
            progress=not args.quiet,
        )
        console.note(f"complete: {args.count} in {args.output}, {made} of them made now")
        return console.OK

    return console.guarded(run)


if __name__ == "__main__":
    sys.exit(main())
