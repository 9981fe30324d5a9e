"""TwinUNet: the denoiser and its ID encoder as one module, from latents and conditions to a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from ..diffusion.attention import attend_to_identity
from ..diffusion.identity import encode_tokens, project_identity
from .networks import add_adapter

TRAINED_WHOLE = ".class_embedding."


class TwinUNet(nn.Module):
    """What a training wraps: both UNets, joined as in `FaceEditPipeline`, with the identity inside the graph.

    Parameters that no prediction depends on (the ID encoder behind the last recorded token) are frozen: they would
    never get a gradient, and distributed training waits for those of all that can have one.

    The denoiser gets the attention to an identity; without `train_id_encoder` the whole ID encoder is frozen.
    """

    def __init__(
        self, unet: UNet2DConditionModel, id_encoder: UNet2DConditionModel, *, train_id_encoder: bool = True
    ) -> None:
        super().__init__()
        attend_to_identity(unet)
        self.unet, self.id_encoder = unet, id_encoder
        unet.requires_grad_(True)
        id_encoder.requires_grad_(train_id_encoder)
        reached = self._reached()
        for parameter in self.parameters():
            parameter.requires_grad_(parameter in reached)

    def forward(
        self,
        noisy: torch.Tensor,
        timesteps: torch.Tensor,
        vector: torch.Tensor,
        conditioning_images: torch.Tensor,
        source: torch.Tensor,
        prompt: torch.Tensor,
    ) -> torch.Tensor:
        """The denoiser's prediction (B, C, h, w), the noise or v.

        `noisy` is (B, C, h, w) in the scaled space of the VAE, `timesteps` (B,) int64, `vector` (B, V), `prompt`
        (1 or B, L, D). `conditioning_images` (B, G C, h, w) and `source` (B, C, h, w), which shows the person,
        are the VAE's `mode()`, not scaled.
        """
        identity = project_identity(self.unet, encode_tokens(self.id_encoder, source, prompt))
        return self.unet(
            torch.cat([noisy, conditioning_images], 1),
            timesteps,
            prompt.expand(len(noisy), -1, -1),
            class_labels=vector,
            cross_attention_kwargs={"identity": identity},
            return_dict=False,
        )[0]

    def enable_gradient_checkpointing(self) -> None:
        """Trades computation for memory in both networks."""
        self.unet.enable_gradient_checkpointing()
        self.id_encoder.enable_gradient_checkpointing()

    def add_lora(self, rank: int, alpha: float, targets: Sequence[str]) -> None:
        """Puts adapters beside the layers `targets`, and freezes all other weights but the vector's projection.

        The adapters begin as zero, so that the prediction does not change. Where a layer of the ID encoder gets no
        gradient, neither does its adapter. Raises MissingDependencyError: peft is not installed; InputError: no layer
        has such a name.
        """
        trained = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        add_adapter(self.unet, rank, alpha, targets)
        if any(name.startswith("id_encoder.") for name in trained):
            add_adapter(self.id_encoder, rank, alpha, targets)
        for name, parameter in self.named_parameters():
            layer, adapter, _ = name.partition(".lora_")
            whole = TRAINED_WHOLE in name and name in trained
            parameter.requires_grad_(f"{layer}.weight" in trained if adapter else whole)

    def _reached(self) -> set[nn.Parameter]:
        """The parameters that a prediction depends on, found by walking the graph of one at the smallest size."""
        config: Any = self.unet.config
        side = 2 ** (len(config.block_out_channels) - 1)
        weight = next(self.unet.parameters())

        def zeros(*shape: int) -> torch.Tensor:
            return torch.zeros(shape, device=weight.device, dtype=weight.dtype)

        with torch.enable_grad():
            prediction = self(
                zeros(1, config.out_channels, side, side),
                torch.zeros(1, dtype=torch.long, device=weight.device),
                zeros(1, config.projection_class_embeddings_input_dim),
                zeros(1, config.in_channels - config.out_channels, side, side),
                zeros(1, self.id_encoder.config["in_channels"], side, side),
                zeros(1, 1, config.cross_attention_dim),
            )
        nodes, seen, found = [prediction.grad_fn], set(), set()
        while nodes:
            node: Any = nodes.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            if hasattr(node, "variable"):  # where a gradient is accumulated: a leaf
                found.add(node.variable)
            nodes += [following for following, _ in node.next_functions]
        return found
