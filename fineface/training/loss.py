"""The loss, and the conditions as the network gets to see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import DDPMScheduler

from common.training.loss import noised, region_weights, squared_error
from common.training.order import Draws, generator

from ..data.samples import STRONGEST
from .config import FineFaceConfig

_OF_SAMPLES, _OF_STEPS = 3, 4  # apart from the draws of `common.training.order`, which have 0 and 1


@dataclass(frozen=True)
class Seen:
    """What is shown of the conditions of a batch.

    Attributes:
        units: (B, 12), jittered or rounded, in [0, 5]; zeros where they are dropped.
        told: (B,) bool, whose caption stays.
    """

    units: torch.Tensor
    told: torch.Tensor


def seen(units: torch.Tensor, numbers: torch.Tensor, config: FineFaceConfig) -> Seen:
    """Intensities and captions with the paper's jitter and dropout: a function of the samples' numbers alone.

    All samples of an optimiser step are rounded, or none, however they are shared among passes and processes.

    Args:
        units: (B, 12) intensities.
        numbers: (B,) int64, how many samples of the training came before each.
        config: of the training.
    """
    rows, told = [], []
    for row, number in zip(units.cpu(), numbers.tolist()):
        source = generator(config.seed, _OF_SAMPLES, number)
        row = (row + config.jitter * torch.randn(row.shape, generator=source)).clamp(0, STRONGEST)
        step = generator(config.seed, _OF_STEPS, number // config.batch_size)
        if torch.rand((), generator=step) < config.rounded:
            row = row.round()
        chance = float(torch.rand((), generator=source))
        caption_goes = config.vector_dropout <= chance < config.dropped
        units_go = chance < config.vector_dropout + config.both_dropout
        rows.append(torch.zeros_like(row) if units_go else row)
        told.append(not caption_goes)
    return Seen(torch.stack(rows).to(units.device), torch.tensor(told, device=units.device))


class TextToFaceLoss:
    """E m |y - f(x_t, t, units, text)|^2 with y the noise or v, m the weight of the face where it is known.

    Args:
        config: of the training.
        nothing: the "text" (1, ...) of an empty caption, in place of one that is dropped.
    """

    def __init__(self, config: FineFaceConfig, nothing: torch.Tensor) -> None:
        self.config, self.nothing = config, nothing

    def __call__(
        self, module: Any, tensors: Mapping[str, torch.Tensor], draws: Draws, schedule: DDPMScheduler
    ) -> torch.Tensor:
        """A number, the mean over the batch; see `common.training.task.Task`."""
        conditions = seen(tensors["units"], tensors["number"], self.config)
        text = tensors["text"]
        told = conditions.told.view(-1, *[1] * (text.ndim - 1))
        text = torch.where(told, text, self.nothing.to(text.device))
        return self.error(module, tensors, conditions.units, text, draws, schedule)

    def error(
        self,
        module: Any,
        tensors: Mapping[str, torch.Tensor],
        units: torch.Tensor | None,
        text: torch.Tensor,
        draws: Draws,
        schedule: DDPMScheduler,
    ) -> torch.Tensor:
        """The same under given conditions: units (B, 12) or None, text as the encoder makes it."""
        x = tensors["mean"] + tensors["std"] * draws.posterior
        noisy, target = noised(x, draws, schedule)
        prediction = module(noisy, draws.timesteps, units, text.float() if text.is_floating_point() else text)
        weights = region_weights(tensors["region"], self.config.face_weight) if "region" in tensors else 1.0
        return squared_error(
            prediction, target, draws, schedule, min_snr_gamma=self.config.min_snr_gamma, weights=weights
        )
