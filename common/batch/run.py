"""A run: all photos, all wishes; stopped at any moment, it goes on, and does nothing twice."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image
from tqdm import tqdm

from ..errors import FaceEditError, InputError, MissingCheckpointError
from ..files import alone, sha256
from ..images import save_image
from ..provenance.recipe import DRAFT, carried
from . import group
from .group import Share
from .jobs import ORIGIN, Job, inside
from .samples import FILE, Samples, parts, settle
from .settings import same_run

EDITS = "edits"
TRIED = "tries"
"""The folder in which a cluster counts the photos that are in work."""
DONE, FAILED = "done", "failed"
_TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.png")  # of `common.files.replace_file`


class Worker(Protocol):
    """Who edits: an editor of any kind, with its options."""

    def encode(self, job: Job) -> Any:
        """All that the edits of a photo share."""
        ...

    def edit(self, subject: Any, wishes: Sequence[Any]) -> Sequence[Image.Image]:
        """A picture for each wish."""
        ...

    def record(self, subject: Any) -> Mapping[str, Any]:
        """What goes into the lines of a photo besides, plain values."""
        ...


@dataclass(frozen=True)
class Item:
    """One edit.

    Attributes:
        job: the photo.
        name: of the wish.
        wish: itself, as it was read.
    """

    job: Job
    name: str
    wish: Any

    @property
    def key(self) -> str:
        """By which it is known in the run."""
        return f"{self.job.name}/{self.name}"

    @property
    def output(self) -> str:
        """Where its picture lies in the run's folder."""
        return f"{EDITS}/{self.job.name}/{self.name}.png"


def plan(jobs: Sequence[Job], wishes: Mapping[str, Any]) -> list[Item]:
    """All edits, photo by photo.

    Raises:
        InputError: a photo has no wish of its own, and there is none for all.
    """
    items = []
    for job in jobs:
        if job.wish is None and not wishes:
            raise InputError(f"{job.name} has no wish: give wishes for all photos, or a column `wish`.")
        own = wishes if job.wish is None else {"wish": job.wish}
        items += [Item(job, name, wish) for name, wish in own.items()]
    return items


def run(
    items: Sequence[Item],
    worker: Worker,
    folder: Path,
    settings: Mapping[str, Any],
    *,
    batch_size: int = 4,
    again: bool = False,
    progress: bool = True,
    share: Share | None = None,
) -> dict[str, int] | None:
    """Makes what is not made yet.

    Args:
        items: of `plan`.
        worker: who edits.
        folder: of the run: edits/PHOTO/WISH.png, samples.jsonl, run.json.
        settings: plain values that decide how pictures look; a run goes on with the same ones only.
        batch_size: wishes at once.
        again: try what failed before once more.
        progress: show a bar, with an estimate of the time that is left.
        share: of this process, where several make the run together.

    Returns:
        How many are "done" and "failed", of all items; None where other processes have not finished.

    Raises:
        InputError: the folder holds another run, or another run writes to it.
        MissingCheckpointError: the weights are not here, which is true of every photo.
    """
    if share is not None:
        return _share(items, worker, folder, settings, share, batch_size, again, progress)
    with alone(folder):
        samples, left = begin(items, folder, settings, again)
        with progress_bar(items, left, progress) as bar:

            def keep(row: Mapping[str, Any]) -> None:
                samples.append(row)
                bar.update()

            for own in by_photo(left):
                edit_photo(own, worker, folder, keep, batch_size)
        return counts(samples.rows, items)


def begin(items: Sequence[Item], folder: Path, settings: Mapping[str, Any], again: bool) -> tuple[Samples, list[Item]]:
    """The lines of a run, and what is left to do; the folder is held by the caller, and nobody else is at work.

    Raises:
        InputError: the folder holds another run.
    """
    same_run(folder, settings)
    _clear(folder)
    if old := parts(folder):
        settle(folder, old, [item.key for item in items])
    (folder / group.DOOR).unlink(missing_ok=True)
    samples = Samples(folder)
    return samples, _left(items, samples, folder, again)


def counts(rows: Mapping[str, Mapping[str, Any]], items: Sequence[Item]) -> dict[str, int]:
    """How many are "done" and "failed"."""
    states = [rows.get(item.key, {}).get("state") for item in items]
    return {state: states.count(state) for state in (DONE, FAILED)}


