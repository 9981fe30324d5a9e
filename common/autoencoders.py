"""Two kinds of autoencoder, used alike: Stable Diffusion's, whose latents are a distribution, and DC-AE's, exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderDC, AutoencoderKL

from .errors import CheckpointError
from .weights import building, read_config

Autoencoder = AutoencoderKL | AutoencoderDC
KINDS: dict[str, Any] = {kind.__name__: kind for kind in (AutoencoderKL, AutoencoderDC)}


def load_vae(folder: Path, *, dtype: torch.dtype = torch.float32) -> Autoencoder:
    """An autoencoder through diffusers, which knows the older key names that Stable Diffusion 1.5 still has.

    Raises:
        CheckpointError: damaged, of another kind, or keys missing or left over.
    """
    kind = read_config(folder / "config.json").get("_class_name", AutoencoderKL.__name__)
    if kind not in KINDS:
        raise CheckpointError(f"{folder} holds a {kind}; the autoencoder must be one of {', '.join(KINDS)}.")
    options = {"dtype": dtype, "local_files_only": True, "use_safetensors": True, "output_loading_info": True}
    with building(folder):
        loaded: Any = KINDS[kind].from_pretrained(folder, **options)
    vae, info = loaded
    wrong = {title: keys for title in ("missing_keys", "unexpected_keys", "mismatched_keys") if (keys := info[title])}
    if wrong:
        raise CheckpointError(f"The weights of {folder} do not fit the network: {wrong}")
    return vae


def scale_factor(vae: Any) -> int:
    """Pixels to a latent pixel, along one side."""
    ratio = getattr(vae, "spatial_compression_ratio", None)
    return ratio or 2 ** (len(vae.config.block_out_channels) - 1)


def encode(vae: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation of the latents, each (B, C, h, w), not scaled; the deviation of exact ones is 0.

    Args:
        vae: either kind.
        pixels: (B, 3, H, W) in [-1, 1].
    """
    found = vae.encode(pixels)
    if hasattr(found, "latent_dist"):
        return found.latent_dist.mode(), found.latent_dist.std
    return found.latent, torch.zeros_like(found.latent)
