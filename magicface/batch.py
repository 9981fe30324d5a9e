"""`magicface batch`: many photos, many wishes, one folder."""

from __future__ import annotations

import argparse
from typing import Any

from common.action_units import AUDelta
from common.batch.command import batch, score
from common.batch.package import Package
from common.batch.wishes import BASELINE
from common.batch.worker import EditorWorker, worker_of
from common.provenance.command import maker, redo

ABOUT = """Edits many photos, many wishes each, into one folder; a run that was stopped goes on where it was.

    magicface batch photos/ --wishes wishes.txt -o run/
    magicface batch manifest.csv --wishes wishes.json -o run/ --inspect

A wish is what `magicface` takes: "AU12=3,AU6=2", "angry:0.7", {"AU12": 3}.
"""


def main(arguments: list[str]) -> int:
    """The command; returns the exit code."""
    return batch(Package("magicface", ABOUT, AUDelta.parse, worker, settings_of, {BASELINE: {}}), arguments)


def main_score(arguments: list[str]) -> int:
    """`magicface score`; returns the exit code."""
    return score("magicface", AUDelta.parse, arguments)


def main_redo(arguments: list[str]) -> int:
    """`magicface redo`; returns the exit code."""
    return redo("magicface", maker(_kind), arguments, prepared=True)


def worker(args: argparse.Namespace) -> EditorWorker:
    """Who edits, with the options of the command line."""
    return worker_of(_kind(), args, AUDelta.parse)


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """What decides how the pictures look, as plain values."""
    from common.batch.resolved import resolved

    return resolved(_kind(), args)


def _kind() -> Any:
    from ._api import MagicFace

    return MagicFace
