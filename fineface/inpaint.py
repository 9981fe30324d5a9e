"""What keeps a photo outside a mask: diffusers' inpainting, and the same for latents of any number of channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline
from PIL import Image

from common.imaging.tensors import to_tensor
from common.weights.vae import encode

STOCK = (4, 9)
"""Channels of the UNets that diffusers' inpainting takes."""


def inpainting(pipeline: Any) -> Any:
    """A pipeline over the same networks that takes `image` and `mask_image`."""
    kind = StableDiffusionInpaintPipeline if pipeline.unet.config.in_channels in STOCK else MaskedImg2Img
    return kind(**pipeline.components, requires_safety_checker=False)


class MaskedImg2Img(StableDiffusionImg2ImgPipeline):
    """Image to image that puts the photo's own latents, as noisy as the rest, outside the mask after each step.

    So does `StableDiffusionInpaintPipeline`, but for UNets of `STOCK` channels alone. At a strength of 1 a picture
    starts from the photo as noisy as the scheduler's first step: pure noise where its signal-to-noise ratio is zero.
    """

    @torch.no_grad()
    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        *,
        image: Sequence[Image.Image],
        mask_image: Sequence[Image.Image],
        generator: Sequence[torch.Generator],
        width: int,
        height: int,
        callback_on_step_end: Callable[..., Any] | None = None,
        **options: Any,
    ) -> Any:
        """Repaints B pictures where B grey masks are white, with the noise of B generators.

        `callback_on_step_end` is called after what is outside the mask has been put back; its result counts.
        """
        vae: Any = self.vae
        device = self._execution_device  # under model offload the autoencoder itself may still lie on the CPU
        pictures = torch.stack([to_tensor(np.asarray(each.convert("RGB"))) for each in image])
        mean = encode(vae, (2 * pictures - 1).to(device, vae.dtype))[0]
        clean = vae.config.scaling_factor * mean  # (B, C, h, w)
        masks = np.stack([np.asarray(each.convert("L")) for each in mask_image])[:, None] >= 128
        mask = F.interpolate(torch.from_numpy(masks).to(clean), size=clean.shape[-2:])
        again = [torch.Generator(each.device).manual_seed(each.initial_seed()) for each in generator]
        shape = clean.shape[1:]
        noise = torch.stack([torch.randn(shape, generator=each, device=each.device) for each in again]).to(clean)

        def keep(pipeline: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
            """The photo's latents outside the mask: as noisy as the next step has them, clean after the last."""
            known = pipeline.scheduler.timesteps
            following = known[(known == timestep).nonzero()[-1] + 1 :][:1]
            outside = pipeline.scheduler.add_noise(clean, noise, following) if len(following) else clean
            kept = {"latents": torch.where(mask > 0, values["latents"], outside.to(values["latents"]))}
            return kept if callback_on_step_end is None else callback_on_step_end(pipeline, step, timestep, kept)

        return super().__call__(image=list(image), generator=list(generator), callback_on_step_end=keep, **options)  # type: ignore[arg-type]