def progress_bar(items: Sequence[Item], left: Sequence[Item], shown: bool) -> tqdm[Any]:
    """Of all edits, those that are made already among them."""
    return tqdm(total=len(items), initial=len(items) - len(left), unit="edit", disable=not shown)


def edit_photo(
    items: Sequence[Item], worker: Worker, folder: Path, keep: Callable[[Mapping[str, Any]], object], batch_size: int
) -> None:
    """All edits of one photo; what goes wrong with it is written down, and the others go on.

    Args:
        items: of this photo.
        worker: who edits.
        folder: of the run, where the pictures go.
        keep: is called with the line of an edit when its picture is there.
        batch_size: wishes at once.

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
        for item in items:
            keep({"key": item.key, "state": FAILED, "wish": item.wish, "error": str(error), **row})
        return
    for first in range(0, len(items), batch_size):
        some = items[first : first + batch_size]
        _edit(some, subject, row, worker, folder, keep)


def _edit(
    items: Sequence[Item], subject: Any, row: Mapping[str, Any], worker: Worker, folder: Path,
    keep: Callable[[Mapping[str, Any]], object],
) -> None:  # fmt: skip
    """Some wishes at once; if they cannot be had, one by one, so that a bad one takes no other along.

    A picture is written first, whole or not at all; its line says that it is there.
    """
    started = time.perf_counter()
    try:
        pictures = worker.edit(subject, [item.wish for item in items])
    except FaceEditError as error:
        if len(items) == 1:
            keep({"key": items[0].key, "state": FAILED, "wish": items[0].wish, "error": str(error), **row})
            return
        for item in items:
            _edit([item], subject, row, worker, folder, keep)
        return
    done = {"state": DONE, "seconds": round((time.perf_counter() - started) / len(items), 3), **row}
    for item, picture in zip(items, pictures):
        save_image(picture, inside(folder, item.output))
        keep({"key": item.key, "wish": item.wish, "output": item.output, **done, **_engine(picture)})


def _engine(picture: Image.Image) -> dict[str, str]:
    """What made a picture, by its recipe: the engine that ran, whatever was asked for."""
    known = carried(picture)
    return {} if known is None else {"engine": "draft" if known.recipe.kind == DRAFT else "diffusion"}


def _clear(folder: Path) -> None:
    """Takes away what a process was writing when it was killed; in this folder, wherever links would lead."""
    for path in inside(folder, EDITS).rglob(".*.png"):
        if _TEMPORARY.fullmatch(path.name):
            path.unlink()
    shutil.rmtree(inside(folder, TRIED), ignore_errors=True)


def _is_done(row: Mapping[str, Any] | None, item: Item, folder: Path, again: bool) -> bool:
    if row is None or row.get("wish") != item.wish:
        return False
    if any(row.get(key) != item.job.origin.get(key) for key in ORIGIN):
        return False
    return not again if row.get("state") == FAILED else (folder / item.output).is_file()


def by_photo(items: Sequence[Item]) -> list[list[Item]]:
    """The edits of each photo together, in their order."""
    together: dict[str, list[Item]] = {}
    for item in items:
        together.setdefault(item.job.name, []).append(item)
    return list(together.values())


def _left(items: Sequence[Item], samples: Samples, folder: Path, again: bool) -> list[Item]:
    return [item for item in items if not _is_done(samples.rows.get(item.key), item, folder, again)]


def _share(
    items: Sequence[Item], worker: Worker, folder: Path, settings: Mapping[str, Any], share: Share, batch_size: int,
    again: bool, progress: bool,
) -> dict[str, int] | None:  # fmt: skip
    """One of several processes: its own photos, its own lines."""

    def first() -> None:
        same_run(folder, settings)
        _clear(folder)
        inside(folder, FILE).touch()  # by it, a folder is known to hold a run

    order = [item.key for item in items]
    with group.joined(folder, share, first, order):
        same_run(folder, settings)
        left = _left(items, Samples(folder), folder, again)
        names = share.own([item.job.name for item in items])
        lines, fellows = Samples(folder, share.file()), group.Fellows(folder, share)
        with progress_bar(items, left, progress and share.rank == 0) as bar:

            def keep(row: Mapping[str, Any]) -> None:
                lines.append(row)
                bar.update(1 + fellows.news())

            for own in by_photo([item for item in left if item.job.name in names]):
                edit_photo(own, worker, folder, keep, batch_size)
        rows = group.leave(folder, share, order)
    return None if rows is None else counts(rows, items)
