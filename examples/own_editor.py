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

from common.action_units import ACTION_UNITS, to_vector
from common.checkpoints import MAGICFACE
from common.cli import guarded
from common.draft.change import Change
from common.editor import Editor
from common.evaluation.report import markdown
from common.evaluation.run import Suite, evaluate
from common.images import save_image
from common.rig import Rig, shared_guides
from common.subject import Subject
from magicface import MagicFace

PHOTO = Path(__file__).with_name("portraits") / "calm.jpg"
Percent = dict[str, float]


class PercentRigger:
    """Percent of the scale 0 to 5 -> the vector (B, 12), the background as conditioning image."""

    neutral: Percent = {}  # noqa: RUF012 - read only

    def as_list(self, wish: Any) -> list[Percent] | None:
        """The requests of a list of them; None for a single one."""
        return list(wish) if isinstance(wish, (list, tuple)) else None

    def plain(self, wish: Percent) -> Percent:
        """A request as JSON has it."""
        return dict(wish)

    def twin(self, subject: Subject, wish: Percent) -> Percent:
        """The null edit."""
        return self.neutral

    def draft(self, subject: Subject, wish: Percent) -> np.ndarray:
        """The photo warped by its fitted head."""
        photo = subject.draft
        units = torch.tensor(intensities(wish), dtype=torch.float32)
        return photo(Change(units, torch.eye(3), photo.light, photo.light))

    def __call__(self, subjects: Sequence[Subject], wishes: Sequence[Percent]) -> Rig:
        """One row for each request."""
        return Rig(torch.tensor([intensities(wish) for wish in wishes]), shared_guides(subjects))


class PercentFace(Editor[Percent]):
    """MagicFace, asked in percent."""

    release = MAGICFACE
    embedded = MagicFace.embedded
    rigger = PercentRigger()


def intensities(wish: Percent) -> Sequence[float]:
    """Changes (12,) of intensity on the FACS scale."""
    return to_vector({unit: percent / 20 for unit, percent in wish.items()})


def percent(units: Sequence[float]) -> Percent:
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
