"""Pairs of pictures to latents, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F

from ..core.errors import ShapeError
from ..core.fingerprint import fingerprint
from ..weights.vae import encode as encode_pictures

THRESHOLD = 0.04
"""Mean difference of the colours, in [0, 1], from which on a pixel has changed: 10 of 255."""


@dataclass(frozen=True)
class Latents:
    """A batch as the networks see it.

    Attributes:
        mean, std: (B, C, h, w), the VAE's distribution of the target, in the scaled space.
        source: (B, C, h, w), `mode()`, not scaled.
        guides: (B, G C, h, w), `mode()`, not scaled.
        region: (B, 1, h, w) in [0, 1], how much of each latent pixel has changed.
    """

    mean: torch.Tensor
    std: torch.Tensor
    source: torch.Tensor
    guides: torch.Tensor
    region: torch.Tensor

    def sample(self, noise: torch.Tensor) -> torch.Tensor:
        """The target (B, C, h, w), drawn from its distribution by standard normal noise."""
        return self.mean + self.std * noise


LATENTS = tuple(field.name for field in fields(Latents))


def changed_region(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Where two pictures (B, 3, H, W) in [0, 1] differ, and around it: (B, 1, H, W), 0 or 1."""
    differs = ((source - target).abs().mean(1, keepdim=True) > THRESHOLD).float()
    reach = max(1, source.shape[-1] // 64)
    return F.max_pool2d(differs, 2 * reach + 1, stride=1, padding=reach)


@torch.no_grad()
def encode(vae: Any, batch: Mapping[str, torch.Tensor]) -> Latents:
    """The latents of a batch of pictures.

    `batch` has "source" and "target" (B, 3, H, W) and "guides" (B, G, 3, H, W), all in [0, 1]. Raises ShapeError:
    pictures of different sizes.
    """
    weight = next(vae.parameters())
    source, target, guides = (batch[name].to(weight.device, weight.dtype) for name in ("source", "target", "guides"))
    if source.shape != target.shape or guides.shape[2:] != source.shape[1:]:
        raise ShapeError("guides", f"(B, G, {', '.join(map(str, source.shape[1:]))}) as the source", guides.shape)
    mean, std = encode_pictures(vae, 2 * target - 1)
    scale = float(vae.config.scaling_factor)  # of targets; conditions are not scaled
    conditions = torch.cat([source[:, None], guides], 1).flatten(0, 1)  # (B (1 + G), 3, H, W)
    modes = encode_pictures(vae, 2 * conditions - 1)[0].unflatten(0, (len(source), -1))
    region = F.adaptive_avg_pool2d(changed_region(source, target), (modes.shape[-2], modes.shape[-1]))
    return Latents(*(t.float() for t in (scale * mean, scale * std, modes[:, 0], modes[:, 1:].flatten(1, 2), region)))


class PairEncoder:
    """An `Encoder` of pairs through an autoencoder: the tensors of `Latents`, and "vector"."""

    def __init__(self, vae: Any) -> None:
        self.vae = vae
        self.networks = (vae,)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Encode a batch; see `encode`."""
        return {**vars(encode(self.vae, batch)), "vector": batch["vector"]}

    def facts(self) -> dict[str, Any]:
        """What the latents depend on."""
        return {"vae": fingerprint(self.vae), "scale": float(self.vae.config.scaling_factor)}
