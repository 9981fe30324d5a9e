"""Pairs of pictures to latents, where they differ, and data that have passed the frozen networks once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

from ..core.errors import ShapeError
from ..core.files import replace_file
from ..core.fingerprint import claim, fingerprint
from ..weights.state_dict import read_weights
from ..weights.vae import encode as encode_pictures
from .sampler import ALONE, Group

THRESHOLD = 0.04
"""Mean difference of the colours, in [0, 1], from which on a pixel has changed: 10 of 255."""


@dataclass(frozen=True)
class Latents:
    """A batch as the networks see it.

    Attributes:
        mean, std: (B, C, h, w), the VAE's distribution of the target, in the scaled space.
        source: (B, C, h, w), `mode()`, not scaled.
        conditioning_images: (B, G C, h, w), `mode()`, not scaled.
        region: (B, 1, h, w) in [0, 1], how much of each latent pixel has changed.
    """

    mean: torch.Tensor
    std: torch.Tensor
    source: torch.Tensor
    conditioning_images: torch.Tensor
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

    `batch` has "source" and "target" (B, 3, H, W) and "conditioning_images" (B, G, 3, H, W), all in [0, 1]. Raises
    ShapeError: pictures of different sizes.
    """
    weight = next(vae.parameters())
    source, target, conditioning_images = (
        batch[name].to(weight.device, weight.dtype) for name in ("source", "target", "conditioning_images")
    )
    if source.shape != target.shape or conditioning_images.shape[2:] != source.shape[1:]:
        raise ShapeError(
            "conditioning_images",
            f"(B, G, {', '.join(map(str, source.shape[1:]))}) as the source",
            conditioning_images.shape,
        )
    mean, std = encode_pictures(vae, 2 * target - 1)
    scale = float(vae.config.scaling_factor)  # of targets; conditions are not scaled
    conditions = torch.cat([source[:, None], conditioning_images], 1).flatten(0, 1)  # (B (1 + G), 3, H, W)
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


AT_ONCE = 8


class Encoder(Protocol):
    """The networks that a training leaves as they are, and what they make of its data."""

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """The frozen networks, which go to the training's device."""
        ...

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Named tensors (B, ...) of a batch of the data; among them "mean" (B, C, h, w), of the noise's shape."""
        ...

    def facts(self) -> dict[str, Any]:
        """Plain values that tell these networks from others: what cached tensors depend on."""
        ...


class CachedLatents(Dataset[dict[str, torch.Tensor]]):
    """What an encoder makes of each item of a data set, without the dimension B.

    The `fingerprint` of the data, if it has one, tells it from other data of the same length. The `folder` has a file
    for each item; None keeps them in memory. The processes of the `group` share the work where there is a folder.
    Raises InputError: the folder holds latents of other data or other networks.
    """

    def __init__(
        self,
        data: Dataset[dict[str, Any]],
        encoder: Encoder,
        folder: Path | None,
        workers: int = 0,
        group: Group = ALONE,
    ) -> None:
        self.length: int = len(data)  # type: ignore[arg-type]
        self.folder = folder
        self.memory: dict[int, dict[str, torch.Tensor]] = {}
        missing = list(range(self.length))
        if folder is not None:
            if group.process == 0:
                facts = {"count": self.length, "data": str(getattr(data, "fingerprint", "")), **encoder.facts()}
                claim(folder / "latents.json", facts, "name another folder in cache_latents, or delete this one")
            group.wait()
            missing = [i for i in missing[group.process :: group.processes] if not self._file(folder, i).is_file()]
        loader = DataLoader(Subset(data, missing), batch_size=AT_ONCE, num_workers=workers)
        indices = iter(missing)
        for batch in tqdm(loader, desc="Encoding pictures", disable=group.process > 0 or not missing):
            tensors = encoder(batch)
            for row in range(len(tensors["mean"])):
                self._keep(next(indices), {name: _contiguous(value[row]) for name, value in tensors.items()})
        group.wait()

    def _keep(self, index: int, tensors: dict[str, torch.Tensor]) -> None:
        if self.folder is None:
            self.memory[index] = tensors
        else:
            replace_file(self._file(self.folder, index), partial(save_file, tensors))

    @staticmethod
    def _file(folder: Path, index: int) -> Path:
        return folder / f"{index // 1000:05d}" / f"{index:08d}.safetensors"

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return dict(self.memory[index]) if self.folder is None else read_weights(self._file(self.folder, index))


def _contiguous(tensor: torch.Tensor) -> torch.Tensor:
    """A copy on the CPU with its numbers in order, as files want them: convolutions may leave channels last."""
    return tensor.cpu().clone(memory_format=torch.contiguous_format)
