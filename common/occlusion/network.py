"""The small network that says whether an organ is seen, by the numbers of `features`.

It was trained by `examples/train_occlusion.py` on pictures of synthetic people and of things drawn before them; of
photographs none was shown to it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from ..weights.state_dict import frozen

WEIGHTS = Path(__file__).with_name("occlusion.safetensors")
_COUNTS = {"eye": 35, "nose": 42, "mouth": 60}  # cells of the patches
HIDDEN = 24


class Network(nn.Module):
    """One small network each for eyes, noses and mouths; a left eye is looked at in the mirror."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds = nn.ModuleDict({name: _head(6 * cells + 1 + 36 + 3) for name, cells in _COUNTS.items()})

    def forward(self, kind: str, numbers: torch.Tensor) -> torch.Tensor:
        """Features (B, F) -> logits (B,), above 0 where something hides the organ."""
        return self.kinds[kind](numbers)[:, 0]


def _head(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm1d(width), nn.Linear(width, HIDDEN), nn.ReLU(), nn.Dropout(0.3), nn.Linear(HIDDEN, 1)
    )


def kind_of(organ: str) -> str:
    """Which of the networks looks at an organ of `ORGANS`."""
    return organ.split()[-1]


@lru_cache(maxsize=1)
def network() -> Network:
    """The network with its weights."""
    return frozen(Network(), WEIGHTS)
