"""Networks and data that train in milliseconds."""

from __future__ import annotations

import torch
from diffusers import AutoencoderDC, AutoencoderKL, UNet2DConditionModel

from common.training.twin_unet import TwinUNet

SHAPE = {
    "block_out_channels": (8, 16),
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "attention_head_dim": 2,
    "cross_attention_dim": 8,
    "sample_size": 8,
}


def twin(**options) -> TwinUNet:
    torch.manual_seed(0)
    vector = {"class_embed_type": "simple_projection", "projection_class_embeddings_input_dim": 12}
    unet = UNet2DConditionModel(in_channels=8, out_channels=4, **SHAPE, **vector)
    return TwinUNet(unet, UNet2DConditionModel(in_channels=4, out_channels=4, **SHAPE), **options)


def vae() -> AutoencoderKL:
    torch.manual_seed(1)
    return AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=4,
        latent_channels=4,
    ).eval()


def exact_vae() -> AutoencoderDC:
    """Latents a quarter as wide, and no distribution."""
    torch.manual_seed(2)
    channels, layers, scales = (8, 8, 16), (0, 1, 1), ((), (), ())
    return AutoencoderDC(
        latent_channels=4, encoder_block_out_channels=channels, decoder_block_out_channels=channels,
        encoder_layers_per_block=layers, decoder_layers_per_block=layers, encoder_qkv_multiscales=scales,
        decoder_qkv_multiscales=scales,
    ).eval()  # fmt: skip


def conditions(batch: int = 2) -> tuple[torch.Tensor, ...]:
    """What a TwinUNet takes: noisy, timesteps, vector, conditioning_images, source, prompt."""
    g = torch.Generator().manual_seed(5)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=g)

    timesteps = torch.randint(1000, (batch,), generator=g)
    return (
        noise(batch, 4, 8, 8), timesteps, noise(batch, 12), noise(batch, 4, 8, 8), noise(batch, 4, 8, 8),
        noise(1, 3, 8),
    )  # fmt: skip


def pictures(count: int = 4, size: int = 16) -> list[dict[str, torch.Tensor]]:
    """Pairs that differ in their middle."""
    g = torch.Generator().manual_seed(6)
    items = []
    for _ in range(count):
        source, other = torch.rand(2, 3, size, size, generator=g)
        target = source.clone()
        target[:, 4:12, 4:12] = other[:, 4:12, 4:12]
        items.append(
            {
                "source": source,
                "target": target,
                "conditioning_images": source[None] * 0.5,
                "vector": torch.randn(12, generator=g),
            }
        )
    return items
