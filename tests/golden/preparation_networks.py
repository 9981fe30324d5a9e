"""Weights and inputs of the golden networks that prepare a photo, by their formula (`preparation/README.md`)."""

from __future__ import annotations

import json

import torch
from folders import GOLDEN


def shapes(name: str) -> dict[str, list[int]]:
    """Every key and shape of "bisenet", "d3dfr" or "deca", in the published file's order."""
    return json.loads((GOLDEN / "preparation" / f"{name}_shapes.json").read_text())


def weights(name: str) -> dict[str, torch.Tensor]:
    """The golden weights of a network."""
    state = {}
    for j, (key, shape) in enumerate(shapes(name).items()):
        if key.endswith("num_batches_tracked"):
            state[key] = torch.tensor(0)
            continue
        w = torch.randn(shape, generator=torch.Generator().manual_seed(1000 + j))
        if key.endswith("running_var"):
            state[key] = 1 + 0.1 * w.abs()
        elif w.ndim == 1 and key.endswith("weight"):
            state[key] = 0.5 + 0.1 * w
        else:
            state[key] = 0.1 * w if w.ndim == 1 else w / w[0].numel() ** 0.5
    return state


def picture() -> torch.Tensor:
    """What D3DFR's golden network was shown, (1, 3, 224, 224) in [-1, 1]; DECA's was shown the same in [0, 1]."""
    x = torch.arange(224, dtype=torch.float64)
    y = x[:, None]
    waves = [(0.11 * x + 0.05 * y).sin(), (0.07 * x - 0.09 * y).cos(), (0.03 * x + 0.13 * y).sin()]
    return torch.stack(waves)[None].float()
