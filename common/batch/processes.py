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
    """The rank of this process, their count, and its rank on its own machine; alone by default."""

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
            raise InputError(f"{', '.join(names)} must be whole numbers: {error}", code="type") from error
        if count < 2:
            return cls()
        if not 0 <= rank < count:
            expected = f"0 to {count - 1}, by WORLD_SIZE"
            raise InputError("RANK is out of range.", code="range", expected=expected, actual=rank)
        return cls(rank, count, local)

    def device(self, asked: str | None) -> str | None:
        """A GPU for this process, where there are several and no other device is named."""
        import torch

        if self.count < 2 or asked not in (None, "cuda") or (gpus := torch.cuda.device_count()) < 2:
            return asked
        return f"cuda:{self.local % gpus}"

    def part(self, items: Sequence[T]) -> list[T]:
        """The items of this process, every `count`-th."""
        return list(items[self.rank :: self.count])

    @contextlib.contextmanager
    def joined(self) -> Iterator[None]:
        """Waits until all processes have started; they can `gather` inside."""
        if self.count < 2:
            yield
            return
        from torch import distributed

        try:
            distributed.init_process_group("gloo", timeout=_PATIENCE)
        except ValueError as error:  # no address to meet at
            why = f"Start the {self.count} processes with accelerate launch: {error}"
            raise InputError(why, code="connection") from error
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
            raise FaceEditError("A process of this run died; re-run the command to resume.", code="crash") from error
        return found


ALONE = Processes()
