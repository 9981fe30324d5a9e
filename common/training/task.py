"""Task: what a package hands to the training: networks, data, and what only it knows how to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMScheduler
from torch import nn
from torch.utils.data import Dataset

from .kept import Encoder
from .order import Draws

State = dict[str, torch.Tensor]
Loss = Callable[[Any, Mapping[str, torch.Tensor], Draws, DDPMScheduler], torch.Tensor]


@dataclass(frozen=True)
class Task:
    """What is trained, on what, and what only its package knows how to do.

    Attributes:
        module: what accelerate wraps. Those of its parameters are trained that require a gradient, and each of them
            gets one in every pass; has `enable_gradient_checkpointing()`.
        loss: (module, tensors, draws, schedule of the noise) -> a number. The tensors are those of `encoder`, with
            "number" (B,) int64, which sample of the training each is.
        encoder: the networks that stay as they are, and what they make of the data.
        betas: config of a scheduler, for its betas.
        data: items of whatever the encoder takes.
        write_model: (folder, state of the module): writes a loadable model.
        validate: (module, step, folder) -> the metrics; leaves pictures there.
        metrics: names of the metrics.
        dropout: share of the samples that `draws` does not keep.
        slim: checkpoints leave out what is not trained, for modules that are made the same anew.
        title: of the model card.
        notes: of the model card.
    """

    module: nn.Module
    loss: Loss
    encoder: Encoder
    betas: dict[str, Any]
    data: Dataset[dict[str, Any]]
    write_model: Callable[[Path, State], object]
    validate: Callable[[Any, int, Path], dict[str, float]] | None = None
    metrics: tuple[str, ...] = ()
    dropout: float = 0.0
    slim: bool = False
    title: str = "Model"
    notes: str = ""
