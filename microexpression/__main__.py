"""Micro-expressions: read a clip, train and test networks under the field's protocols, make labelled clips."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from common.cli import console
from common.cli.licenses import doctor, licenses
from common.core.files import check_writable

ABOUT = """Micro-expressions: read a clip, train and test networks under the field's protocols, make labelled clips.

    python -m microexpression analyze clip.mp4 -o report/
    python -m microexpression train --model rcn_a --protocol megc2019 --data DATA --datasets smic casme2 samm -o out/
    python -m microexpression synthetic -o faces/
    python -m microexpression licenses                  data and weights with their terms; doctor: installed parts

Needs pip install "face-rig[micro]".
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in HELP:
        return console.guarded(lambda: HELP[argv[0]](argv[1:]))
    parser = console.command_parser("microexpression", ABOUT)
    console.add_commands(parser, COMMANDS)
    args = parser.parse_args(argv)

    def work() -> int:
        console.listen(args.quiet)
        return args.run(args)

    return console.guarded(work)


def _add_analyze(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("clip", type=Path, help="a video file, or a folder of frames")
    parser.add_argument("-o", "--output", type=Path, default=Path("report"), help="folder")
    parser.add_argument("--onset", type=int, default=0, help="first frame of the expression, from 0")
    parser.add_argument("--apex", type=int, help="strongest frame of the expression (default: spotted)")
    parser.add_argument("--offset", type=int, default=-1, help="last frame of the expression; -1 is the clip's")
    parser.add_argument("--fps", type=float, default=100.0, help="frames per second")
    parser.add_argument("--cropped", action="store_true", help="the frames already show a face from brows to chin")
    parser.add_argument("--detector", default="auto", help="auto, insightface, face-alignment or mediapipe")
    parser.add_argument("--factor", type=float, default=10.0, help="magnification factor of the motion")
    parser.add_argument("--magnifier", type=Path, help="learned weights (generator_212000.pth of InfuseNet)")
    parser.add_argument("--units", type=Path, help="folder of a network that reads action units (default: embedded)")
    parser.add_argument("--emotion", type=Path, help="folder of a network that reads classes (default: embedded)")


def _analyze(args: argparse.Namespace) -> int:
    check_writable(args.output)
    from .analysis import analyze
    from .clips import read_clip
    from .report import write_report

    clip = read_clip(args.clip, onset=args.onset, apex=args.apex, offset=args.offset, fps=args.fps)
    names = ("cropped", "detector", "factor", "magnifier", "units", "emotion")
    found = analyze(clip, progress=not args.quiet, **{name: getattr(args, name) for name in names})
    page = write_report(found, args.output)
    print(f"{found.label}, {100 * found.confidence:.0f} %; apex at frame {found.clip.apex}")
    for what, reader in (("class", found.emotion_reader), ("action units", found.unit_reader)):
        console.note(f"{what} read by {reader.model.name}: {reader.trained}")
    console.note(f"written: {page}")
    return console.OK


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", nargs="+", required=True, help="ststnet, rcn_a ... rcn_f, rcn_auto, elrcn, infusenet"
    )
    parser.add_argument("--protocol", default="megc2019", help="megc2019, megc2018-cde, megc2018-hde or cd6me")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the data sets' folders")
    parser.add_argument("--datasets", nargs="+", required=True, help="casme2, samm ..., or folders of your own")
    parser.add_argument("--cropped", action="store_true", help="cropped faces that come with the data sets")
    parser.add_argument(
        "--crop",
        nargs="?",
        const="auto",
        metavar="DETECTOR",
        help="face detector that crops the frames first",
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("out"), help="folder; interrupted runs resume")
    parser.add_argument("--extra", nargs="+", default=[], help="data sets used for training alone, see --mix")
    parser.add_argument("--mix", type=float, default=0.0, help="extra clips per training clip of a fold")
    for name, kind, words in (
        ("epochs", float, "passes over the training clips"),
        ("batch-size", int, "clips per step"),
        ("learning-rate", float, "learning rate of the optimiser"),
        ("size", int, "size of the inputs in pixels"),
    ):
        parser.add_argument(f"--{name}", type=kind, help=f"{words} (default: the model's own)")
    parser.add_argument("--width", type=float, default=1.0, help="fraction of the layers' sizes (elrcn, infusenet)")
    parser.add_argument("--magnifier", help="released weights of infusenet's magnifier, which are not trained")
    parser.add_argument("--seed", type=int, default=0, help="random seed of weights and order")
    parser.add_argument("--jobs", type=int, default=1, help="folds trained in parallel")
    parser.add_argument("--publish", action="store_true", help="also train on all clips, for analyze")


def _add_synthetic(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder; interrupted runs resume")
    parser.add_argument("--datasets", nargs="+", default=["studio", "office", "window"], help="which of these three")
    parser.add_argument("--subjects", type=int, default=8, help="people per data set")
    parser.add_argument("--clips", type=int, default=9, help="clips per person")
    parser.add_argument("--size", type=int, default=96, help="side of the frames in pixels")
    parser.add_argument("--frames", type=int, nargs=2, default=(30, 60), metavar=("LOW", "HIGH"), help="frames a clip")
    parser.add_argument(
        "--intensity",
        type=float,
        nargs=2,
        default=(0.2, 1.5),
        metavar=("LOW", "HIGH"),
        help="intensity at the apex",
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    parser.add_argument("--workers", type=int, default=1, help="number of processes")


def _synthetic(args: argparse.Namespace) -> int:
    check_writable(args.output)
    from .synthetic import Plan, write

    names = ("subjects", "clips", "size", "seed")
    plan = Plan(
        tuple(args.datasets),
        frames=tuple(args.frames),
        intensity=tuple(args.intensity),
        **{name: getattr(args, name) for name in names},
    )
    for folder in write(args.output, plan, workers=args.workers, progress=not args.quiet):
        console.note(f"complete: {folder}")
    return console.OK


def _train(args: argparse.Namespace) -> int:
    from .commands import train  # torch loads here

    return train(args)


COMMANDS = {
    "analyze": console.Command(
        "Read a clip: apex, flow, strain, action units, class; one page.", _add_analyze, _analyze
    ),
    "train": console.Command(
        "Train and test networks under a protocol; tables, confusion matrices, a log of each fold.", _add_train, _train
    ),
    "synthetic": console.Command("Render synthetic data sets, with every label known.", _add_synthetic, _synthetic),
}
_SOURCES = "microexpression.licenses:sources"
HELP = {
    "doctor": partial(doctor, "microexpression doctor", _SOURCES),
    "licenses": partial(licenses, "microexpression licenses", _SOURCES),
}

if __name__ == "__main__":
    sys.exit(main())
