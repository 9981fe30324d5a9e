"""MagicFace: a photo in, a Subject; a Subject and changes of action units in, photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from common.core.files import EMBEDDED
from common.diffusion.conditioning import Rig
from common.diffusion.loading import MAGICFACE
from common.editing.editor import Editor
from common.editing.subject import Subject, shared_conditioning_images
from common.face3d.heads.au_scale import to_scale
from common.facs.action_units import AUDelta


class MagicFace(Editor[AUDelta]):
    """Changes a face's expression by action-unit variations; person, pose and background stay.

        editor = MagicFace.from_pretrained()
        subject = editor.encode("photo.jpg")
        for intensity in (1, 2, 3):
            editor.edit(subject, {"AU12": intensity}).save(f"smile{intensity}.png")

    After MagicFace: Wei et al., "MagicFace: High-Fidelity Facial Expression Editing with Action-Unit Control",
    arXiv 2501.02260.
    """

    release = MAGICFACE
    request = AUDelta
    embedded = Path(__file__).with_name(EMBEDDED)

    def conditions(self, subjects: Sequence[Subject], requests: Sequence[AUDelta]) -> Rig:
        """The changes as the vector (B, 12) on the networks' scale, the background as the one conditioning image."""
        vector = to_scale(torch.tensor([request.values for request in requests]), self.defaults.au_scale)
        return Rig(vector, shared_conditioning_images(subjects))

    def warp(self, subject: Subject, request: AUDelta) -> np.ndarray:
        """The photo with the face moved by its own fitted head, see `common.warp`."""
        photo = self.fitted(subject)
        return photo(photo.change(request))
