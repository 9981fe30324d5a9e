"""The command `evaluate`, the same for every editor."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ..cli import console, options
from ..core.files import check_writable
from ..editing.options import EditOptions, ModelOptions


def add_photo_options(parser: argparse.ArgumentParser) -> None:
    """Options of an editor of photos."""
    parser.add_argument("--size", type=int, default=128, help="side of the photos in pixels")
    options.add_flags(parser, ModelOptions, ["detector", "parser"])
    options.add_flags(parser.add_argument_group("sampling"), EditOptions, ["steps", "start", "strength"])
    options.add_model_options(parser)


def load_photo_editor(kind: Any, args: argparse.Namespace) -> Any:
    """An editor of a class, from the options of `add_photo_options`.

    Raises:
        MissingCheckpointError: no networks are named, and none were fetched.
    """
    editor = kind.from_pretrained(
        args.model, base=args.base, dtype=args.dtype, device=args.device, detector=args.detector, parser=args.parser
    )
    editor.resolve(editor.edit_options(engine="diffusion"))
    return editor


@dataclass(frozen=True)
class EvaluateCommand:
    """The command of one editor.

    Attributes:
        package: name of the editor's package, whose `evaluation.metrics.SUITE` is evaluated.
        editor: name of the editor's class in it.
        about: what it does, with examples.
        seed: of the people.
        count: items by default.
        count_help: what the items are.
        output: folder of the report by default.
        add: adds the options that choose the model.
        load: an editor of a class, from these options.
    """

    package: str
    editor: str
    about: str
    seed: int
    count: int
    count_help: str
    output: str
    add: Callable[[argparse.ArgumentParser], object] = add_photo_options
    load: Callable[[Any, argparse.Namespace], Any] = load_photo_editor

    def __call__(self, arguments: Sequence[str]) -> int:
        """Runs it with the arguments; returns the exit code."""
        parser = console.command_parser(f"{self.package} evaluate", self.about)
        parser.add_argument("--count", type=int, default=self.count, help=self.count_help)
        parser.add_argument("-o", "--output", type=Path, default=Path(self.output), help="folder of the report")
        parser.add_argument("--seed", type=int, default=self.seed, help="of the people; not one that a training used")
        parser.add_argument("--estimator", default="regressor", help="AU estimator: auto, regressor, fit or py-feat")
        options.add_quiet(parser)
        self.add(parser)
        args = parser.parse_args(arguments)
        console.listen(args.quiet)
        check_writable(args.output.expanduser())
        from ..measure import get_estimator
        from .report import markdown
        from .run import evaluate

        estimator = get_estimator(args.estimator)  # a wrong name should not cost the loading of a model
        asked = {name: getattr(args, name) for name in ("size", "steps", "start", "strength") if name in args}
        editor = self.load(getattr(import_module(self.package), self.editor), args)
        report = evaluate(
            editor,
            args.output,
            import_module(f"{self.package}.evaluation.metrics").SUITE,
            estimator=estimator,
            count=args.count,
            seed=args.seed,
            progress=not args.quiet,
            **asked,
        )
        print(markdown(report))
        console.note(
            f"{args.output}: report.md, report.json, metrics.csv, units.csv, sheet.png, and charts with matplotlib"
        )
        return console.OK
