"""Measures a model's edits of held-out synthetic people against their true pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from common import cli, options
from common.edit_options import EditOptions, ModelOptions
from common.files import check_writable

from . import SEED

ABOUT = """Measures a model's edits of held-out synthetic people against their true pictures.

    rigface evaluate --count 200
    rigface evaluate --count 20 --model out/mine/model --out out/mine/evaluation
    rigface evaluate --start draft --strength 0 --out out/draft     warps, without denoising

Light, pose, single action units and combinations in turn, with the model's own settings: where the light comes from and
how the head is turned afterwards, how far the expression follows, what changed besides, the error to the truth, the
person, and the time. What was stopped goes on when the same command runs again.
"""


def main(arguments: Sequence[str]) -> int:
    """The command behind `rigface evaluate`; returns the exit code."""
    parser = cli.command_parser("rigface evaluate", ABOUT)
    parser.add_argument("--count", type=int, default=200, help="edits: light, pose, expression, combinations in turn")
    parser.add_argument("--out", type=Path, default=Path("out/rigface_evaluation"), help="folder of the report")
    parser.add_argument("--seed", type=int, default=SEED, help="of the people; not one that a training has used")
    parser.add_argument("--size", type=int, default=128, help="side of their photos in pixels")
    options.add_quiet(parser)
    options.add_flags(parser, ModelOptions, ["finder", "parser"])
    group = parser.add_argument_group("sampling")
    group.add_argument("--steps", type=int, help="denoising steps (default: the model's own)")
    options.add_flags(group, EditOptions, ["start", "strength"])
    options.add_model_options(parser)
    args = parser.parse_args(arguments)
    cli.listen(args.quiet)
    check_writable(args.out.expanduser())
    from ..editor import RigFace
    from .run import evaluate
    from .tables import markdown

    editor = RigFace.from_pretrained(
        args.model, base=args.base, dtype=args.dtype, device=args.device, finder=args.finder, parser=args.parser
    )
    editor.resolve(EditOptions(engine="diffusion"))  # an error where no networks are named, and none were fetched
    way = {"steps": args.steps, "start": args.start, "strength": args.strength}
    editor.resolve(EditOptions(**way))
    editor = editor.with_defaults(**way)
    report = evaluate(editor, args.out, count=args.count, seed=args.seed, size=args.size, progress=not args.quiet)
    print(markdown(report))
    cli.note(f"{args.out}: report.md, report.json, sheet.png, and with matplotlib dose_response.png")
    return cli.OK
