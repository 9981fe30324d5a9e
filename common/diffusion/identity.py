"""The ID encoder: a photo's latents -> the keys and values through which the denoiser sees the person."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from .attention import Identity, record_tokens, split_heads, transformer_blocks


def encode_tokens(
    id_encoder: UNet2DConditionModel, latents: torch.Tensor, prompt_embeds: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Runs the ID encoder once, at timestep 0, and returns the tokens entering each transformer block.

    Args:
        id_encoder: the twin UNet.
        latents: (B, 4, h, w), the source as `mode()` of the VAE, **not** multiplied by its scaling factor.
        prompt_embeds: (1 or B, L, D), the same embedding that the denoiser gets.

    Returns:
        Layer name -> tokens (B, N, C), in the order of execution.
    """
    with record_tokens(id_encoder) as tokens:
        id_encoder(latents, 0, prompt_embeds.expand(len(latents), -1, -1), return_dict=False)
    return tokens


def project_identity(unet: UNet2DConditionModel, tokens: dict[str, torch.Tensor]) -> Identity:
    """The keys and values that the denoiser would compute for the tokens, layer by layer.

    They do not depend on the timestep, the noise or the request: computed once per source, they serve every step, both
    guidance halves and every edit. They do depend on the denoiser's weights: project again after loading a LoRA.

    Args:
        unet: the denoiser.
        tokens: what `encode_tokens` returned, (B, N, C) each.

    Returns:
        Layer name -> (key, value), each (B, heads, N, C / heads).
    """
    identity: Identity = {}
    for name, block in transformer_blocks(unet).items():
        attn: Any = block.attn1
        x = block.norm1(tokens[name])
        identity[name] = (split_heads(attn.to_k(x), attn.heads), split_heads(attn.to_v(x), attn.heads))
    return identity


def select_rows(identity: Identity, rows: torch.Tensor) -> Identity:
    """The identity of the subjects `rows` (R,) names; an identity of batch 1 is left alone, it serves every row."""
    return {name: (k, v) if len(k) == 1 else (k[rows], v[rows]) for name, (k, v) in identity.items()}


def join(identities: list[Identity]) -> Identity:
    """One identity whose rows are those of several subjects, in their order."""
    if len(identities) == 1:
        return identities[0]
    return {
        name: (torch.cat([i[name][0] for i in identities]), torch.cat([i[name][1] for i in identities]))
        for name in identities[0]
    }
