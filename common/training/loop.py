"""The loop in plain sight: batch, loss, backward, clip, step."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

from ..files import PATIENCE, alone
from .config import TrainConfig
from .run import Run
from .task import Task


def train(config: TrainConfig, task: Task) -> Path:
    """Trains, and returns the folder of the finished model.

    Raises:
        InputError: options that do not go together, or not with what is in the output folder, or another training is
            at work there.
        MissingDependencyError: peft is needed and missing.
        FaceEditError: the loss is no longer a number.
    """
    first = not int(os.environ.get("RANK", 0))  # stands for all processes that accelerate launched together
    with alone(Path(config.output).expanduser(), PATIENCE) if first else nullcontext():
        return _train(config, task)


def _train(config: TrainConfig, task: Task) -> Path:
    run = Run(config, task)
    accelerator, module, device = run.accelerator, run.module, run.accelerator.device
    module.train()
    for batch in run.batches():
        with accelerator.accumulate(module):
            loss = task.loss(module, batch, device)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                run.clip()
            run.optimizer.step()
            run.optimizer.zero_grad()
        run.count(loss)
        if accelerator.sync_gradients:
            run.end_step()
    return run.end()
