"""DiffusionTask: what the trainings of diffusion models share: encode, add noise, predict it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import nn
from torch.utils.data import Dataset

from ..synthetic.data.dataset import SyntheticFaces
from .config import DiffusionConfig
from .latents import CachedLatents, Encoder
from .loop import Task
from .loss import noise_schedule
from .sampler import Draws, Group, draw

Config = TypeVar("Config", bound=DiffusionConfig)


class DiffusionTask(Task, Generic[Config]):
    """The task of a diffusion model: its data pass the frozen networks, get noise, and the module predicts it.

    `dropout` is the fraction of the samples that `draws` does not keep; `scheduler` is the config of the model's
    scheduler, for its betas; `samples` are items of whatever the encoder takes.
    """

    dropout: float = 0.0

    def __init__(
        self,
        config: Config,
        module: nn.Module,
        encoder: Encoder,
        scheduler: Mapping[str, Any],
        samples: Dataset[dict[str, Any]],
    ) -> None:
        self.config = config
        self.module = module
        self.encoder = encoder
        self.frozen = encoder.networks
        self.samples = samples
        self.schedule = noise_schedule(scheduler, config.prediction, config.zero_terminal_snr)

    def data(self, group: Group) -> Dataset[dict[str, Any]]:
        """The samples, or what the encoder makes of them, once."""
        where = self.config.cache_latents
        if not where:
            return self.samples
        folder = None if where == "memory" else Path(where).expanduser()
        return CachedLatents(self.samples, self.encoder, folder, self.config.workers, group)

    def loss(self, module: Any, batch: Mapping[str, Any], device: torch.device) -> torch.Tensor:
        """The batch through the encoder, unless that is done, and then the objective of the model."""
        tensors = batch if "mean" in batch else {**self.encoder(batch), "number": batch["number"]}
        draws = self.draws(batch["number"], tensors["mean"])
        return self.objective(module, {name: value.to(device) for name, value in tensors.items()}, draws.to(device))

    def objective(self, module: Any, tensors: Mapping[str, torch.Tensor], draws: Draws) -> torch.Tensor:
        """The loss of encoded samples.

        `tensors` are what the encoder gives, and "number" (B,) int64.
        """
        raise NotImplementedError

    def draws(self, numbers: torch.Tensor, latents: torch.Tensor) -> Draws:
        """The random numbers of samples (B,), for latents (B, C, h, w)."""
        count = self.schedule.config["num_train_timesteps"]
        shape = tuple(latents.shape[1:])
        shift = self.config.timestep_shift
        return draw(self.config.seed, numbers, shape, timesteps=count, dropout=self.dropout, shift=shift)


def synthetic_faces(config: DiffusionConfig, count: int, size: int, seed: int, **options: Any) -> SyntheticFaces:
    """Synthetic people, as a config says; see `SyntheticFaces` for the options."""
    people = config.synthetic_people or None
    return SyntheticFaces(count, size=size, seed=seed, people=people, cache=config.synthetic_cache or None, **options)
