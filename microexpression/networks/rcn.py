"""RCN (Xia et al. 2020, IEEE TIP, arXiv 2006.09674): one stem, one block, one place of attention, in six choices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from common.core.errors import InputError

from .modules import Dense, Embedding, NarrowStem, PairStem, Recurrent, WideStem, attention, unit

STEMS = {"narrow": NarrowStem, "wide": WideStem, "pair": PairStem}
BLOCKS = {"recurrent": Recurrent, "dense": Dense, "embedding": Embedding}
PLACES = ("none", "input", "output")


@dataclass(frozen=True)
class Architecture:
    """Which parts of `modules`.

    Attributes:
        stem: what looks at the flow.
        block: what follows it.
        attention: what it weighs: nothing, the flow's own on the stem's answer, or the stem's on the block's answer.

    Raises:
        InputError: a part that does not exist.
    """

    stem: Literal["narrow", "wide", "pair"]
    block: Literal["recurrent", "dense", "embedding"]
    attention: Literal["none", "input", "output"] = "none"

    def __post_init__(self) -> None:
        for name, known in (("stem", STEMS), ("block", BLOCKS), ("attention", PLACES)):
            if getattr(self, name) not in known:
                raise InputError(f"{name} must be one of {', '.join(known)}; got {getattr(self, name)!r}.")


ARCHITECTURES = {
    "a": Architecture("narrow", "recurrent", "output"),
    "s": Architecture("narrow", "dense"),
    "w": Architecture("wide", "recurrent"),
    "p": Architecture("pair", "dense", "output"),
    "c": Architecture("wide", "dense", "input"),
    "f": Architecture("wide", "embedding"),
}
"""The paper's: attention, shortcut, wide; P, C and F are what its search found. The released P and F cannot be
constructed (their constructors call classes that do not exist); F's third stream is left out there and the second taken
twice, which is not done here."""

UNUSED = {"s": ("convolution",), "p": ("convolution", "recurrent"), "c": ("convolution", "embedding")}
"""Parts that released networks carry and never use: whole blocks, and in "dense" a second 3 x 3 convolution."""


class RCN(nn.Module):
    """(B, 3, H, W) of flow in [0, 1] -> logits (B, `classes`); any size from 24 pixels on, 60 is usual.

    Args:
        architecture: one of `ARCHITECTURES` by its letter, or any other.
        maps: F, feature maps; even, by 4 for the wide stem.
        pool: P, side of the grid that the classifier sees.
        dropout: after the stem and after the block.
        unused: carry what the released networks carry and never use, for their parameter counts.

    Raises:
        InputError: a letter, or a number of maps, that cannot be used.
    """

    def __init__(
        self,
        architecture: str | Architecture = "a",
        classes: int = 3,
        maps: int = 32,
        pool: int = 5,
        dropout: float = 0.5,
        unused: bool = False,
    ) -> None:
        super().__init__()
        letter = architecture if isinstance(architecture, str) else ""
        if letter and letter not in ARCHITECTURES:
            raise InputError(f"There is no RCN {letter!r}; choose from {', '.join(ARCHITECTURES)}.")
        self.architecture = chosen = ARCHITECTURES[letter] if isinstance(architecture, str) else architecture
        if maps < 4 or maps % 4 or pool < 1:
            raise InputError(f"maps must divide by 4, pool be at least 1; got {maps} and {pool}.")
        self.stem, self.block = STEMS[chosen.stem](maps, dropout), BLOCKS[chosen.block](maps, dropout)
        self.maps, self.pool = maps, pool
        self.classifier = nn.Linear(maps * pool * pool, classes)
        if unused:
            makers = {"convolution": lambda: unit(maps, maps, 3, padding=1)}
            makers |= {name: partial(block, maps, dropout) for name, block in BLOCKS.items()}
            self.unused = nn.ModuleDict({name: makers[name]() for name in UNUSED.get(letter, ())})
        self.apply(_initialise)

    def features(self, flow: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) -> (B, maps, pool, pool), what the classifier weighs."""
        chosen = self.architecture
        weight = self.classifier.weight.view(-1, self.maps, self.pool, self.pool)
        x = self.stem(flow)
        if chosen.attention == "input":
            x = x * F.interpolate(attention(flow, weight), x.shape[-2:])  # nearest
        seen = F.adaptive_avg_pool2d(self.block(x, weight), self.pool)
        return seen * attention(x, weight) if chosen.attention == "output" else seen

    def forward(self, flow: torch.Tensor) -> torch.Tensor:
        """Logits, see the class."""
        return self.classifier(self.features(flow).flatten(1))


def _initialise(module: nn.Module) -> None:
    """Kaiming's for convolutions, N(0, 0.01) for the classifier, as released."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
        nn.init.zeros_(module.bias)
