"""A run on a Ray cluster: workers edit, and this process alone keeps the lines. The only file that imports ray.

The workers write the pictures themselves: they see the folder of the run, the photos and the models by the same paths
as this process, which takes shared storage where there are several machines, and they have this library installed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import shutil
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import FaceEditError, InputError, MissingDependencyError
from ..files import alone
from .jobs import Job
from .making import Making
from .run import TRIED, Item, Worker, begin, by_photo, counts, edit_photo, progress_bar
from .samples import settle

TRIES = 3
"""How often a photo is begun over which workers die; Ray itself would go on for ever."""
BLOCKS = 4096
"""Parts of the work at most: each is a photo or a few, and its lines come together."""
_STORE = 256 << 20  # bytes of a cluster made for one run: lines are all that travels


@dataclass(frozen=True)
class Pool:
    """The workers of a run.

    Attributes:
        workers: how many; None for as many as the cluster has room for.
        gpus: share of a GPU that each takes; None for one where the cluster has any, else none.
    """

    workers: int | None = None
    gpus: float | None = None


def run_on_ray(
    items: Sequence[Item],
    making: Making,
    folder: Path,
    settings: Mapping[str, Any],
    pool: Pool,
    *,
    batch_size: int = 4,
    again: bool = False,
    progress: bool = True,
) -> dict[str, int]:
    """Makes what is not made yet, as `common.batch.run.run` does, on the cluster at `RAY_ADDRESS` or one of its own.

    A worker that dies is replaced, and its photo is begun anew; one over which `TRIES` workers died has failed.

    Args:
        items: see `run`.
        making: of the worker; each process of the pool makes one.
        folder: see `run`; on shared storage where the cluster has several machines.
        settings: see `run`.
        pool: how many workers.
        batch_size: see `run`.
        again: see `run`.
        progress: see `run`.

    Returns:
        How many are "done" and "failed", of all items.

    Raises:
        InputError, MissingCheckpointError: see `run`; or the cluster has no room for a worker.
        MissingDependencyError: ray is not installed.
    """
    with alone(folder):
        samples, left = begin(items, folder, settings, again)
        waiting = {item.key: item for item in left}
        with progress_bar(items, left, progress) as bar:
            for row in _edited(left, making, folder, pool, batch_size):
                if waiting.pop(row["key"], None) is not None:  # what was begun anew may be told twice
                    samples.append(row)
                    bar.update()
        shutil.rmtree(folder / TRIED, ignore_errors=True)
        return counts(settle(folder, [], [item.key for item in items]), items)


def _edited(
    items: Sequence[Item], making: Making, folder: Path, pool: Pool, batch_size: int
) -> Iterator[Mapping[str, Any]]:
    """The lines of edits, as they are made, in any order."""
    if not items:
        return
    with _cluster(pool) as ray:
        data = ray.data
        workers, gpus = _room(ray, pool)
        context = data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        photos = [{"task": _Task(own)} for own in by_photo(items)]
        made = {"making": making, "folder": folder.absolute(), "place": Path.cwd(), "batch_size": batch_size}
        tasks = data.from_items(photos, override_num_blocks=min(len(photos), BLOCKS))
        found = tasks.map(
            _Editing, fn_constructor_kwargs=made, num_cpus=1, num_gpus=gpus or None,
            # photos take long, and none should wait for a worker while another worker is free
            compute=data.ActorPoolStrategy(size=min(workers, len(photos)), max_tasks_in_flight_per_actor=1),
        )  # fmt: skip
        for row in found.iter_rows():
            told: _Told = row["told"]
            if told.error is not None:
                raise told.error
            yield from told.lines


# Both are one value of a row: as columns, Arrow would change the types of what is in them.
@dataclass(frozen=True)
class _Task:
    """The edits of a photo."""

    items: Sequence[Item]


@dataclass(frozen=True)
class _Told:
    """Their lines, or an error that ends the run."""

    lines: Sequence[Mapping[str, Any]] = ()
    error: Exception | None = None


class _Editing:
    """An actor of Ray: its worker is made once."""

    def __init__(self, making: Making, folder: Path, place: Path, batch_size: int) -> None:
        self.folder, self.batch_size = folder, batch_size
        self.error: Exception | None = None
        try:
            if not folder.is_dir():
                raise InputError(f"{platform.node()} does not see {folder}: it must lie on storage that all share.")
            os.chdir(place)  # paths mean the same as in the process that keeps the lines
            self.worker = making.make()
        except Exception as error:  # told with the first photo: Ray would make the actor again, for ever
            self.error = _portable(error)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """What came of a photo's edits."""
        if self.error is not None:
            return {"told": _Told(error=self.error)}
        lines: list[Mapping[str, Any]] = []
        items: Sequence[Item] = row["task"].items
        tried = self.folder / TRIED / items[0].job.name
        try:
            edit_photo(items, _Counted(self.worker, tried), self.folder, lines.append, self.batch_size)
            tried.unlink(missing_ok=True)
        except Exception as error:
            return {"told": _Told(error=_portable(error))}
        return {"told": _Told(lines)}


class _Counted:
    """A worker that leaves a photo alone over which others have died."""

    def __init__(self, worker: Worker, tried: Path) -> None:
        self.tried, self.edit, self.record, self._encode = tried, worker.edit, worker.record, worker.encode

    def encode(self, job: Job) -> Any:
        """See `Worker`; counts where the death of this process does not undo it."""
        self.tried.parent.mkdir(exist_ok=True)
        with open(self.tried, "ab") as file:
            file.write(b".")
        if self.tried.stat().st_size > TRIES:
            raise FaceEditError(f"{TRIES} workers died over {job.name}, so that it is left alone.")
        return self._encode(job)


def _portable(error: Exception) -> Exception:
    """An error that can be raised in another process: ours can, others need not."""
    return error if isinstance(error, FaceEditError) else RuntimeError(traceback.format_exc())


@contextlib.contextmanager
def _cluster(pool: Pool) -> Iterator[Any]:
    """Ray, connected; what was connected for this is taken down again."""
    # before the import, which reads them
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingDependencyError("ray", "A batch on a cluster", 'pip install "face-rig[ray]"') from error
    if ray.is_initialized():
        yield ray
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not os.environ.get("RAY_ADDRESS"):
        cores = max(os.cpu_count() or 1, pool.workers or 1)
        options |= {"num_cpus": cores, "include_dashboard": False, "object_store_memory": _STORE}
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(f"Cannot reach a Ray cluster: {error}") from error
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    try:
        yield ray
    finally:
        ray.shutdown()


def _room(ray: Any, pool: Pool) -> tuple[int, float]:
    """How many workers, and which share of a GPU each of them takes."""
    there = ray.cluster_resources()
    gpus = pool.gpus if pool.gpus is not None else float(there.get("GPU", 0) > 0)
    room = int(there.get("CPU", 0))
    if gpus:
        room = min(room, int(there.get("GPU", 0) / gpus + 1e-6))
    if not room:
        raise InputError(f"The cluster has no room for a worker of one CPU and {gpus:g} GPUs; it has {there}.")
    if pool.workers is not None and pool.workers > room:
        logging.getLogger(__name__).warning("the cluster has room for %d workers, not %d", room, pool.workers)
    return min(pool.workers or room, room), gpus
