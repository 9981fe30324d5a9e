"""A data set that has passed the frozen networks once, in memory or in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import save_file
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

from ..core.files import replace_file
from ..core.fingerprint import claim
from ..weights.state_dict import read_weights
from .sampler import ALONE, Group

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
