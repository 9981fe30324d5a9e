"""Several processes that make one run together, such as those of `accelerate launch`, each on a device of its own.

None waits for another. Each writes lines of its own, and the last one to finish takes all of them into the one file;
what killed ones have left is taken in at the next start, by however many processes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from .jobs import inside
from .samples import parts, settle

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

DOOR = "processes.lock"
"""Held while a process comes or goes."""
_END = ".end.jsonl"  # of a process that has finished


@dataclass(frozen=True)
class Share:
    """One of the processes of a run.

    Attributes:
        rank: its number, from 0.
        world: how many there are.
        local: its number on its machine, which is that of its device.
        launch: what its fellows have in common, and no other run at work.
    """

    rank: int
    world: int
    local: int = 0
    launch: str = "0"

    def own(self, names: Sequence[str]) -> set[str]:
        """Its share of the photos: every `world`-th, whatever is done already."""
        return set(list(dict.fromkeys(names))[self.rank :: self.world])

    def device(self, asked: str | None) -> str | None:
        """Its own one, where there are several GPUs and no other device was asked for."""
        import torch

        if asked not in (None, "cuda") or (count := torch.cuda.device_count()) < 2:
            return asked
        return f"cuda:{self.local % count}"

    def file(self, rank: int | None = None) -> str:
        """The name of its lines, or of another one's."""
        return f"samples-{self.launch}-{self.rank if rank is None else rank}.jsonl"

    def files(self, folder: Path) -> list[Path]:
        """The lines of all of its launch that have begun."""
        return [path for path in parts(folder) if path.name.startswith(f"samples-{self.launch}-")]

    def all_ended(self, folder: Path) -> bool:
        """Whether every process of the launch has finished."""
        return all((folder / self.file(rank)).with_suffix(_END).exists() for rank in range(self.world))


def launched() -> Share | None:
    """The place of this process among those of a launcher, by its environment; None where it is the only one.

    Raises:
        InputError: the environment cannot be understood.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    try:
        rank, world, local = (int(os.environ.get(name) or default) for name, default in zip(names, (0, 1, 0)))
    except ValueError as error:
        raise InputError(f"{', '.join(names)} in the environment must be whole numbers: {error}") from error
    if world < 2:
        return None
    if not 0 <= rank < world:
        raise InputError(f"RANK must be one of 0..{world - 1}, as WORLD_SIZE is {world}; got {rank}.")
    names = ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT")
    launch = "|".join([str(world), *(os.environ.get(name, "") for name in names)])
    return Share(rank, world, local, hashlib.sha256(launch.encode()).hexdigest()[:8])


@contextlib.contextmanager
def joined(folder: Path, share: Share, first: Callable[[], None], order: Sequence[str]) -> Iterator[None]:
    """Makes this process one of those that work in a folder, until the end, however it ends.

    Args:
        folder: of the run.
        share: of this process.
        first: is called where nobody else is at work.
        order: see `common.batch.samples.settle`.

    Raises:
        InputError: another run is at work there, or its disk cannot say.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inside(folder, DOOR)
    with contextlib.ExitStack() as held:
        if _lock(held, folder, os.O_RDONLY, shared=True) is None:
            raise _busy(folder)
        with _door(folder):
            if not (live := [path for path in parts(folder) if _is_live(path)]):
                _tidy(folder, share, order)
                first()
            if any(path not in share.files(folder) for path in live) or folder / share.file() in live:
                raise _busy(folder)
            _lock(held, folder / share.file(), os.O_RDWR | os.O_CREAT)
        yield


def leave(folder: Path, share: Share, order: Sequence[str]) -> dict[str, dict[str, Any]] | None:
    """Says that this process has finished its share; the last one takes all lines into the one file.

    Returns:
        The rows of the run, by key; None where others are still at work, or have not begun.
    """
    with _door(folder):
        mine = folder / share.file()
        mine.rename(mine.with_suffix(_END))
        if not share.all_ended(folder):
            return None
        rows = settle(folder, share.files(folder), order)
        (folder / DOOR).unlink()
        return rows


class Fellows:
    """How many lines the others have written."""

    def __init__(self, folder: Path, share: Share) -> None:
        self.paths = [folder / share.file(rank) for rank in range(share.world) if rank != share.rank]
        self.read = dict.fromkeys(self.paths, 0)
        self.news()

    def news(self) -> int:
        """Since it was asked the last time, or since the start."""
        lines = 0
        for path in self.paths:
            with contextlib.suppress(FileNotFoundError):
                found = path if path.exists() else path.with_suffix(_END)
                with open(found, "rb") as file:
                    file.seek(self.read[path])
                    content = file.read()
                self.read[path] += len(content)
                lines += content.count(b"\n")
        return lines


def _tidy(folder: Path, share: Share, order: Sequence[str]) -> None:
    """Takes in the lines of former launches; those of fellows that have finished already stay."""
    fellows = share.files(folder)
    mine = folder / share.file()
    if mine in fellows or mine.with_suffix(_END) in fellows:  # this one begins: they are of a launch of the same name
        fellows = []
    if old := [path for path in parts(folder) if path not in fellows]:
        settle(folder, old, order)


@contextlib.contextmanager
def _door(folder: Path) -> Iterator[None]:
    """One at a time; the file may be taken away by whoever is inside."""
    while True:
        with contextlib.ExitStack() as held:
            handle = _lock(held, folder / DOOR, os.O_RDWR | os.O_CREAT, wait=True)
            assert handle is not None
            try:
                same = os.path.samestat(os.fstat(handle), os.stat(folder / DOOR))
            except FileNotFoundError:
                same = False
            if same:
                yield
                return


def _is_live(path: Path) -> bool:
    with contextlib.ExitStack() as held:
        return _lock(held, path, os.O_RDWR) is None


def _lock(
    held: contextlib.ExitStack, path: Path, flags: int, *, shared: bool = False, wait: bool = False
) -> int | None:
    """Takes a lock that ends with `held`, or with the process; None where it cannot be had."""
    if fcntl is None:
        raise InputError("Several processes for one run need locks of files, which this system has not; start one.")
    handle = os.open(path, flags, 0o666)
    held.callback(os.close, handle)
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return None
    except OSError as error:
        raise InputError(
            f"Several processes for one run need locks, which the disk of {path} has not ({error}); start one process."
        ) from error
    return handle


def _busy(folder: Path) -> InputError:
    return InputError(f"Another run writes to {folder}; wait for its end, or choose another folder.")
