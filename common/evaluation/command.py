"""The command `evaluate`, the same for every editor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..cli import console, options
from ..cli.editor_spec import EditorSpec, named
from ..core.files import check_writable
from ..editing.options import EditOptions, ModelOptions

if TYPE_CHECKING:
    from .run import Suite

ABOUT = """Measures a model's {items} of held-out synthetic people.

    {name} evaluate --count 200
    {name} evaluate --count 20 --model out/mine/model -o out/mine/evaluation

{about} An interrupted evaluation resumes when the same command runs again.
"""
CHANGES = """Single action units at several levels in both directions, and combinations, with the model's own settings:
how far the measured change follows the requested one, what else changed, the error to the true picture, the
background, the person, and the time."""


@dataclass(frozen=True)
class Evaluation:
    """Suite, help and defaults of the command for one editor.

    Attributes:
        suite: the value or its place, "module:name"; None for changes of 12 action units.
        about: a part of the help.
        count: default number of items.
        photos: photos are edited, whose size and sampling are options; else pictures are generated from text.
    """

    suite: str | Suite | None = None
    about: str = CHANGES
    count: int = 200
    photos: bool = True


def evaluate(spec: EditorSpec, evaluation: Evaluation, arguments: Sequence[str]) -> int:
    """The command; returns the exit code.

    Raises:
        MissingCheckpointError: no networks are named, and none were fetched.
    """
    items = "edits" if evaluation.photos else "pictures"
    about = ABOUT.format(name=spec.name, items=items, about=evaluation.about)
    parser = console.command_parser(f"{spec.name} evaluate", about)
    parser.add_argument("--count", type=int, default=evaluation.count, help=f"number of {items}")
    output = Path(f"out/{spec.name}_evaluation")
    parser.add_argument("-o", "--output", type=Path, default=output, help="folder of the report")
    parser.add_argument("--seed", type=int, help="of the people; not one that a training used (default: the suite's)")
    parser.add_argument("--estimator", default="regressor", help="auto, regressor, fit, landmarker or py-feat")
    options.add_quiet(parser)
    if evaluation.photos:
        parser.add_argument("--size", type=int, help="side of the photos in pixels (default: the suite's)")
        options.add_flags(parser, ModelOptions, ["detector", "parser"])
        options.add_flags(parser.add_argument_group("sampling"), EditOptions, ["steps", "start", "strength"])
    options.add_model_options(parser, spec.options[2])
    args = parser.parse_args(arguments)
    console.listen(args.quiet)
    check_writable(args.output.expanduser())
    from ..measure import get_estimator
    from .report import markdown
    from .run import Suite
    from .run import evaluate as run

    estimator = get_estimator(args.estimator)  # a wrong name should not cost the loading of a model
    model = replace(spec.options[2].of(vars(args)), size=None)  # the option is the photos'
    editor = spec.kind.from_pretrained(**vars(model))
    if evaluation.photos:
        editor.resolve(editor.edit_options(engine="diffusion"))
    asked = {name: getattr(args, name) for name in ("size", "steps", "start", "strength") if name in args}
    report = run(
        editor,
        args.output,
        Suite().asking(spec.request) if evaluation.suite is None else named(evaluation.suite),
        estimator=estimator,
        count=args.count,
        seed=args.seed,
        progress=not args.quiet,
        **asked,
    )
    print(markdown(report))
    console.note(f"{args.output}: report.md, report.json, metrics.csv, units.csv, sheet.png, charts with matplotlib")
    return console.OK
