"""An editor of one's own in one file: requests are percent of the FACS scale, such as AU12=60 for a smile.

    python examples/own_editor.py photo.jpg AU6=60 AU12=80 -o smile.png
    python examples/own_editor.py sweep photo.jpg AU12
    python examples/own_editor.py batch photos/ --requests requests.txt -o run/
    python examples/own_editor.py app
    python examples/own_editor.py evaluate --model embedded --count 8
    python examples/own_editor.py --help                            all commands

The networks are MagicFace's. The file says how a request looks, and what networks and warps see of it; all the rest is
that of every editor. In Python: VERBS.sweep("photo.jpg", "AU12").sheet().
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from common.cli.editor_spec import EditorSpec
from common.diffusion.conditioning import Rig
from common.diffusion.loading import MAGICFACE
from common.editing.editor import Editor
from common.editing.subject import Subject, shared_conditioning_images
from common.editing.verbs import Verbs
from common.face3d.heads.au_scale import to_scale
from common.facs.action_units import AUDelta, to_vector
from common.facs.expressions import is_word
from common.program import Program
from magicface import MagicFace


class Percent(AUDelta):
    """Changes of action units, asked for in percent of the scale 0 to 5."""

    swept = (-40.0, 0.0, 20.0, 40.0, 60.0, 80.0)

    @classmethod
    def parse(cls, value: Any) -> Percent:
        """A request in percent by unit, or an expression; one that is parsed already stays the same object."""
        if isinstance(value, AUDelta) or (isinstance(value, str) and is_word(value)):
            return super().parse(value)
        return cls(tuple(unit / 20 for unit in to_vector(value, low=-200, high=200)))

    def to_json(self) -> dict[str, float]:
        """The request as `parse` reads it."""
        return {unit: 20 * value for unit, value in super().to_json().items()}


class PercentFace(Editor[Percent]):
    """MagicFace, asked in percent."""

    release = replace(MAGICFACE, name="own_editor")
    request = Percent
    embedded = MagicFace.embedded

    def conditions(self, subjects: Sequence[Subject], requests: Sequence[Percent]) -> Rig:
        """The changes as the vector (B, 12), the background as conditioning image."""
        vector = to_scale(torch.tensor([request.values for request in requests]), self.defaults.au_scale)
        return Rig(vector, shared_conditioning_images(subjects))

    def warp(self, subject: Subject, request: Percent) -> np.ndarray:
        """The photo warped by its fitted head."""
        photo = self.fitted(subject)
        return photo(photo.change(request))


VERBS = Verbs(PercentFace)
PROGRAM = Program(EditorSpec("own_editor", PercentFace, Percent), __doc__ or "", example="AU12=60")

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
