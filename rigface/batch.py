"""`rigface batch`: many photos, many requests of light, pose and expression, one folder."""

from __future__ import annotations

import argparse
from typing import Any

from common.batch.command import Batches
from common.cli.provenance import maker, redo
from common.core.errors import InputError
from common.provenance.recipe import Recipe

from .request import RigEdit

ABOUT = """Edits many photos, many requests each, into one folder; run the command again to resume.

    rigface batch photos/ --requests requests.json -o run/
    rigface batch manifest.csv --requests requests.json -o run/ --inspect

A request is {"light": "azimuth=60", "pose": "yaw=15", "expression": "AU12=3"}, or an expression alone.
"""


def requested(value: Any) -> list[float] | None:
    """The action units that a request asks for."""
    expression = RigEdit.parse(value).expression
    return list(expression) if expression else None


def kind() -> Any:
    """The class of the editor; brings torch."""
    from .editor import RigFace

    return RigFace


BATCHES = Batches("rigface", ABOUT, kind, RigEdit.parse, requested)
main = BATCHES.batch
main_score = BATCHES.score
main_report = BATCHES.report


def main_redo(arguments: list[str]) -> int:
    """`rigface redo`; returns the exit code."""
    return redo("rigface", _make_again, arguments)


def _make_again(recipe: Recipe, args: argparse.Namespace) -> Any:
    """The picture of a recipe, once more.

    Raises:
        InputError: it was made of prepared conditions; or see `common.editing.redo.redo`.
    """
    if "background" in recipe.settings:
        raise InputError(
            "This picture was made of an aligned crop with conditions that its file does not hold.\n"
            "  make it of them: rigface CROP --background PICTURE --render PICTURE --coefficients FILE"
        )
    return maker(kind)(recipe, args)
