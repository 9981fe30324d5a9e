"""`rigface batch`: many photos, many wishes of light, pose and expression, one folder."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from common.batch.command import batch, score
from common.batch.jobs import Job
from common.batch.package import Package
from common.batch.report.command import report
from common.batch.wishes import BASELINE
from common.batch.worker import EditorWorker, worker_of
from common.batch.worker import check as check_options
from common.errors import InputError
from common.provenance.command import maker, redo
from common.provenance.recipe import Recipe

from .options import RigEditOptions
from .request import RigEdit

ABOUT = """Edits many photos, many wishes each, into one folder; a run that was stopped goes on where it was.

    rigface batch photos/ --wishes wishes.json -o run/
    rigface batch manifest.csv --wishes wishes.json -o run/ --inspect

A wish is {"light": "azimuth=60", "pose": "yaw=15", "expression": "AU12=3"}, or an expression alone.
"""


def main(arguments: list[str]) -> int:
    """The command; returns the exit code."""
    return batch(Package("rigface", ABOUT, RigEdit.parse, worker, settings_of, {BASELINE: {}}, check=check), arguments)


def main_score(arguments: list[str]) -> int:
    """`rigface score`; returns the exit code."""
    return score("rigface", _requested, arguments)


def main_redo(arguments: list[str]) -> int:
    """`rigface redo`; returns the exit code."""
    return redo("rigface", _make_again, arguments)


def main_report(arguments: list[str]) -> int:
    """`rigface report`; returns the exit code."""
    return report("rigface", _requested, False, arguments)


def check(args: argparse.Namespace, jobs: Sequence[Job]) -> argparse.Namespace:
    """The options, of which none is wrong."""
    RigEditOptions.of(vars(args))
    return check_options(args, jobs)


def worker(args: argparse.Namespace) -> EditorWorker:
    """Who edits, with the options of the command line."""
    return worker_of(_kind(), args, RigEdit.parse)


def _make_again(recipe: Recipe, args: argparse.Namespace) -> Any:
    """The picture of a recipe, once more.

    Raises:
        InputError: it was made of prepared conditions; or see `common.provenance.redo.redo`.
    """
    if "background" in recipe.settings:
        raise InputError(
            "This picture was made of a prepared crop with conditions that its file does not hold.\n"
            "  make it of them: rigface CROP --background PICTURE --render PICTURE --coefficients FILE"
        )
    return maker(_kind)(recipe, args)


def _requested(value: Any) -> list[float] | None:
    expression = RigEdit.parse(value).expression
    return list(expression) if expression else None


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """What decides how the pictures look, as plain values."""
    from common.batch.resolved import resolved

    return resolved(_kind(), args)


def _kind() -> Any:
    from .editor import RigFace

    return RigFace
