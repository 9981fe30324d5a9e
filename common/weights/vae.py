"""Two kinds of autoencoder, used alike: Stable Diffusion's, whose latents are a distribution, and DC-AE's, exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import AutoencoderKL
from diffusers.configuration_utils import FrozenDict
from diffusers.models.autoencoders.vae import EncoderOutput

from ..core.errors import CheckpointError
from ..core.finite import check_finite
from .config_guard import read_architecture
from .state_dict import building, fill, read_network


class ExactOutput(EncoderOutput):
    """What an exact encoder gives, under the name that pipelines ask for too."""

    @property
    def latents(self) -> torch.Tensor:
        """(B, C, h, w)."""
        return self.latent


class AutoencoderDC(diffusers.AutoencoderDC):
    """diffusers' own, with what Stable Diffusion's pipelines expect of an autoencoder: levels, and a generator."""

    @property
    def config(self) -> FrozenDict:
        """The options, and the `block_out_channels` from which pipelines learn the size of latents."""
        own = super().config
        return FrozenDict({**own, "block_out_channels": own["decoder_block_out_channels"]})

    def encode(self, x: torch.Tensor, return_dict: bool = True) -> Any:
        """Pictures (B, 3, H, W) to latents; see diffusers."""
        (latent,) = super().encode(x, return_dict=False)
        return ExactOutput(latent=latent) if return_dict else (latent,)

    def decode(self, z: torch.Tensor, return_dict: bool = True, generator: object = None) -> Any:
        """Latents to pictures; nothing is drawn, so the generator is not used."""
        return super().decode(z, return_dict=return_dict)


Autoencoder = AutoencoderKL | AutoencoderDC
KINDS: dict[str, Any] = {kind.__name__: kind for kind in (AutoencoderKL, AutoencoderDC)}


def load_vae(folder: Path, *, dtype: torch.dtype = torch.float32) -> Autoencoder:
    """An autoencoder from its folder; the older key names that Stable Diffusion 1.5 still has are known. Raises
    CheckpointError: damaged, of another kind, or keys missing or left over.
    """
    config = read_architecture(folder / "config.json")
    kind = config.get("_class_name", AutoencoderKL.__name__)
    if not isinstance(kind, str) or kind not in KINDS:
        raise CheckpointError(f"{folder} is of another kind.", code="refused", expected=tuple(KINDS), actual=kind)
    state, path = read_network(folder, dtype)
    with building(folder), torch.device("meta"):
        vae: Any = KINDS[kind].from_config({key: value for key, value in config.items() if key[:1] != "_"})
    with building(path):
        vae._fix_state_dict_keys_on_load(state)  # the host's own, of the names that attention had once
    return fill(vae, state, path, dtype)


def scale_factor(vae: Any) -> int:
    """Pixels to a latent pixel, along one side."""
    ratio = getattr(vae, "spatial_compression_ratio", None)
    return ratio or 2 ** (len(vae.config.block_out_channels) - 1)


def encode(vae: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation of the latents, each (B, C, h, w), not scaled; the deviation of exact ones is 0.

    Pixels are (B, 3, H, W) in [-1, 1]. Raises InputError: pixels with NaN or infinity; NonFiniteError: the encoder
    makes NaN or infinity of them.
    """
    found = vae.encode(pixels)
    exact = not hasattr(found, "latent_dist")
    mean = found.latent if exact else found.latent_dist.mode()
    check_finite(mean, "The latents of the picture", {"vae": vae}, image=pixels)
    return mean, torch.zeros_like(mean) if exact else found.latent_dist.std


def decode(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Pictures (B, 3, H, W) float32, about [-1, 1], of latents (B, C, h, w), not scaled.

    Row by row: the decoder at 512 px needs more memory than a denoiser, and gains nothing from a batch. Raises
    InputError: latents with NaN or infinity; NonFiniteError: the decoder makes NaN or infinity of them, as some do in
    float16.
    """
    pixels = torch.cat([vae.decode(row[None], return_dict=False)[0].float() for row in latents.to(vae.dtype)])
    check_finite(pixels, "The decoded pixels", {"vae": vae}, latents=latents)
    return pixels
