"""People who do not exist, with their captions and action units."""

from __future__ import annotations

from torch.utils.data import Dataset

from common.errors import InputError
from common.synthetic.captions import caption, expression_words
from common.synthetic.dataset import SyntheticFaces
from common.synthetic.factors import Scene
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
        self.roles = ("source", "target") if faces.plan.pairs else ("image",)
        self.fingerprint = f"v{VERSION} {faces.plan} captions expression_words={expression_words}"

    def __len__(self) -> int:
        return len(self.faces) * len(self.roles)

    def __getitem__(self, index: int) -> Sample:
        """One sample."""
        number, role = divmod(index, len(self.roles))
        item = self.faces[number]
        shown = item[self.roles[role]] if self.faces.plan.pairs else item
        text = self._caption(self.faces.plan.scenes(number)[self.roles[role]])
        return {"image": shown["image"], "caption": text, "units": shown["units"].float()}

    def captions(self) -> list[str]:
        """The caption of every sample; no picture is drawn for it."""
        plan = self.faces.plan
        return [self._caption(plan.scenes(number)[role]) for number in range(len(self.faces)) for role in self.roles]

    def _caption(self, scene: Scene) -> str:
        text, phrase = caption(scene), expression_words(scene.units)
        return text if self.words or not phrase else text.replace(f", {phrase}", "", 1)
