"""A training's data, through the frozen networks: in every step anew, or once and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import save_file
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

from ..facts import claim
from ..files import replace_file
from ..weights import read_weights

AT_ONCE = 8


class Encoder(Protocol):
    """The networks that a training leaves as they are, and what they make of its data."""

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """What is frozen and goes to the training's device."""
        ...

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Named tensors (B, ...) of a batch of the data; among them "mean" (B, C, h, w), of the noise's shape."""
        ...

    def facts(self) -> dict[str, Any]:
        """Plain values that tell these networks and their way from others: what kept tensors depend on."""
        ...


def encoded(batch: Mapping[str, Any], encoder: Encoder, device: torch.device) -> dict[str, torch.Tensor]:
    """What the loss takes, and "number": read where it was kept, made where not."""
    tensors = batch if "mean" in batch else {**encoder(batch), "number": batch["number"]}
    return {name: value.to(device) for name, value in tensors.items()}


class KeptLatents(Dataset[dict[str, torch.Tensor]]):
    """A data set that has passed the frozen networks: items have what the encoder makes of them, without B.

    Args:
        data: the pictures; its `fingerprint`, if it has one, tells it from other data of the same length.
        encoder: what they pass.
        folder: where latents are kept, one file each; None keeps them in memory.
        workers: processes that load the pictures.
        process, processes: which of them this is, of how many; they share the work where there is a folder.
        wait: called when this process's share is done; returns when all are.

    Raises:
        InputError: the folder holds latents of other data or other networks.
    """

    def __init__(
        self,
        data: Dataset[dict[str, Any]],
        encoder: Encoder,
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
                facts = {"count": self.length, "data": data_says, **encoder.facts()}
                claim(folder / "latents.json", facts, "name another folder in cache_latents, or delete this one")
            wait()
        mine = range(self.length) if folder is None else range(process, self.length, processes)
        missing = [i for i in mine if folder is None or not self._file(i).is_file()]
        loader = DataLoader(Subset(data, missing), batch_size=AT_ONCE, num_workers=workers)
        done = 0
        for batch in tqdm(loader, desc="Encoding pictures", disable=process > 0 or not missing):
            tensors = encoder(batch)
            for row in range(len(tensors["mean"])):
                self._keep(missing[done], {name: _contiguous(value[row]) for name, value in tensors.items()})
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
