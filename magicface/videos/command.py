"""Turns a folder of videos into pairs to train on."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path

from common.cli import console, options
from common.editing.options import ModelOptions
from common.faces import get_detector
from common.parsing import PARSERS, get_parser
from common.training.command import documentation

from .choose import Settings

ABOUT = """Turns a folder of videos into pairs to train on.

    magicface prepare-videos videos/ -o pairs.jsonl
    accelerate launch -m magicface.train examples/train_magicface.toml --set manifest=pairs.jsonl --set output=out/mine

Each video, or folder of frames, shows one person. Beside the manifest come its pictures, a report of what was dropped
and why, and a sheet of pairs. Re-run the command to resume a preparation that stopped.
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
    parser.add_argument("--estimator", default="auto", help="AU estimator, see common.measure")
    options.add_flags(parser, ModelOptions, ["detector"])
    parser.add_argument("--parser", default="auto", choices=PARSERS, help="face parser")
    options.add_quiet(parser)
    args = parser.parse_args(arguments)
    console.listen(args.quiet)
    settings = Settings(**{field.name: getattr(args, field.name) for field in dataclasses.fields(Settings)})
    # torch and diffusers load here, after the arguments have been parsed
    from common.measure import get_estimator

    from .prepare import Tools, prepare, table

    tools = Tools(get_detector(args.detector), get_parser(args.parser), get_estimator(args.estimator))
    report = prepare(args.folder, args.output, settings, tools, progress=not args.quiet)
    print(table(report))
    return console.FAILED if report["unreadable"] else console.OK
