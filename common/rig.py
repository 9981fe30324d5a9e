"""The contract between a human wish and the UNet: a Rig is what the network sees of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch

from .errors import ShapeError

Wish = TypeVar("Wish", contravariant=True)


@dataclass(frozen=True)
class Rig:
    """The conditions of one batch of edits.

    Attributes:
        vector: (B, V), enters through `class_labels`, next to the timestep.
        guides: pictures concatenated to the noisy latents, in the order of the network's channels; each (1 or B, 3, H,
            W) in [0, 1], or already encoded as (1 or B, 4, h, w) latents (`FaceEditPipeline.encode_image`), so that a
            guide that many edits share passes the VAE once.
    """

    vector: torch.Tensor
    guides: tuple[torch.Tensor, ...] = ()

    def __post_init__(self) -> None:
        if self.vector.ndim != 2:
            raise ShapeError("Rig.vector", "(B, V)", self.vector.shape)
        for guide in self.guides:
            if guide.ndim != 4 or len(guide) not in (1, len(self)):
                raise ShapeError("Rig guide", f"(1 or {len(self)}, channels, height, width)", guide.shape)

    def __len__(self) -> int:
        return len(self.vector)


class Rigger(Protocol[Wish]):
    """Turns wishes about a subject into a Rig; one per editor."""

    def __call__(self, wishes: list[Wish], guides: tuple[torch.Tensor, ...]) -> Rig:
        """Wishes (B of them) and the subject's own guides -> what the network sees."""
        ...
