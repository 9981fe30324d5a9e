"""Measures a model's edits of held-out synthetic people against their true pictures.

    python -m magicface evaluate --count 200
    python -m magicface evaluate --count 20 --model out/mine/model --out out/mine/evaluation
    python -m magicface evaluate --start draft --strength 0 --out out/draft     warps, without denoising

Single action units at several levels in both directions, and combinations, with the model's own settings: how far the
measured change follows the requested one, what changed besides, the error to the truth, the background, the person, and
the time. What was stopped goes on when the same command runs again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common import cli

from . import SEED


def main(arguments: Sequence[str]) -> int:
    """The command behind `python -m magicface evaluate`; returns the exit code."""
    parser = argparse.ArgumentParser("magicface evaluate", description=__doc__, formatter_class=cli.HelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="edits, a quarter of them combinations")
    parser.add_argument("--out", type=Path, default=Path("out/evaluation"), help="folder of the report")
    parser.add_argument("--seed", type=int, default=SEED, help="of the people; not one that a training has used")
    parser.add_argument("--size", type=int, default=128, help="side of their photos in pixels")
    parser.add_argument("--measurer", default="regressor", help="of the action units, see common.measure")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--finder", default="auto", help="auto, insightface, face-alignment or mediapipe")
    parser.add_argument("--parser", default="auto", help="auto, bisenet, segformer, embedded or grabcut")
    way = parser.add_argument_group("sampling")
    way.add_argument("--steps", type=int, help="denoising steps (default: the model's own)")
    cli.add_start_options(way)
    cli.add_model_options(parser)
    args = parser.parse_args(arguments)
    from common.measure import get_measurer

    from .._api import MagicFace
    from .run import evaluate
    from .tables import markdown

    measurer = get_measurer(args.measurer)
    editor = MagicFace.from_pretrained(
        args.model, base=args.base, dtype=args.dtype, device=args.device, finder=args.finder, parser=args.parser
    )
    editor.engine_for("diffusion")  # an error where no networks are named, and none were fetched
    editor.defaults = editor.defaults.asked(steps=args.steps, start=args.start, strength=args.strength)
    report = evaluate(
        editor, measurer, args.out, count=args.count, seed=args.seed, size=args.size, progress=not args.quiet
    )
    print(markdown(report))
    cli.say(f"{args.out}: report.md, report.json, sheet.png, and with matplotlib dose_response.png and errors.png")
    return cli.OK
