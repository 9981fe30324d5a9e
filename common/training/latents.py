"""Pictures to latents: in every step anew, or once and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

from ..autoencoders import encode as encode_pictures
from ..errors import ShapeError
from ..facts import claim, fingerprint
from ..files import replace_file
from ..weights import read_weights

AT_ONCE = 8
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


NAMES = tuple(field.name for field in fields(Latents))


def changed_region(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Where two pictures (B, 3, H, W) in [0, 1] differ, and around it: (B, 1, H, W), 0 or 1."""
    differs = ((source - target).abs().mean(1, keepdim=True) > THRESHOLD).float()
    reach = max(1, source.shape[-1] // 64)
    return F.max_pool2d(differs, 2 * reach + 1, stride=1, padding=reach)


@torch.no_grad()
def encode(vae: Any, batch: Mapping[str, torch.Tensor]) -> Latents:
    """The latents of a batch of pictures.

    Args:
        vae: the autoencoder.
        batch: "source" and "target" (B, 3, H, W), "guides" (B, G, 3, H, W), all in [0, 1].

    Raises:
        ShapeError: pictures of different sizes.
    """
    weight = next(vae.parameters())
    source, target, guides = (batch[name].to(weight.device, weight.dtype) for name in ("source", "target", "guides"))
    if source.shape != target.shape or guides.shape[2:] != source.shape[1:]:
        raise ShapeError("guides", f"(B, G, {', '.join(map(str, source.shape[1:]))}) as the source", guides.shape)
    mean, std = encode_pictures(vae, 2 * target - 1)
    scale = _scale(vae)
    conditions = torch.cat([source[:, None], guides], 1).flatten(0, 1)  # (B (1 + G), 3, H, W)
    modes = encode_pictures(vae, 2 * conditions - 1)[0].unflatten(0, (len(source), -1))
    region = F.adaptive_avg_pool2d(changed_region(source, target), (modes.shape[-2], modes.shape[-1]))
    return Latents(*(t.float() for t in (scale * mean, scale * std, modes[:, 0], modes[:, 1:].flatten(1, 2), region)))


def _scale(vae: Any) -> float:
    """Of the distribution of targets; conditions are not scaled."""
    return float(vae.config.scaling_factor)


def of_batch(batch: Mapping[str, Any], vae: Any, device: torch.device) -> Latents:
    """The latents of a batch, read where they were kept, made where not."""
    if "mean" in batch:
        return Latents(*(batch[name].to(device) for name in NAMES))
    return encode(vae, batch)


class KeptLatents(Dataset[dict[str, torch.Tensor]]):
    """A data set whose pictures have passed the VAE: items have the tensors of `Latents` without B, and "vector".

    Args:
        data: the pictures.
        vae: the autoencoder.
        folder: where latents are kept, one file each; None keeps them in memory.
        workers: processes that load the pictures.
        process, processes: which of them this is, of how many; they share the work where there is a folder.
        wait: called when this process's share is done; returns when all are.

    Raises:
        InputError: the folder holds latents of other data or another VAE.
    """

    def __init__(
        self,
        data: Dataset[dict[str, Any]],
        vae: Any,
        folder: Path | None,
        *,
        workers: int = 0,
        process: int = 0,
        processes: int = 1,
        wait: Callable[[], object] = lambda: None,
    ) -> None:
        self.length, self.folder = len(data), folder  # type: ignore[arg-type]
        self.memory: dict[int, dict[str, torch.Tensor]] = {}
        if folder is not None:
            if process == 0:
                data_says = str(getattr(data, "fingerprint", ""))
                facts = {"count": self.length, "data": data_says, "vae": fingerprint(vae), "scale": _scale(vae)}
                claim(folder / "latents.json", facts, "name another folder in cache_latents, or delete this one")
            wait()
        mine = range(self.length) if folder is None else range(process, self.length, processes)
        missing = [i for i in mine if folder is None or not self._file(i).is_file()]
        loader = DataLoader(Subset(data, missing), batch_size=AT_ONCE, num_workers=workers)
        done = 0
        for batch in tqdm(loader, desc="Encoding pictures", disable=process > 0 or not missing):
            latents = encode(vae, batch)
            for row in range(len(batch["vector"])):
                tensors = {name: _contiguous(getattr(latents, name)[row]) for name in NAMES}
                self._keep(missing[done], tensors | {"vector": batch["vector"][row].clone()})
                done += 1
        wait()

    def _keep(self, index: int, tensors: dict[str, torch.Tensor]) -> None:
        if self.folder is None:
            self.memory[index] = tensors
        else:
            replace_file(self._file(index), partial(save_file, tensors))

    def _file(self, index: int) -> Path:
        assert self.folder is not None
        return self.folder / f"{index // 1000:05d}" / f"{index:08d}.safetensors"

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return dict(self.memory[index]) if self.folder is None else read_weights(self._file(index))


def _contiguous(tensor: torch.Tensor) -> torch.Tensor:
    """A copy on the CPU with its numbers in order, as files want them: convolutions may leave channels last."""
    return tensor.cpu().clone(memory_format=torch.contiguous_format)
