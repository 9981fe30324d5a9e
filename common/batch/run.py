"""A run: every photo with every request. It resumes after any stop, and makes no edit again."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from PIL import Image
from tqdm import tqdm

from ..core.environment import environment
from ..core.errors import FaceEditError, MissingCheckpointError
from ..core.files import alone, sha256
from ..imaging.images import save_image
from ..provenance.recipe import WARP, carried
from .folder import FILE, Row, append, inside, merge, read_lines, same_run, shard
from .plan import EDITS, ORIGIN, Item, Job
from .processes import ALONE, Processes

DONE, FAILED = "done", "failed"
_TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.png")  # of `common.core.files.replace_file`


class Worker(Protocol):
    """An editor of any kind, with its options."""

    def encode(self, job: Job) -> Any:
        """The subject of all edits of a photo."""
        ...

    def edit(self, subject: Any, requests: Sequence[Any]) -> Sequence[Image.Image]:
        """A picture for each request."""
        ...

    def record(self, subject: Any) -> Mapping[str, Any]:
        """Plain values that the lines of a photo also hold."""
        ...


Edits = Callable[[Sequence[Sequence[Item]], Callable[[], Worker], Path, int], Iterator[Row]]
"""Edits photos (one or more, each a sequence of items) and yields the line of each edit, in any order."""


def run(
    items: Sequence[Item],
    make: Callable[[], Worker],
    folder: Path,
    settings: Mapping[str, Any],
    *,
    batch_size: int = 4,
    again: bool = False,
    progress: bool = True,
    processes: Processes = ALONE,
    edits: Edits | None = None,
) -> dict[str, int] | None:
    """Makes what is not made yet.

    Args:
        items: see `common.batch.plan.plan`.
        make: loads the worker; called only where edits are left.
        folder: of the run: edits/PHOTO/REQUEST.png, samples.jsonl, run.json.
        settings: plain values that decide how pictures look; a run resumes with the same ones only.
        batch_size: requests at once.
        again: retry what failed before.
        progress: show a bar, with an estimate of the time that is left.
        processes: that make the run together; of N, each takes every N-th photo.
        edits: how photos are edited; None for `edit_photos`, which edits in this process.

    Returns:
        How many are "done" and "failed", of all items; None in all processes but the first.

    Raises:
        InputError: the folder holds another run, or another run writes to it.
        MissingCheckpointError: the weights are not here, which is true of every photo.
        FaceEditError: another process of the run has died.
    """
    photos, lines = processes.part(_by_photo(items)), shard(folder, processes.rank)
    with processes.joined(), _held(items, folder, settings, processes):
        known = read_lines(folder / FILE)
        left = [own for photo in photos if (own := _to_do(photo, known, folder, again))]
        total, missing = sum(map(len, photos)), sum(map(len, left))
        shown = progress and processes.rank == 0
        with tqdm(total=total, initial=total - missing, unit="edit", disable=not shown) as bar:
            for row in (edits or edit_photos)(left, make, folder, batch_size) if left else ():
                append(lines, row)
                bar.update()
        processes.gather(None)
        if processes.rank:
            return None
        rows = merge(folder, [item.key for item in items])
        states = [rows.get(item.key, {}).get("state") for item in items]
        return {state: states.count(state) for state in (DONE, FAILED)}


@contextlib.contextmanager
def _held(items: Sequence[Item], folder: Path, settings: Mapping[str, Any], processes: Processes) -> Iterator[None]:
    """Holds the folder for all processes of this run; the first one starts the run, or all raise what it raised."""
    machines = processes.gather(environment())
    with contextlib.ExitStack() as held:
        error = None
        if processes.rank == 0:
            try:
                let_others_in = held.enter_context(alone(folder))
                _begin(items, folder, settings, machines)
                let_others_in()
            except Exception as failed:
                if processes.count == 1:
                    raise
                error = failed
        if error := processes.gather(error)[0]:
            raise error
        if processes.rank:
            held.enter_context(alone(folder, shared=True))
        yield


def _begin(
    items: Sequence[Item], folder: Path, settings: Mapping[str, Any], machines: Sequence[Mapping[str, Any]]
) -> None:
    """Starts a run or resumes it; this process alone holds the folder."""
    same_run(folder, settings, machines)
    for path in inside(folder, EDITS).rglob(".*.png"):
        if _TEMPORARY.fullmatch(path.name):  # what a process was writing when it was killed
            path.unlink()
    merge(folder, [item.key for item in items])


def _by_photo(items: Sequence[Item]) -> list[list[Item]]:
    together: dict[str, list[Item]] = {}
    for item in items:
        together.setdefault(item.job.name, []).append(item)
    return list(together.values())


def _to_do(items: Sequence[Item], known: Mapping[str, Row], folder: Path, again: bool) -> list[Item]:
    """The items that are not made, or not with the same request from the same origin."""

    def done(item: Item) -> bool:
        row = known.get(item.key)
        if row is None or row.get("request") != item.request:
            return False
        if any(row.get(key) != item.job.origin.get(key) for key in ORIGIN):
            return False
        return not again if row.get("state") == FAILED else (folder / item.output).is_file()

    return [item for item in items if not done(item)]


def edit_photos(
    photos: Sequence[Sequence[Item]], make: Callable[[], Worker], folder: Path, batch_size: int
) -> Iterator[Row]:
    """The lines of all edits, photo by photo, made by one worker in this process."""
    worker = make()
    for items in photos:
        yield from edit_photo(items, worker, folder, batch_size)


def edit_photo(items: Sequence[Item], worker: Worker, folder: Path, batch_size: int) -> Iterator[Row]:
    """Yields the line of each edit of one photo when its picture is written; an edit that fails has a line too.

    Raises:
        MissingCheckpointError: the weights are not here.
    """
    job = items[0].job
    row = job.origin
    try:
        if job.photo is not None:
            row["sha256"] = sha256(job.photo)
        subject = worker.encode(job)
        row |= worker.record(subject)
    except MissingCheckpointError:
        raise
    except (FaceEditError, OSError) as error:
        yield from (_failed(item, error, row) for item in items)
        return
    for first in range(0, len(items), batch_size):
        yield from _edit(items[first : first + batch_size], subject, row, worker, folder)


def _edit(items: Sequence[Item], subject: Any, row: Row, worker: Worker, folder: Path) -> Iterator[Row]:
    """Some requests at once; if that fails, one by one, so that a bad one fails alone.

    A picture is written before its line, whole or not at all.
    """
    started = time.perf_counter()
    try:
        pictures = worker.edit(subject, [item.request for item in items])
    except FaceEditError as error:
        if len(items) == 1:
            yield _failed(items[0], error, row)
            return
        for item in items:
            yield from _edit([item], subject, row, worker, folder)
        return
    done = {"state": DONE, "seconds": round((time.perf_counter() - started) / len(items), 3), **row}
    for item, picture in zip(items, pictures):
        save_image(picture, inside(folder, item.output))
        yield {"key": item.key, "request": item.request, "output": item.output, **done, **_engine(picture)}


def _failed(item: Item, error: Exception, row: Row) -> Row:
    return {"key": item.key, "state": FAILED, "request": item.request, "error": str(error), **row}


def _engine(picture: Image.Image) -> dict[str, str]:
    """The engine that ran, by the picture's provenance record."""
    known = carried(picture)
    return {} if known is None else {"engine": "warp" if known.recipe.kind == WARP else "diffusion"}
