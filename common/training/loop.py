"""The loop in plain sight: batch, loss, backward, clip, step."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

from ..files import alone
from .config import TrainConfig
from .latents import of_batch
from .loss import denoising_loss, noise_schedule
from .order import draw
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
    with alone(Path(config.output).expanduser(), patience=10) if first else nullcontext():
        return _train(config, task)


def _train(config: TrainConfig, task: Task) -> Path:
    run = Run(config, task)
    schedule = noise_schedule(task.betas, config.prediction, config.zero_terminal_snr)
    accelerator, twin, device = run.accelerator, run.twin, run.accelerator.device
    prompt, count = task.prompt.to(device), schedule.config["num_train_timesteps"]
    dropout = config.unchanged or config.vector_dropout
    source_scale = task.vae.config.scaling_factor if config.unchanged else None
    twin.train()
    for batch in run.batches():
        with accelerator.accumulate(twin):
            latents = of_batch(batch, task.vae, device)
            shape = tuple(latents.mean.shape[1:])
            draws = draw(
                config.seed, batch["number"], shape, timesteps=count, dropout=dropout, shift=config.timestep_shift
            )
            loss = denoising_loss(
                twin, latents, batch["vector"].to(device), prompt, draws.to(device), schedule,
                min_snr_gamma=config.min_snr_gamma, region_weight=config.region_weight, source_scale=source_scale,
            )  # fmt: skip
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                run.clip()
            run.optimizer.step()
            run.optimizer.zero_grad()
        run.count(loss)
        if accelerator.sync_gradients:
            run.end_step()
    return run.end()
