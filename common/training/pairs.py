"""The task of the twin UNets: a target that follows from a source, its guides and a vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMScheduler
from torch.utils.data import Dataset

from ..errors import InputError
from .config import above_zero, share
from .diffusion import DiffusionConfig, diffusion_task
from .latents import NAMES, Latents, PairEncoder
from .lora import add_lora, merged
from .loss import denoising_loss
from .order import Draws
from .sheet import METRICS
from .task import State, Task
from .twin import TwinUNet


@dataclass(frozen=True)
class TwinConfig(DiffusionConfig):
    """What a training of twin UNets is told.

    Raises:
        InputError: a number out of its range, or options that exclude each other.
    """

    unchanged: float = 0.0
    """Share of the samples whose vector is zero and whose target is the source: a zero wish then gives the face as it
    was, and guidance goes away from that. In place of `vector_dropout`."""
    region_weight: float = 1.0
    """How much more a latent pixel counts where source and target differ; 1 treats all alike."""
    train_id_encoder: bool = True
    """Train the ID encoder too, as the papers do."""

    def __post_init__(self) -> None:
        super().__post_init__()
        share("unchanged", self.unchanged)
        above_zero("region_weight", self.region_weight)
        if self.unchanged and self.vector_dropout:
            raise InputError("unchanged and vector_dropout both give a zero vector its meaning; set one of them to 0.")


def twin_task(
    config: TwinConfig,
    twin: TwinUNet,
    vae: Any,
    prompt: torch.Tensor,
    *,
    betas: dict[str, Any],
    data: Dataset[dict[str, Any]],
    write_model: Callable[[Path, State, State], object],
    validate: Callable[[Any, Any, int, Path], dict[str, float]] | None,
    title: str,
    notes: str,
    judge: Callable[[Mapping[str, float]], str] | None = None,
) -> Task:
    """The task of training both networks, or adapters of theirs, which are published merged.

    Args:
        config: of the training.
        twin: both networks.
        vae: the autoencoder; stays as it is.
        prompt: (1, L, D), the embedding of the constant prompt.
        betas: config of a scheduler, for its betas.
        data: items with "source" and "target" (3, H, W), "guides" (G, 3, H, W), all in [0, 1], and "vector" (V,).
        write_model: (folder, state of the denoiser, state of the ID encoder): writes a loadable model.
        validate: (denoiser, ID encoder, step, folder) -> the metrics of `sheet.edit_errors`; leaves pictures there.
        title: of the model card.
        notes: of the model card.
        judge: see `Task`.

    Raises:
        InputError: options that do not go together.
        MissingDependencyError: peft is needed and missing.
    """
    alpha = config.lora_alpha or config.lora_rank
    if config.lora_rank:
        add_lora(twin, config.lora_rank, alpha, config.lora_targets)

    def loss(module: Any, tensors: Mapping[str, torch.Tensor], draws: Draws, schedule: DDPMScheduler) -> torch.Tensor:
        latents = Latents(*(tensors[name] for name in NAMES))
        return denoising_loss(
            module, latents, tensors["vector"], prompt.to(latents.mean.device), draws, schedule,
            min_snr_gamma=config.min_snr_gamma, region_weight=config.region_weight,
            source_scale=vae.config.scaling_factor if config.unchanged else None,
        )  # fmt: skip

    def write(folder: Path, weights: State) -> None:
        unet, id_encoder = (
            merged(
                {k.removeprefix(name): v for k, v in weights.items() if k.startswith(name)},
                alpha / max(1, config.lora_rank),
            )
            for name in ("unet.", "id_encoder.")
        )
        write_model(folder, unet, id_encoder)

    def look(module: Any, step: int, folder: Path) -> dict[str, float]:
        assert validate is not None
        return validate(module.unet, module.id_encoder, step, folder)

    return diffusion_task(
        config, twin, loss, PairEncoder(vae), betas, data, write,
        validate=look if validate else None, metrics=METRICS, dropout=config.unchanged or config.vector_dropout,
        title=title, notes=notes, judge=judge,
    )  # fmt: skip
