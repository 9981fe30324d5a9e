"""TextToFace: the UNet, its AU adapter, and the text encoder where texts come as tokens."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from ..adapter import AUAdapter, attend_to_action_units


class TextToFace(nn.Module):
    """What a training wraps: from noisy latents, intensities and a text to a prediction, as the editor calls them.

    The adapter's encoder and values are trained; its keys have no effect on any result, and stay the copies that they
    began as. The UNet is frozen but for its LoRA, unless `whole`.

    Args:
        unet: gets the AU branch; with a LoRA already, if there is to be one.
        adapter: of action units.
        text_encoder: reads tokens; None where texts come as embeddings.
        whole: train the UNet.
        train_text: train the text encoder.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        adapter: AUAdapter,
        text_encoder: Any = None,
        *,
        whole: bool = False,
        train_text: bool = False,
    ) -> None:
        super().__init__()
        attend_to_action_units(unet)
        self.unet, self.adapter, self.text_encoder = unet, adapter, text_encoder
        for name, parameter in unet.named_parameters():
            parameter.requires_grad_(whole or ".lora_" in name)
        adapter.requires_grad_(True)
        adapter.to_k.requires_grad_(False)
        if text_encoder is not None:
            text_encoder.requires_grad_(train_text)

    def forward(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, units: torch.Tensor | None, text: torch.Tensor
    ) -> torch.Tensor:
        """The UNet's prediction.

        Args:
            noisy: (B, C, h, w), in the scaled space of the VAE.
            timesteps: (B,) int64.
            units: (B, 12) intensities; None leaves the AU branch off, as a scale of 0 does.
            text: (B, L, D) embeddings; with a text encoder (B, L) int64 tokens.

        Returns:
            (B, C, h, w), the noise or v.
        """
        if self.text_encoder is not None:
            text = self.text_encoder(text)[0]  # (B, L, D)
        branch = {} if units is None else self.adapter(self.unet, self.adapter.projection(units))
        return self.unet(
            noisy, timesteps, text, cross_attention_kwargs={"action_units": branch}, return_dict=False
        )[0]  # fmt: skip

    def enable_gradient_checkpointing(self) -> None:
        """Trades computation for memory."""
        self.unet.enable_gradient_checkpointing()
        if self.text_encoder is not None:
            self.text_encoder.gradient_checkpointing_enable()
