"""Measures a model's pictures: do they have the action units that were asked for, and what the caption says?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from common import cli, options
from common.files import check_writable

from ..request import FineFaceModel
from . import SEED

ABOUT = """Measures a model's pictures: do they have the action units that were asked for, and what the caption says?

    fineface evaluate --count 100
    fineface evaluate --count 20 --model out/mine/model --out out/mine/evaluation

Captions of held-out synthetic people, each made twice from the same noise, without and with a wish: single action units
at three levels, and drawn expressions. Measured are the change between the two, what changed besides, and hair colour,
glasses and beard, beside the same read from true pictures. What was stopped goes on when the same command runs again.
"""


def main(arguments: Sequence[str]) -> int:
    """The command behind `fineface evaluate`; returns the exit code."""
    parser = cli.command_parser("fineface evaluate", ABOUT)
    parser.add_argument("--count", type=int, default=100, help="pairs of pictures, a quarter with drawn expressions")
    parser.add_argument("--out", type=Path, default=Path("out/fineface_evaluation"), help="folder of the report")
    parser.add_argument("--seed", type=int, default=SEED, help="of the people; not one that a training has used")
    parser.add_argument("--measurer", default="regressor", help="of the action units, see common.measure")
    options.add_quiet(parser)
    options.add_model_options(parser, FineFaceModel)
    args = parser.parse_args(arguments)
    cli.listen(args.quiet)
    check_writable(args.out.expanduser())
    from common.measure import get_measurer

    from ..editor import FineFace
    from .run import evaluate
    from .tables import markdown

    measurer = get_measurer(args.measurer)
    editor = FineFace.from_pretrained(**vars(FineFaceModel.of(vars(args))))
    report = evaluate(editor, measurer, args.out, count=args.count, seed=args.seed, progress=not args.quiet)
    print(markdown(report))
    cli.note(f"{args.out}: report.md, report.json, sheet.png, and with matplotlib dose_response.png")
    return cli.OK
