"""An editor of one's own in one file, and how good it is: requests are percent of the FACS scale, such as {"AU12": 60}.

    python examples/own_editor.py --count 100 --output out/own_editor

The networks are MagicFace's small ones. The editor says how a request looks, and what the networks see of it; crops,
paste-back, warps and evaluation are those of all editors. Writes smile.png and the report of the evaluation.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common.cli.console import guarded
from common.diffusion.conditioning import Rig
from common.diffusion.loading import MAGICFACE
from common.editing.editor import Editor
from common.editing.subject import Subject, shared_guides
from common.evaluation.report import markdown
from common.evaluation.run import Suite, evaluate
from common.facs.action_units import ACTION_UNITS, AUDelta, to_vector
from common.imaging.images import save_image
from common.warp.delta import Change
from magicface import MagicFace

PHOTO = Path(__file__).with_name("portraits") / "calm.jpg"


class Percent(AUDelta):
    """Changes of action units, asked for in percent of the scale 0 to 5."""

    @classmethod
    def parse(cls, value: Any) -> Percent:
        """A request in percent by unit; one that is parsed already stays the same object."""
        if isinstance(value, cls):
            return value
        return cls(tuple(to_vector({unit: percent / 20 for unit, percent in value.items()})))

    def to_json(self) -> dict[str, float]:
        """The request as `parse` reads it."""
        return percent(self.values)


class PercentFace(Editor[Percent]):
    """MagicFace, asked in percent."""

    release = MAGICFACE
    request = Percent
    embedded = MagicFace.embedded

    def conditions(self, subjects: Sequence[Subject], requests: Sequence[Percent]) -> Rig:
        """The changes as the vector (B, 12), the background as conditioning image."""
        return Rig(torch.tensor([request.values for request in requests]), shared_guides(subjects))

    def warp(self, subject: Subject, request: Percent) -> np.ndarray:
        """The photo warped by its fitted head."""
        photo = self.fitted(subject)
        return photo(Change(torch.tensor(request.values), torch.eye(3), photo.light, photo.light))


def percent(units: Sequence[float]) -> dict[str, float]:
    """Changes (12,) as a request."""
    return {name: 20 * value for name, value in zip(ACTION_UNITS, units) if value}


SUITE = Suite().asking(percent)


def main() -> int:
    """Edits a photo and evaluates the editor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=8, help="edits to evaluate (default: 8)")
    parser.add_argument("--output", type=Path, default=Path("out/own_editor"), help="folder (default: out/own_editor)")
    args = parser.parse_args()
    editor = PercentFace.from_pretrained("embedded")
    subject = editor.encode(PHOTO)
    save_image(editor.edit(subject, {"AU6": 60, "AU12": 80}, progress=False), args.output / "smile.png")
    print(markdown(evaluate(editor, args.output / "evaluation", SUITE, count=args.count)))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
