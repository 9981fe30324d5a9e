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

    A ResNet-18 sees the flow; the outputs of its layers, scaled to [0, 1], weight those of another ResNet-18 that sees
    magnified motion: latents of onset to apex, and of onset to another frame near the apex. Both share a classifier.

    Args:
        classes: number of outputs; 12 action units as released.
        gates: "sample" scales each sample by its own least and largest value; "batch", as released, by the batch's, so
            that the outputs of a sample depend on its neighbours.
        width: fraction of the ResNets' maps, 1/64 to 1, for small machines; 1 is the paper's.

    Raises:
        InputError: unknown gates (code "unknown"), or width out of range ("range").
    """

    def __init__(
        self,
        classes: int = 12,
        gates: Literal["sample", "batch"] = "sample",
        width: float = 1.0,
    ) -> None:
        super().__init__()
        if gates not in ("sample", "batch"):
            raise InputError("gates is unknown.", code="unknown", expected="sample, batch", actual=gates)
        if not 1 / 64 <= width <= 1:
            raise InputError("width is out of range.", code="range", expected="in [1/64, 1]", actual=width)
        maps = [round(width * each) for each in MAPS]
        options = {"embedding_size": 64, "hidden_sizes": maps, "depths": [2, 2, 2, 2], "layer_type": "basic"}
        self.flow, self.motion = (ResNetModel(ResNetConfig(**options)) for _ in range(2))
        setattr(self.motion.embedder, "embedder", nn.Identity())  # noqa: B010 - its type is narrower; magnified motion takes its place
        self.magnifier = Magnifier()
        self.classifier = nn.Linear(maps[-1], classes)
        self.gates = gates

    def gate(self, seen: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) scaled to [0, 1]; a constant becomes 0."""
        along = tuple(range(1, seen.ndim)) if self.gates == "sample" else tuple(range(seen.ndim))
        least, largest = seen.amin(along, keepdim=True), seen.amax(along, keepdim=True)
        spread = largest - least
        return (seen - least) / torch.where(spread > 0, spread, 1)

    def forward(
        self, flow: torch.Tensor, *pictures: torch.Tensor, latents: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (B, classes) by flow alone, and by gated motion.

        The pictures are onset, apex and near; `latents` of the magnifier, (B, 64, H/2, W/2), may replace them when it
        is not trained. Raises ShapeError: the inputs have different shapes.
        """
        if latents is None:
            if len(pictures) != 3 or any(each.shape != flow.shape for each in pictures):
                other = next((each.shape for each in pictures if each.shape != flow.shape), flow.shape)
                raise ShapeError("flow, onset, apex and near", "four alike, (B, 3, H, W)", tuple(other))
            latents = self.magnifier.motion(pictures[0], pictures[1:], FACTOR)
        seen = self.flow.embedder(flow)
        moved = self.motion.embedder.pooler(F.relu(latents))
        for layer, other in zip(self.flow.encoder.stages, self.motion.encoder.stages):
            seen = layer(seen)
            moved = other(moved) * self.gate(seen)
        seen = self.flow.pooler(seen)
        moved = self.motion.pooler(moved) * self.gate(seen)
        return self.classifier(seen.flatten(1)), self.classifier(moved.flatten(1))
