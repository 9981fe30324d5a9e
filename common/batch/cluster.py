"""Edits on a Ray cluster: actors edit, and this process alone keeps the lines. The only file that imports ray.

The actors write the pictures themselves: they see the folder of the run, the photos and the models by the same paths
as this process, which takes shared storage where there are several machines, and they have this library installed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from ..core.errors import FaceEditError, InputError, MissingDependencyError
from .folder import Row
from .plan import Item, Job
from .run import Worker, edit_photo

TRIES = 3
"""Max attempts for a photo whose actor crashes."""
_STORE = 256 << 20  # bytes of a cluster made for one run: lines are all that travels


def edit_on_ray(
    photos: Sequence[Sequence[Item]],
    make: Callable[[], Worker],
    folder: Path,
    batch_size: int,
    *,
    workers: int | None = None,
    gpus: float | None = None,
) -> Iterator[Row]:
    """As `common.batch.run.edit_photos`, on the cluster at `RAY_ADDRESS`, else on one of this machine.

    An actor that crashes is replaced, and its photo is started again; after `TRIES` crashes the photo has failed.

    `make` is pickled, without networks. By default there are as many `workers` as the cluster has room for, and each
    takes one of its `gpus`, if there are any; a fraction of one is allowed.

    Raises:
        InputError: the cluster cannot be reached, or has no room for an actor.
        MissingCheckpointError: the weights are not on the cluster's machines.
        MissingDependencyError: ray is not installed.
    """
    with _cluster(workers) as ray:
        room, gpus = _room(ray, workers, gpus)
        kind = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=-1, max_task_retries=TRIES - 1)(_Actor)
        free = [kind.remote(make, folder.absolute(), Path.cwd(), batch_size) for _ in range(min(room, len(photos)))]
        waiting, busy = list(reversed(photos)), {}
        while waiting or busy:
            while waiting and free:
                actor, photo = free.pop(), waiting.pop()
                busy[actor.edit.remote(photo)] = actor, photo
            (ready,), _ = ray.wait(list(busy), num_returns=1)
            actor, photo = busy.pop(ready)
            free.append(actor)
            try:
                yield from ray.get(ready)
            except ray.exceptions.RayTaskError as error:
                raise error.cause if isinstance(error.cause, FaceEditError) else error from None
            except ray.exceptions.RayError:
                yield from edit_photo(photo, cast(Worker, _Dead()), folder, batch_size)


class _Actor:
    """Makes its worker once, with the first photo."""

    def __init__(self, make: Callable[[], Worker], folder: Path, place: Path, batch_size: int) -> None:
        self.make, self.folder, self.place, self.batch_size = make, folder, place, batch_size
        self.worker: Worker | None = None

    def edit(self, items: Sequence[Item]) -> list[Row]:
        """The lines of a photo's edits."""
        if self.worker is None:
            if not self.folder.is_dir():
                why = f"{platform.node()} does not see the folder of the run; put it on shared storage."
                raise InputError(why, code="missing", expected=self.folder)
            os.chdir(self.place)  # paths mean the same as in the process that keeps the lines
            self.worker = self.make()
        return list(edit_photo(items, self.worker, self.folder, self.batch_size))


class _Dead:
    """In place of an actor that crashed."""

    def encode(self, job: Job) -> Any:
        """See `Worker`; no more is asked of it."""
        raise FaceEditError(f"{TRIES} workers crashed while they edited {job.name}; it is skipped.", code="crash")


@contextlib.contextmanager
def _cluster(workers: int | None) -> Iterator[Any]:
    """Ray, connected; what was connected for this is shut down at the end."""
    # before the import, which reads them
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
    except ImportError as error:
        raise MissingDependencyError("ray", "A batch on a cluster", 'pip install "face-rig[ray]"') from error
    if ray.is_initialized():
        yield ray
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not os.environ.get("RAY_ADDRESS"):
        cores = max(os.cpu_count() or 1, workers or 1)
        options |= {"num_cpus": cores, "include_dashboard": False, "object_store_memory": _STORE}
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(f"Cannot reach a Ray cluster: {error}", code="connection") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _room(ray: Any, workers: int | None, gpus: float | None) -> tuple[int, float]:
    """How many actors, and the fraction of a GPU that each takes."""
    there = ray.cluster_resources()
    if gpus is None:
        gpus = float(there.get("GPU", 0) > 0)
    room = int(there.get("CPU", 0))
    if gpus:
        room = min(room, int(there.get("GPU", 0) / gpus + 1e-6))
    if not room:
        needed = f"1 CPU and {gpus:g} GPUs"
        raise InputError("The cluster has no room for a worker.", code="count", expected=needed, actual=there)
    if workers is not None and workers > room:
        logging.getLogger(__name__).warning("the cluster has room for %d workers, not %d", room, workers)
    return min(workers or room, room), gpus
