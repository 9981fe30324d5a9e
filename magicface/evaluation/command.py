"""Measures a model's edits of held-out synthetic people against their true pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from common import cli, options
from common.edit_options import EditOptions, ModelOptions
from common.files import check_writable

from . import SEED

ABOUT = """Measures a model's edits of held-out synthetic people against their true pictures.

    python -m magicface evaluate --count 200
    python -m magicface evaluate --count 20 --model out/mine/model --out out/mine/evaluation
    python -m magicface evaluate --start draft --strength 0 --out out/draft     warps, without denoising

Single action units at several levels in both directions, and combinations, with the model's own settings: how far the
measured change follows the requested one, what changed besides, the error to the truth, the background, the person, and
the time. What was stopped goes on when the same command runs again.
"""


def main(arguments: Sequence[str]) -> int:
    """The command behind `python -m magicface evaluate`; returns the exit code."""
    parser = cli.command_parser("magicface evaluate", ABOUT)
    parser.add_argument("--count", type=int, default=200, help="edits, a quarter of them combinations")
    parser.add_argument("--out", type=Path, default=Path("out/evaluation"), help="folder of the report")
    parser.add_argument("--seed", type=int, default=SEED, help="of the people; not one that a training has used")
    parser.add_argument("--size", type=int, default=128, help="side of their photos in pixels")
    parser.add_argument("--measurer", default="regressor", help="of the action units, see common.measure")
    options.add_quiet(parser)
    options.add_flags(parser, ModelOptions, ["finder", "parser"])
    group = parser.add_argument_group("sampling")
    group.add_argument("--steps", type=int, help="denoising steps (default: the model's own)")
    options.add_flags(group, EditOptions, ["start", "strength"])
    options.add_model_options(parser)
    args = parser.parse_args(arguments)
    cli.listen(args.quiet)
    check_writable(args.out.expanduser())
    from common.measure import get_measurer

    from .._api import MagicFace
    from .run import evaluate
    from .tables import markdown

    measurer = get_measurer(args.measurer)
    editor = MagicFace.from_pretrained(
        args.model, base=args.base, dtype=args.dtype, device=args.device, finder=args.finder, parser=args.parser
    )
    editor.resolve(EditOptions(engine="diffusion"))  # an error where no networks are named, and none were fetched
    way = {"steps": args.steps, "start": args.start, "strength": args.strength}
    editor.resolve(EditOptions(**way))
    editor = editor.with_defaults(**way)
    report = evaluate(
        editor, measurer, args.out, count=args.count, seed=args.seed, size=args.size, progress=not args.quiet
    )
    print(markdown(report))
    cli.note(f"{args.out}: report.md, report.json, sheet.png, and with matplotlib dose_response.png and errors.png")
    return cli.OK
