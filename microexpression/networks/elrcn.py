"""ELRCN (Khor et al. 2018, FG workshops, arXiv 1805.08417): VGG-16 on each image of a clip, an LSTM over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional as F

from common.core.errors import InputError, MissingDependencyError, ShapeError

CHANNELS = {"flow": slice(0, 3), "strain": slice(3, 4), "grey": slice(4, 5)}
"""Channels of the images: u, v and magnitude; strain; brightness."""
GRID, FEATURES, HIDDEN, LAST = 7, 4096, 3000, 128
"""Side of the trunk's output; sizes of its two dense layers, of the LSTM, and of the layer before the classifier."""


class ELRCN(nn.Module):
    """(B, T, 5, H, W) of images, 0 to 255 -> logits (B, `classes`); T is 9 in the paper, H = W = 224.

    With spatial enrichment one trunk sees all channels; with temporal enrichment each modality has its own trunk, and
    the LSTM sees all features. The paper's trunks start from VGG-Face, which is no longer distributed; `trunks` take
    any VGG-16 by torchvision's names (`features.*`, `classifier.*`). Each channel of a clip is scaled to mean 0 and
    deviation 1 first, since motion between two frames is a few steps of 255; the authors' VGG-Face takes bytes.

    The released code reads frames with channels last and then *reshapes* them to channels first, which scrambles pixels
    and channels; here they are transposed, as in the paper.

    Args:
        modalities: one or more of `CHANNELS`.
        enrichment: see above; with one modality both are the same.
        width: fraction of all layers' sizes, 1/64 to 1, for small machines; 1 is the paper's.

    Raises:
        InputError: unknown modalities or enrichment (code "unknown"), or width out of range ("range").
        MissingDependencyError: kornia is not installed.
    """

    def __init__(
        self,
        classes: int = 5,
        modalities: Sequence[str] = ("flow",),
        enrichment: Literal["spatial", "temporal"] = "spatial",
        width: float = 1.0,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if not modalities or not set(modalities) <= set(CHANNELS):
            known = ", ".join(CHANNELS)
            raise InputError("modalities are unknown.", code="unknown", expected=known, actual=tuple(modalities))
        if enrichment not in ("spatial", "temporal"):
            known = "spatial, temporal"
            raise InputError("enrichment is unknown.", code="unknown", expected=known, actual=enrichment)
        if not 0 < width <= 1 or width * 64 < 1:
            raise InputError("width is out of range.", code="range", expected="in [1/64, 1]", actual=width)
        self.modalities, self.enrichment = tuple(modalities), enrichment
        seen = [CHANNELS[each] for each in self.modalities]
        if enrichment == "spatial":
            inputs = [sum(part.stop - part.start for part in seen)]
        else:
            inputs = [3] * len(seen)  # one channel is repeated, so that each trunk can start from VGG-Face
        features, hidden, last = (max(1, round(width * size)) for size in (FEATURES, HIDDEN, LAST))
        self.trunks = nn.ModuleList(Trunk(each, features, width, dropout) for each in inputs)
        self.frame_heads = nn.ModuleList(nn.Linear(features, classes) for _ in inputs)
        # A constant feature 1 is the LSTM's bias: one, as in Keras, where torch would have two.
        self.lstm = nn.LSTM(len(inputs) * features + 1, hidden, batch_first=True, bias=False)
        self.dense, self.classifier = nn.Linear(hidden, last), nn.Linear(last, classes)
        self.trunks.apply(_initialise)

    def inputs(self, images: torch.Tensor) -> list[torch.Tensor]:
        """What each trunk sees: (B, T, C, H, W) each. Raises ShapeError: not (B, T, 5, H, W)."""
        if images.ndim != 5 or images.shape[2] != 5:
            raise ShapeError("images", "(B, T, 5, H, W)", tuple(images.shape))
        along = (1, 3, 4)
        images = (images - images.mean(along, keepdim=True)) / (images.std(along, keepdim=True) + 1e-4)
        parts = [images[:, :, CHANNELS[each]] for each in self.modalities]
        if self.enrichment == "spatial":
            return [torch.cat(parts, 2)]
        return [part.expand(-1, -1, 3, -1, -1) for part in parts]

    def forward(self, images: torch.Tensor, stages: bool = False) -> Any:
        """Logits, see the class.

        With `stages` both of the paper's trainings at once: logits (B, classes) of the clip, whose gradients do not
        reach the trunks, and (trunks, B, T, classes) of each image.
        """
        seen = zip(self.trunks, self.inputs(images))
        features = [trunk(part.flatten(0, 1)).unflatten(0, part.shape[:2]) for trunk, part in seen]
        whole = torch.cat(features, 2)
        if not stages:
            return self._over_time(whole)
        frames = torch.stack([head(each) for head, each in zip(self.frame_heads, features)])
        return self._over_time(whole.detach()), frames

    def _over_time(self, features: torch.Tensor) -> torch.Tensor:
        with_bias = torch.cat([features, torch.ones_like(features[..., :1])], 2)
        _, (last, _) = self.lstm(with_bias)
        return self.classifier(F.relu(self.dense(last[0])))


class Trunk(nn.Module):
    """VGG-16 up to its second dense layer: (B, C, H, W) -> (B, features)."""

    def __init__(self, channels: int, features: int, width: float, dropout: float) -> None:
        super().__init__()
        try:
            from kornia.feature.dedode.vgg import cfgs, make_layers
        except ImportError as error:
            raise MissingDependencyError("kornia", "ELRCN's trunk", 'pip install "face-rig[micro]"') from error
        plan = [each if isinstance(each, str) else max(1, round(width * each)) for each in cfgs["D"]]
        layers, last = make_layers(plan), int(plan[-2])
        if channels != 3:  # the library's start with three
            layers[0] = nn.Conv2d(channels, len(layers[0].weight), 3, padding=1)  # pyright: ignore[reportArgumentType]
        self.features = layers
        self.pool = nn.AdaptiveAvgPool2d(GRID)  # the identity at 224 px
        drop = nn.Dropout(dropout)
        rows = last * GRID * GRID
        self.classifier = nn.Sequential(nn.Linear(rows, features), nn.ReLU(), drop, nn.Linear(features, features))
        self.dropout = dropout

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """See the class."""
        dense = self.classifier(self.pool(self.features(image)).flatten(1))
        return F.dropout(F.relu(dense), self.dropout, self.training)


def _initialise(module: nn.Module) -> None:
    """He's initialisation, which VGG without batch normalisation needs; with torch's own the signal vanishes."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
