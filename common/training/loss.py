"""The training objective as an equation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler

from .latents import Latents
from .sampler import Draws

_BETAS = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule")


def noise_schedule(config: Mapping[str, Any], prediction: str, zero_terminal_snr: bool) -> DDPMScheduler:
    """The betas of a checkpoint's scheduler, for training."""
    betas = {key: config[key] for key in _BETAS if key in config}
    return DDPMScheduler(**betas, prediction_type=prediction, rescale_betas_zero_snr=zero_terminal_snr)  # type: ignore[arg-type]


def denoising_loss(
    twin: Any,
    latents: Latents,
    vector: torch.Tensor,
    prompt: torch.Tensor,
    draws: Draws,
    schedule: DDPMScheduler,
    *,
    min_snr_gamma: float = 0.0,
    region_weight: float = 1.0,
    source_scale: float | None = None,
) -> torch.Tensor:
    """E[ w(t) m |y - f(x_t, t, c)|^2 ] with y the noise or v, w of min-SNR, m the weight of the changed region.

    `vector` is (B, V), `prompt` (1, L, D); the schedule's prediction type says what y is. A `min_snr_gamma` of 0 weighs
    all timesteps alike, a `region_weight` of 1 all pixels. `source_scale` is the VAE's scaling factor, where samples
    whose vector is dropped have the source as their target.

    Returns:
        A number, the mean over the batch.
    """
    x = latents.sample(draws.posterior)
    if source_scale is not None:
        x = torch.where(draws.kept[:, None, None, None], x, source_scale * latents.source)
    noisy, target = noised(x, draws, schedule)
    request = vector * draws.kept[:, None]
    prediction = twin(noisy, draws.timesteps, request, latents.conditioning_images, latents.source, prompt)
    weights = region_weights(latents.region, region_weight)
    return squared_error(prediction, target, draws, schedule, min_snr_gamma=min_snr_gamma, weights=weights)


def noised(x: torch.Tensor, draws: Draws, schedule: DDPMScheduler) -> tuple[torch.Tensor, torch.Tensor]:
    """x_t and y: latents (B, C, h, w) with noise, and what is to be predicted from them, the noise or v."""
    t, noise = draws.timesteps, draws.noise
    noisy = schedule.add_noise(x, noise, t)  # type: ignore[arg-type]
    if schedule.config["prediction_type"] == "epsilon":
        return noisy, noise
    return noisy, schedule.get_velocity(x, noise, t)  # type: ignore[arg-type]


def squared_error(
    prediction: torch.Tensor,
    target: torch.Tensor,
    draws: Draws,
    schedule: DDPMScheduler,
    *,
    min_snr_gamma: float = 0.0,
    weights: torch.Tensor | float = 1.0,
) -> torch.Tensor:
    """E[ w(t) m |y - f|^2 ] for y and f (B, C, h, w) and m (B, 1, h, w); in float32 whatever the prediction is in."""
    error = F.mse_loss(prediction.float(), target, reduction="none")  # (B, C, h, w)
    error = (error * weights).mean((1, 2, 3))
    return (error * min_snr_weights(schedule, draws.timesteps, min_snr_gamma)).mean()


def min_snr_weights(schedule: DDPMScheduler, timesteps: torch.Tensor, gamma: float) -> torch.Tensor:
    """w(t) of Hang et al. 2023, eq. 8 for noise and its counterpart for v, (B,); ones where gamma is 0."""
    if not gamma:
        return torch.ones_like(timesteps, dtype=torch.float32)
    alpha = schedule.alphas_cumprod.to(timesteps.device)[timesteps]
    snr = alpha / (1 - alpha)
    weight = snr.clamp(max=gamma)
    return weight / snr if schedule.config["prediction_type"] == "epsilon" else weight / (snr + 1)


def region_weights(region: torch.Tensor, weight: float) -> torch.Tensor:
    """Weights (B, 1, h, w) of mean 1 for each sample, `weight` times as large where `region` (B, 1, h, w) is 1."""
    weights = 1 + (weight - 1) * region
    return weights / weights.mean((1, 2, 3), keepdim=True)
