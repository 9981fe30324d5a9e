"""`magicface batch`: many photos, many requests, one folder."""

from __future__ import annotations

from typing import Any

from common.batch.command import Batches
from common.cli.provenance import maker, redo
from common.facs.action_units import AUDelta

ABOUT = """Edits many photos, many requests each, into one folder; run the command again to resume.

    magicface batch photos/ --requests requests.txt -o run/
    magicface batch manifest.csv --requests requests.json -o run/ --inspect

A request is what `magicface` takes: "AU12=3,AU6=2", "angry:0.7", {"AU12": 3}.
"""


def kind() -> Any:
    """The class of the editor; brings torch."""
    from ._api import MagicFace

    return MagicFace


BATCHES = Batches("magicface", ABOUT, kind, AUDelta.parse, AUDelta.parse)
main = BATCHES.batch
main_score = BATCHES.score
main_report = BATCHES.report


def main_redo(arguments: list[str]) -> int:
    """`magicface redo`; returns the exit code."""
    return redo("magicface", maker(kind), arguments, prepared=True)
