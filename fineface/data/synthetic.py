"""People who do not exist, with their captions and action units."""

from __future__ import annotations

import numpy as np
from torch.utils.data import Dataset

from common.errors import InputError
from common.synthetic.captions import expression_words
from common.synthetic.dataset import SyntheticFaces
from common.synthetic.plan import VERSION

from .samples import Sample


class SyntheticSamples(Dataset[Sample]):
    """Samples of synthetic faces.

    Args:
        faces: single pictures, or pairs, of which both pictures are taken: what was drawn for MagicFace serves here.
        expression_words: whether captions say what the face does ("smiling broadly"). Without, the intensities alone
            say it, and a prompt that does not speak of it does not contradict them.

    Raises:
        InputError: pairs that differ in something else than the expression.
    """

    def __init__(self, faces: SyntheticFaces, *, expression_words: bool = False) -> None:
        if faces.plan.pairs not in (None, "expression"):
            raise InputError(f'The faces must be single, or pairs="expression"; they have {faces.plan.pairs!r}.')
        self.faces, self.words = faces, expression_words
        self.roles = ("source", "target") if faces.plan.pairs else ()
        self.fingerprint = f"v{VERSION} {faces.plan} captions expression_words={expression_words}"

    def __len__(self) -> int:
        return len(self.faces) * max(1, len(self.roles))

    def __getitem__(self, index: int) -> Sample:
        """One sample."""
        if self.roles:
            pair, role = divmod(index, len(self.roles))
            item = self.faces[pair][self.roles[role]]
        else:
            item = self.faces[index]
        text = item["caption"]
        if not self.words:
            sides = np.round(item["units_sides"].double().numpy(), 3)  # as they were drawn
            if phrase := expression_words(sides.tolist()):
                text = text.replace(f", {phrase}", "", 1)
        return {"image": item["image"], "caption": text, "units": item["units"].float()}
