"""`rigface batch`: many photos, many requests of light, pose and expression, one folder."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from common.batch.command import Batches
from common.batch.jobs import Job
from common.errors import InputError
from common.provenance.command import maker, redo
from common.provenance.recipe import Recipe

from .checks import check_guidance
from .wish import ATTRIBUTES, RigWish

ABOUT = """Edits many photos, many requests each, into one folder; run the command again to resume.

    rigface batch photos/ --wishes wishes.json -o run/
    rigface batch manifest.csv --wishes wishes.json -o run/ --inspect

A request is {"light": "azimuth=60", "pose": "yaw=15", "expression": "AU12=3"}, or an expression alone.
"""


def read_wish(value: Any) -> RigWish:
    """A wish as files have it.

    Raises:
        InputError, ActionUnitError: it is none.
    """
    if not isinstance(value, Mapping):
        return RigWish(expression=value)
    if not value or set(value) <= set(ATTRIBUTES):
        return RigWish(**value)
    if set(value) & set(ATTRIBUTES):
        raise InputError(
            f"A wish has {', '.join(ATTRIBUTES)}, or action units alone; got {', '.join(map(str, value))}."
        )
    return RigWish(expression=dict(value))


def requested(value: Any) -> list[float] | None:
    """The action units that a request asks for."""
    expression = read_wish(value).expression
    return list(expression) if expression else None


def kind() -> Any:
    """The class of the editor; brings torch."""
    from .editor import RigFace

    return RigFace


class RigBatches(Batches):
    """See `Batches`; guidance has no effect, and is refused."""

    def check(self, args: argparse.Namespace, jobs: Sequence[Job]) -> argparse.Namespace:
        """See `Batches`."""
        check_guidance(args.guidance)
        return super().check(args, jobs)


BATCHES = RigBatches("rigface", ABOUT, kind, read_wish, requested)
main = BATCHES.batch
main_score = BATCHES.score
main_report = BATCHES.report


def main_redo(arguments: list[str]) -> int:
    """`rigface redo`; returns the exit code."""
    return redo("rigface", _make_again, arguments)


def _make_again(recipe: Recipe, args: argparse.Namespace) -> Any:
    """The picture of a recipe, once more.

    Raises:
        InputError: it was made of prepared conditions; or see `common.provenance.redo.redo`.
    """
    if recipe.settings.get("extent") == "prepared":
        raise InputError(
            "This picture was made of a prepared crop with conditions that its file does not hold.\n"
            "  make it of them: rigface CROP --background PICTURE --render PICTURE --coefficients FILE"
        )
    return maker(kind, _read_again)(recipe, args)


def _read_again(value: Any) -> RigWish:
    """The wish of a picture's recipe.

    Raises:
        InputError: it was copied from another photo, of which a recipe has the name alone.
    """
    if isinstance(value, Mapping) and "target" in value:
        raise InputError(
            f"The {' and '.join(value['copy'])} of this picture came from another photo, {value['target']}, which its "
            "file does not hold.\n  make it from that photo: rigface PHOTO --target PHOTO --copy WHAT"
        )
    return read_wish(value)
