"""Which sample comes when, and its random numbers: functions of (seed, number), whatever the processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import Dataset, Sampler

from ..core.errors import InputError

_MIX = 0x9E3779B97F4A7C15  # 2^64 / golden ratio: neighbouring numbers get unlike seeds


def generator(*key: int) -> torch.Generator:
    """A source of random numbers that follows from whole numbers alone."""
    state = 0
    for part in key:
        state = (state ^ (part + _MIX + (state << 6) + (state >> 2))) * 0xBF58476D1CE4E5B9 & (2**64 - 1)
        state ^= state >> 31
    return torch.Generator().manual_seed(state >> 1)


@dataclass(frozen=True)
class Group:
    """The processes of a training.

    `process` is the number of this one; `wait` returns when all have called it.
    """

    process: int = 0
    processes: int = 1
    wait: Callable[[], object] = lambda: None


ALONE = Group()


@dataclass(frozen=True)
class Draws:
    """The random numbers of a batch of samples.

    Attributes:
        timesteps: (B,) int64.
        noise: (B, C, h, w), standard normal.
        posterior: (B, C, h, w), standard normal, for the VAE's distribution.
        kept: (B,) bool, whose vector stays.
    """

    timesteps: torch.Tensor
    noise: torch.Tensor
    posterior: torch.Tensor
    kept: torch.Tensor

    def to(self, device: torch.device) -> Draws:
        """The same on a device."""
        return Draws(*(getattr(self, name).to(device) for name in ("timesteps", "noise", "posterior", "kept")))


def draw(
    seed: int, numbers: torch.Tensor, shape: tuple[int, ...], *, timesteps: int, dropout: float, shift: float = 1.0
) -> Draws:
    """The random numbers of the samples with these numbers.

    `numbers` (B,) int64 say how many samples of the training came before each; `shape` is (C, h, w), of the latents. A
    vector is dropped with the probability `dropout`. `shift` is s of Esser et al. 2024, eq. 23: a fraction u of all
    steps becomes s u / (1 + (s - 1) u); 1 is uniform.
    """
    rows = []
    for number in numbers.tolist():
        source = generator(seed, 1, number)
        fraction = (torch.randint(timesteps, (), generator=source).double() + 0.5) / timesteps
        shifted = timesteps * shift * fraction / (1 + (shift - 1) * fraction)
        rows.append(
            (
                shifted.long().clamp(0, timesteps - 1),
                torch.randn(shape, generator=source),
                torch.randn(shape, generator=source),
                torch.rand((), generator=source) >= dropout,
            )
        )
    return Draws(*(torch.stack(column) for column in zip(*rows)))


class Numbered(Dataset[dict[str, Any]]):
    """A data set whose items are asked for by the number of the sample in the training; each adds it as "number".

    Each pass over the data has an order of its own.
    """

    def __init__(self, data: Dataset[dict[str, Any]], seed: int) -> None:
        self.data, self.seed = data, seed
        self.length = len(data)  # type: ignore[arg-type]
        self._shuffled: tuple[int, list[int]] = (-1, [])
        if not self.length:
            raise InputError("There are no samples to train on.", code="empty")

    def index(self, number: int) -> int:
        """Which item of the data set sample `number` is."""
        epoch, place = divmod(number, self.length)
        if self._shuffled[0] != epoch:
            order = torch.randperm(self.length, generator=generator(self.seed, 0, epoch)).tolist()
            self._shuffled = (epoch, order)
        return self._shuffled[1][place]

    def __getitem__(self, number: int) -> dict[str, Any]:
        return {**self.data[self.index(number)], "number": number}


class Turns(Sampler[list[int]]):
    """The sample numbers of each pass of one process: consecutive samples make a step, and processes share them.

    Optimiser steps go from `first` to before `last`; `batch_size` counts the samples of a step over all passes and
    processes. Raises InputError: the samples of a step cannot be shared equally, or the last step lies before the
    first.
    """

    def __init__(self, first: int, last: int, batch_size: int, passes: int = 1, group: Group = ALONE) -> None:
        if batch_size % (passes * group.processes):
            expected = f"a multiple of accumulation x processes, {passes} x {group.processes}"
            raise InputError("batch_size is out of range.", code="range", expected=expected, actual=batch_size)
        if last < first:
            raise InputError(f"The training is at step {first} already, beyond its last.", code="range", actual=last)
        self.turns = range(first * passes, last * passes)
        self.size = batch_size // (passes * group.processes)
        self.group = group

    def __len__(self) -> int:
        return len(self.turns)

    def __iter__(self) -> Iterator[list[int]]:
        for turn in self.turns:
            start = (turn * self.group.processes + self.group.process) * self.size
            yield list(range(start, start + self.size))
