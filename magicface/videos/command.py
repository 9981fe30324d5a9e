"""Turns a folder of videos into pairs to train on."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path

from common.cli import console, options
from common.core.errors import InputError
from common.editing.options import ModelOptions
from common.faces import get_detector
from common.parsing import PARSERS, get_parser
from common.training.command import documentation

from .choose import Settings

ABOUT = """Turns a folder of videos into pairs to train on.

    magicface prepare-videos videos/ -o pairs.jsonl
    accelerate launch -m magicface.train examples/train_magicface.toml --set manifest=pairs.jsonl --set output=out/mine

Each video, or folder of frames, shows one person, or one to follow (--face). Its face is followed from frame to frame
and read against its calmest frame, without a download. Beside the manifest come its pictures, a report of what was
dropped and why, a sheet of pairs, and for each video its readings as CSV and as a picture over time. Re-run the command
to resume a preparation that stopped.
"""


def run(arguments: list[str]) -> int:
    """The command; returns the exit code."""
    parser = console.command_parser("magicface prepare-videos", ABOUT)
    parser.add_argument("folder", type=Path, help="folder of videos, or of folders of frames")
    parser.add_argument("-o", "--output", type=Path, required=True, help="manifest to write, a .jsonl file")
    texts = documentation(Settings)
    hints = typing.get_type_hints(Settings)
    for field in dataclasses.fields(Settings):
        known = typing.get_args(hints[field.name]) or None
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=str if known else hints[field.name],
            choices=known,
            default=field.default,
            help=" ".join(texts[field.name].replace("%", "%%").split()),
        )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--labels",
        type=Path,
        metavar="FILE_OR_FOLDER",
        help="CSV of OpenFace or py-feat in place of our readings, matched by time stamp; a folder for several videos",
    )
    source.add_argument(
        "--estimator",
        help="AU estimator that measures each crop by itself, in place of the film reader; regressor for synthetic"
        " faces, see common.measure",
    )
    options.add_flags(parser, ModelOptions, ["detector"])
    parser.add_argument("--parser", default="auto", choices=PARSERS, help="face parser")
    options.add_quiet(parser)
    args = parser.parse_args(arguments)
    console.listen(args.quiet)
    settings = Settings(**{field.name: getattr(args, field.name) for field in dataclasses.fields(Settings)})
    if args.estimator is None and args.detector != "auto":
        raise InputError(
            "The film reader has its own face detector.",
            code="conflict",
            expected="--detector with --estimator",
            actual=f"--detector {args.detector}",
        )
    if args.estimator is not None and args.face != "largest":
        raise InputError(
            "An estimator follows no face.",
            code="conflict",
            expected="--face without --estimator",
            actual=f"--face {args.face}",
        )
    # torch and diffusers load here, after the arguments have been parsed
    from common.measure import get_estimator

    from .prepare import Tools, prepare, table
    from .read import Labels

    tools = Tools(
        get_detector("mediapipe" if args.estimator is None else args.detector),
        get_parser(args.parser),
        None if args.estimator is None else get_estimator(args.estimator),
        None if args.labels is None else Labels(args.labels.expanduser().resolve()),
    )
    report = prepare(args.folder, args.output, settings, tools, progress=not args.quiet)
    print(table(report))
    return console.FAILED if report["unreadable"] else console.OK
