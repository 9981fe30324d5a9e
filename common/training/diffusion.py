"""What trainings of diffusion models share: their options, and the step that encodes, adds noise and asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import DDPMScheduler
from torch import nn
from torch.utils.data import Dataset

from ..errors import InputError
from .config import TrainConfig, above_zero, at_least, share
from .kept import Encoder, KeptLatents, encoded
from .loss import noise_schedule
from .order import Draws, draw
from .task import Group, State, Task

Loss = Callable[[Any, Mapping[str, torch.Tensor], Draws, DDPMScheduler], torch.Tensor]


@dataclass(frozen=True)
class DiffusionConfig(TrainConfig):
    """What every training of a diffusion model is told.

    Raises:
        InputError: a number out of its range, or options that exclude each other.
    """

    prediction: Literal["epsilon", "v_prediction"] = "epsilon"
    """What the denoiser predicts: the noise, or v (Salimans & Ho 2022)."""
    zero_terminal_snr: bool = False
    """Rescale the betas so that the last step is pure noise (Lin et al. 2023); needs v_prediction."""
    vector_dropout: float = 0.1
    """Share of the samples whose vector is zero, for guidance: away from any face that may follow."""
    min_snr_gamma: float = 0.0
    """Gamma of the min-SNR weighting (Hang et al. 2023), 5 in the paper; 0 switches it off."""
    timestep_shift: float = 1.0
    """How much more often the noisy timesteps are drawn (Esser et al. 2024, eq. 23); 1 draws all alike. A model that
    samples in few steps decides everything there."""

    lora_rank: int = 0
    """Rank of low-rank adapters trained in place of the attention weights (needs peft); 0 trains all weights."""
    lora_alpha: float = 0.0
    """The adapters' scale is alpha / rank; 0 stands for alpha = rank."""
    lora_targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")
    """Names of the layers that get adapters. The vector's projection is always trained as it is."""

    cache_latents: str = ""
    """Encode every picture once: "memory", or a folder that keeps the latents; empty encodes them anew in each step."""

    validation_steps: int = 20
    """Denoising steps of the validation pictures."""
    validation_guidance: float = 1.5
    """Guidance of the validation pictures."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("validation_steps", self.validation_steps, 1)
        for name in ("lora_rank", "lora_alpha", "min_snr_gamma", "validation_guidance"):
            at_least(name, getattr(self, name), 0)
        share("vector_dropout", self.vector_dropout)
        above_zero("timestep_shift", self.timestep_shift)
        if self.zero_terminal_snr and self.prediction != "v_prediction":
            raise InputError('zero_terminal_snr needs prediction = "v_prediction": noise alone tells nothing of noise.')
        if self.zero_terminal_snr and self.min_snr_gamma:
            raise InputError(
                "min_snr_gamma gives the step without signal, with zero_terminal_snr, no weight; drop one."
            )


def diffusion_task(
    config: DiffusionConfig,
    module: nn.Module,
    loss: Loss,
    encoder: Encoder,
    betas: dict[str, Any],
    data: Dataset[dict[str, Any]],
    write_model: Callable[[Path, State], object],
    *,
    dropout: float = 0.0,
    **more: Any,
) -> Task:
    """The task of a diffusion model.

    Args:
        config: of the training.
        module: see `Task`.
        loss: (module, tensors, draws, schedule of the noise) -> a number. The tensors are those of `encoder`, with
            "number" (B,) int64, which sample of the training each is.
        encoder: the networks that stay as they are, and what they make of the data.
        betas: config of a scheduler, for its betas.
        data: items of whatever the encoder takes.
        write_model: see `Task`.
        dropout: share of the samples that `draws` does not keep.
        more: the rest of `Task`.
    """
    schedule = noise_schedule(betas, config.prediction, config.zero_terminal_snr)
    count = schedule.config["num_train_timesteps"]

    def step(module: Any, batch: Mapping[str, Any], device: torch.device) -> torch.Tensor:
        tensors = encoded(batch, encoder, device)
        draws = draw(
            config.seed, batch["number"], tuple(tensors["mean"].shape[1:]), timesteps=count, dropout=dropout,
            shift=config.timestep_shift,
        )  # fmt: skip
        return loss(module, tensors, draws.to(device), schedule)

    def keep(data: Dataset[dict[str, Any]], group: Group) -> Dataset[dict[str, Any]]:
        folder = None if config.cache_latents == "memory" else Path(config.cache_latents).expanduser()
        return KeptLatents(
            data, encoder, folder, workers=config.workers, process=group.process, processes=group.processes,
            wait=group.wait,
        )  # fmt: skip

    return Task(
        module, step, data, write_model, frozen=encoder.networks, keep=keep if config.cache_latents else None, **more
    )
