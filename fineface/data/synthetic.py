"""Synthetic people, with their captions and action units."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from common.core.errors import InputError
from common.parsing import foreground
from common.synthetic.data.dataset import SyntheticFaces
from common.synthetic.data.plan import VERSION
from common.synthetic.data.simplified import before_wall, close_shot, close_up, repainted
from common.synthetic.scene.captions import caption, expression_words
from common.synthetic.scene.factors import Scene

from .samples import Sample


class SyntheticSamples(Dataset[Sample]):
    """Samples of synthetic faces.

    Args:
        faces: single pictures, or pairs, of which both pictures are taken: what was drawn for MagicFace serves here.
        expression_words: captions describe the expression ("smiling broadly"). Without, the intensities alone do, and a
            prompt without it does not contradict them.
        short_captions: leave some phrases out of every second caption, so that short prompts are understood too.
        face_height: fraction of the picture's height to which the face is cropped, see `close_up`; 0 crops nothing.
        plain_ground: put all people in front of an even wall of some colour.
        mark_face: samples have "face" too.

    Raises InputError: pairs that differ in something else than the expression.
    """

    def __init__(
        self,
        faces: SyntheticFaces,
        *,
        expression_words: bool = False,
        short_captions: bool = False,
        face_height: float = 0.0,
        plain_ground: bool = False,
        mark_face: bool = False,
    ) -> None:
        if faces.plan.pairs not in (None, "expression"):
            raise InputError("Other pairs.", code="conflict", expected='none, or "expression"', actual=faces.plan.pairs)
        self.faces, self.words, self.short = faces, expression_words, short_captions
        self.face_height, self.plain, self.mark = face_height, plain_ground, mark_face
        self._last: tuple[int, Any] = (-1, None)  # both pictures of a pair are mostly read in turn
        self.roles = ("source", "target") if faces.plan.pairs else ("image",)
        self.fingerprint = f"v{VERSION} {faces.plan} captions expression_words={expression_words}"
        if short_captions:
            self.fingerprint += " short"
        if face_height or mark_face:
            self.fingerprint += f" face_height={face_height} mark_face={mark_face}"
        if plain_ground:
            self.fingerprint += " plain"

    def __len__(self) -> int:
        return len(self.faces) * len(self.roles)

    def __getitem__(self, index: int) -> Sample:
        number, role = divmod(index, len(self.roles))
        if self._last[0] != number:
            self._last = (number, self.faces[number])
        item = self._last[1]
        shown = item[self.roles[role]] if self.faces.plan.pairs else item
        scene, planes = self._scene(index), shown["image"]
        if self.plain:
            planes = repainted(planes, shown["background"], shown["mask"], scene)
        if self.mark:
            planes = torch.cat([planes, torch.from_numpy(foreground(shown["parts"].numpy(), "face")).float()[None]])
        if self.face_height:
            planes = close_up(planes, scene.shot, self.face_height)
        sample = {"image": planes[:3], "caption": self._caption(index, scene), "units": shown["units"].float()}
        return sample | ({"face": planes[3:]} if self.mark else {})

    def captions(self) -> list[str]:
        """The caption of every sample; no picture is drawn for it."""
        return [self._caption(index, self._scene(index)) for index in range(len(self))]

    def _scene(self, index: int) -> Scene:
        number, role = divmod(index, len(self.roles))
        scene = self.faces.plan.scenes(number)[self.roles[role]]
        return before_wall(scene, number) if self.plain else scene

    def _caption(self, index: int, scene: Scene) -> str:
        text = caption_of(scene, self.face_height, words=self.words)
        return shortened(text, index) if self.short and index % 2 else text


def caption_of(scene: Scene, face_height: float = 0.0, *, words: bool = False) -> str:
    """The caption of a scene, see `SyntheticSamples`; with `words` it describes the expression."""
    if face_height:
        scene = replace(scene, shot=close_shot(scene.shot, face_height))
    text, phrase = caption(scene), expression_words(scene.units)
    return text if words or not phrase else text.replace(f", {phrase}", "", 1)


def shortened(text: str, number: int) -> str:
    """A caption without some of its phrases, which follow from the number; the first one stays."""
    rng = np.random.default_rng(number)
    first, *others = text.split(", ")
    fraction = rng.random()
    return ", ".join([first, *(phrase for phrase in others if rng.random() < fraction)])
