"""InfuseNet (2025, SCIA, arXiv 2504.09326): flow gates magnified motion, layer by layer."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F
from transformers import ResNetConfig, ResNetModel

from common.core.errors import InputError, ShapeError

from .magnifier import Magnifier

FACTOR, MAPS = 10.0, (64, 128, 256, 512)


class InfuseNet(nn.Module):
    """Flow (B, 3, H, W) in [0, 1], and three pictures of the clip in [-1, 1] of its size, to two rows of logits.

    A ResNet-18 sees the flow; what its layers answer, brought to [0, 1], weighs what those of another one make of
    magnified motion: latents of onset to apex, and of onset to another frame near the apex. Both end in the same
    classifier.

    Args:
        classes: of the answer; 12 action units as released.
        gates: "sample" brings each sample's answers to [0, 1] by its own least and largest; "batch", as released, by
            the batch's, so that what a sample gets depends on its neighbours.
        width: share of the ResNets' maps, for small machines; 1 is the paper's.
        factor: of the magnification.

    Raises:
        InputError: unknown gates, or a width that leaves nothing.
    """

    def __init__(
        self,
        classes: int = 12,
        gates: Literal["sample", "batch"] = "sample",
        width: float = 1.0,
        factor: float = FACTOR,
    ) -> None:
        super().__init__()
        if gates not in ("sample", "batch"):
            raise InputError(f'gates must be "sample" or "batch"; got {gates!r}.')
        if not 1 / 64 <= width <= 1:
            raise InputError(f"width must lie in [1/64, 1]; got {width}.")
        maps = [round(width * each) for each in MAPS]
        options = {"embedding_size": 64, "hidden_sizes": maps, "depths": [2, 2, 2, 2], "layer_type": "basic"}
        self.flow, self.motion = (ResNetModel(ResNetConfig(**options)) for _ in range(2))
        setattr(self.motion.embedder, "embedder", nn.Identity())  # noqa: B010 - its type is narrower; magnified motion comes in its place
        self.magnifier = Magnifier()
        self.classifier = nn.Linear(maps[-1], classes)
        self.gates, self.factor = gates, factor

    def gate(self, seen: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) in [0, 1], of the same shape; 0 where all is the same."""
        along = tuple(range(1, seen.ndim)) if self.gates == "sample" else tuple(range(seen.ndim))
        least, largest = seen.amin(along, keepdim=True), seen.amax(along, keepdim=True)
        spread = largest - least
        return (seen - least) / torch.where(spread > 0, spread, 1)

    def latents(
        self, onset: torch.Tensor, apex: torch.Tensor, near: torch.Tensor, factor: float | None = None
    ) -> torch.Tensor:
        """Magnified motion, (B, 64, H/2, W/2); depends on no trained weight but the magnifier's."""
        return self.magnifier.motion(onset, (apex, near), self.factor if factor is None else factor)

    def forward(
        self, flow: torch.Tensor, *pictures: torch.Tensor, latents: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (B, classes) by flow alone, and by gated motion, of onset, apex and near, or of `latents` for
        trainings that leave the magnifier as it is. Raises ShapeError for inputs that are not four alike.
        """
        if latents is None:
            if len(pictures) != 3 or any(each.shape != flow.shape for each in pictures):
                other = next((each.shape for each in pictures if each.shape != flow.shape), flow.shape)
                raise ShapeError("flow, onset, apex and near", "four alike, (B, 3, H, W)", tuple(other))
            latents = self.latents(*pictures)
        seen = self.flow.embedder(flow)
        moved = self.motion.embedder.pooler(F.relu(latents))
        for layer, other in zip(self.flow.encoder.stages, self.motion.encoder.stages):
            seen = layer(seen)
            moved = other(moved) * self.gate(seen)
        seen = self.flow.pooler(seen)
        moved = self.motion.pooler(moved) * self.gate(seen)
        return self.classifier(seen.flatten(1)), self.classifier(moved.flatten(1))
