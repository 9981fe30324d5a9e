"""Held-out samples: how well the noise on them is predicted, and what their captions and intensities give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from common.action_units import to_text
from common.files import replace_file
from common.tensors import to_tensor
from common.training.loss import noise_schedule
from common.training.order import draw
from common.training.sheet import sheet

from ..checkpoints import Networks
from ..editor import FineFace
from .begin import Beginning
from .config import FineFaceConfig
from .loss import TextToFaceLoss
from .sources import Together, some

AT_ONCE = 4
LEVELS = 8
METRICS: tuple[str, ...] = ("loss", "loss_without_units")


class Validation:
    """Measures and draws held-out samples, each time with the same noise.

    Args:
        config: of the training.
        beginning: its networks; those to be validated come with the call.
        loss: of the training.
        data: held-out samples.
    """

    def __init__(self, config: FineFaceConfig, beginning: Beginning, loss: TextToFaceLoss, data: Together) -> None:
        self.config, self.begun, self.loss = config, beginning, loss
        self.batch = some(data, config.validation_count)

    def __call__(self, module: Any, step: int, folder: Path) -> dict[str, float]:
        """The metrics of a module; writes step-N.png: photos, and what is made with and without their intensities."""
        batch = self.batch
        captions, wishes = batch["caption"], batch["units"].tolist()
        made = self._made(module, wishes)
        plain = self._made(module, [[0.0] * len(wishes[0])] * len(wishes))
        words = [f"{to_text([round(v, 1) for v in wish])}: {text}" for wish, text in zip(wishes, captions)]
        page = sheet({"photo": batch["image"], "made": made, "made without units": plain}, words)
        replace_file(folder / f"step-{step:08d}.png", page.save)
        with torch.no_grad():
            return self._losses(module)

    def _losses(self, module: Any) -> dict[str, float]:
        """Over `LEVELS` timesteps a sample; the second without the AU branch: what the units are good for."""
        config, device = self.config, next(module.parameters()).device
        schedule = noise_schedule(dict(self.begun.scheduler.config), config.prediction, config.zero_terminal_snr)
        tensors = {name: value.to(device) for name, value in self.begun.encoder(self.batch).items()}
        count, found = len(tensors["mean"]), dict.fromkeys(METRICS, 0.0)
        for level in range(LEVELS):
            draws = draw(
                config.seed, torch.arange(count) + level * count, tuple(tensors["mean"].shape[1:]),
                timesteps=schedule.config["num_train_timesteps"], dropout=0.0, shift=config.timestep_shift,
            ).to(device)  # fmt: skip
            for name, units in zip(METRICS, (tensors["units"], None)):
                error = self.loss.error(module, tensors, units, tensors["text"], draws, schedule)
                found[name] += float(error) / LEVELS
        return found

    def _made(self, module: Any, wishes: list[list[float]]) -> torch.Tensor:
        """Pictures (B, 3, S, S) of the captions, as the editor makes them."""
        begun, config = self.begun, self.config
        pipeline = StableDiffusionPipeline(
            begun.encoder.vae, begun.text_encoder, begun.encoder.tokenizer, module.unet, begun.scheduler,
            safety_checker=None, feature_extractor=None, requires_safety_checker=False,  # type: ignore[arg-type]
        )  # fmt: skip
        images: list[Image.Image] = FineFace(Networks(pipeline, module.adapter, None)).generate(
            self.batch["caption"], wishes, steps=config.validation_steps, guidance=config.validation_guidance,
            seed=config.seed, size=self.batch["image"].shape[-1], batch_size=AT_ONCE, progress=False,
        )  # fmt: skip
        return torch.stack([to_tensor(np.asarray(image)) for image in images])
