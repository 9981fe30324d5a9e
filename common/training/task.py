"""Task: what a package hands to the training: networks, data, and what only it knows how to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from .twin import TwinUNet

State = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Task:
    """What is trained, on what, and what only its package knows how to do.

    Attributes:
        twin: both networks.
        vae: the autoencoder; stays as it is.
        prompt: (1, L, D), the embedding of the constant prompt.
        betas: config of a scheduler, for its betas.
        data: items with "source" and "target" (3, H, W), "guides" (G, 3, H, W), all in [0, 1], and "vector" (V,).
        write_model: (folder, state of the denoiser, state of the ID encoder): writes a loadable model.
        validate: (denoiser, ID encoder, step, folder) -> the metrics of `sheet.edit_errors`; leaves pictures there.
        title: of the model card.
        notes: of the model card.
    """

    twin: TwinUNet
    vae: Any
    prompt: torch.Tensor
    betas: dict[str, Any]
    data: Dataset[dict[str, Any]]
    write_model: Callable[[Path, State, State], object]
    validate: Callable[[Any, Any, int, Path], dict[str, float]] | None = None
    title: str = "Model"
    notes: str = ""
