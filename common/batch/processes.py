"""The processes that make one run together, as `accelerate launch` starts them, each on a device of its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from ..core.errors import FaceEditError, InputError

T = TypeVar("T")
_PATIENCE = timedelta(days=365)  # for a process with more photos; one that dies is noticed at once


@dataclass(frozen=True)
class Processes:
    """The place of this process among them; alone by default.

    Attributes:
        rank: its number, from 0.
        count: how many there are.
        local: its number on its machine, which is that of its device.
    """

    rank: int = 0
    count: int = 1
    local: int = 0

    @classmethod
    def launched(cls) -> Processes:
        """Read from a launcher's environment; alone without one. Raises an InputError for wrong values."""
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        try:
            rank, count, local = (int(os.environ.get(name) or default) for name, default in zip(names, (0, 1, 0)))
        except ValueError as error:
            raise InputError(f"{', '.join(names)} in the environment must be whole numbers: {error}") from error
        if count < 2:
            return cls()
        if not 0 <= rank < count:
            raise InputError(f"RANK must be one of 0..{count - 1}, as WORLD_SIZE is {count}; got {rank}.")
        return cls(rank, count, local)

    def device(self, asked: str | None) -> str | None:
        """A GPU of its own, where there are several and no other device was asked for."""
        import torch

        if self.count < 2 or asked not in (None, "cuda") or (gpus := torch.cuda.device_count()) < 2:
            return asked
        return f"cuda:{self.local % gpus}"

    def share(self, items: Sequence[T]) -> list[T]:
        """Every `count`-th of them."""
        return list(items[self.rank :: self.count])

    @contextlib.contextmanager
    def joined(self) -> Iterator[None]:
        """Waits until all have started; they can `gather` until the end."""
        if self.count < 2:
            yield
            return
        from torch import distributed

        try:
            distributed.init_process_group("gloo", timeout=_PATIENCE)
        except ValueError as error:  # no address to meet at
            raise InputError(f"Start the {self.count} processes with accelerate launch: {error}") from error
        try:
            yield
        finally:
            distributed.destroy_process_group()

    def gather(self, value: T) -> list[T]:
        """The values of all processes, by rank; waits for each, and raises a FaceEditError where one has died."""
        if self.count < 2:
            return [value]
        from torch import distributed

        found: list[Any] = [None] * self.count
        try:
            distributed.all_gather_object(found, value)
        except RuntimeError as error:
            raise FaceEditError("A process of this run died; re-run the command to resume.") from error
        return found


ALONE = Processes()
