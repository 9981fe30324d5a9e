"""Task: what a package hands to the training: networks, data, and what only it knows how to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset

State = dict[str, torch.Tensor]
Step = Callable[[Any, Mapping[str, Any], torch.device], torch.Tensor]


@dataclass(frozen=True)
class Group:
    """The processes of a training.

    Attributes:
        process: which one this is.
        processes: how many there are.
        wait: returns when all have called it.
    """

    process: int
    processes: int
    wait: Callable[[], None]


@dataclass(frozen=True)
class Task:
    """What is trained, on what, and what only its package knows how to do.

    Attributes:
        module: what accelerate wraps. Those of its parameters are trained that require a gradient, and each of them
            gets one in every pass; with `gradient_checkpointing` it has `enable_gradient_checkpointing()`.
        loss: (module, batch, device) -> a number. The batch is of the data, with "number" (B,) int64, which sample of
            the training each is; all that it draws by chance follows from that.
        data: items of tensors, numbers and texts.
        write_model: (folder, state of the module): writes a loadable model.
        frozen: networks that stay as they are and go to the training's device.
        keep: (data, processes) -> the data, prepared once before the first step; None takes them as they are.
        validate: (module, step, folder) -> the metrics; leaves pictures there.
        metrics: names of the metrics.
        slim: checkpoints leave out what is not trained, for modules that are made the same anew.
        title: of the model card.
        notes: of the model card.
        judge: what is wrong with a model of these metrics, in words; empty where nothing is.
    """

    module: nn.Module
    loss: Step
    data: Dataset[dict[str, Any]]
    write_model: Callable[[Path, State], object]
    frozen: tuple[nn.Module, ...] = ()
    keep: Callable[[Dataset[dict[str, Any]], Group], Dataset[dict[str, Any]]] | None = None
    validate: Callable[[Any, int, Path], dict[str, float]] | None = None
    metrics: tuple[str, ...] = ()
    slim: bool = False
    title: str = "Model"
    notes: str = ""
    judge: Callable[[Mapping[str, float]], str] | None = None
