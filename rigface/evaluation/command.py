"""Measures a model's edits of held-out synthetic people against their true pictures.

    rigface evaluate --count 200
    rigface evaluate --count 20 --model out/mine/model --out out/mine/evaluation
    rigface evaluate --start draft --strength 0 --out out/draft     warps, without denoising

Light, pose, single action units and combinations in turn, with the model's own settings: where the light comes from and
how the head is turned afterwards, how far the expression follows, what changed besides, the error to the truth, the
person, and the time. What was stopped goes on when the same command runs again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common import cli

from . import SEED


def main(arguments: Sequence[str]) -> int:
    """The command behind `rigface evaluate`; returns the exit code."""
    parser = argparse.ArgumentParser("rigface evaluate", description=__doc__, formatter_class=cli.HelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="edits: light, pose, expression, combinations in turn")
    parser.add_argument("--out", type=Path, default=Path("out/rigface_evaluation"), help="folder of the report")
    parser.add_argument("--seed", type=int, default=SEED, help="of the people; not one that a training has used")
    parser.add_argument("--size", type=int, default=128, help="side of their photos in pixels")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--finder", default="auto", help="auto, insightface, face-alignment or mediapipe")
    parser.add_argument("--parser", default="auto", help="auto, bisenet, segformer, embedded or grabcut")
    way = parser.add_argument_group("sampling")
    way.add_argument("--steps", type=int, help="denoising steps (default: the model's own)")
    cli.add_start_options(way)
    cli.add_model_options(parser)
    args = parser.parse_args(arguments)
    from ..editor import RigFace
    from .run import evaluate
    from .tables import markdown

    editor = RigFace.from_pretrained(
        args.model, base=args.base, dtype=args.dtype, device=args.device, finder=args.finder, parser=args.parser
    )
    editor.engine_for("diffusion")  # an error where no networks are named, and none were fetched
    editor.defaults = editor.defaults.asked(steps=args.steps, start=args.start, strength=args.strength)
    report = evaluate(editor, args.out, count=args.count, seed=args.seed, size=args.size, progress=not args.quiet)
    print(markdown(report))
    cli.say(f"{args.out}: report.md, report.json, sheet.png, and with matplotlib dose_response.png")
    return cli.OK
