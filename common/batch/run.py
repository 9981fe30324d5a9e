"""A run: all photos, all wishes; stopped at any moment, it goes on, and does nothing twice."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image
from tqdm import tqdm

from ..errors import FaceEditError, InputError, MissingCheckpointError
from ..files import alone, replace_file
from ..images import save_image
from .jobs import ORIGIN, Job, inside
from .samples import Samples

SETTINGS = "run.json"
EDITS = "edits"
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
) -> dict[str, int]:
    """Makes what is not made yet.

    Args:
        items: of `plan`.
        worker: who edits.
        folder: of the run: edits/PHOTO/WISH.png, samples.jsonl, run.json.
        settings: plain values that decide how pictures look; a run goes on with the same ones only.
        batch_size: wishes at once.
        again: try what failed before once more.
        progress: show a bar, with an estimate of the time that is left.

    Returns:
        How many are "done" and "failed", of all items.

    Raises:
        InputError: the folder holds another run, or another process writes to it.
        MissingCheckpointError: the weights are not here, which is true of every photo.
    """
    with alone(folder):
        _same_run(folder, settings)
        _clear(folder)
        samples = Samples(folder)
        left = [item for item in items if not _is_done(samples.rows.get(item.key), item, folder, again)]
        with tqdm(total=len(items), initial=len(items) - len(left), unit="edit", disable=not progress) as bar:
            for job, own in _by_photo(left):
                _photo(job, own, worker, folder, samples, batch_size, bar)
        states = [samples.rows.get(item.key, {}).get("state") for item in items]
    return {state: states.count(state) for state in (DONE, FAILED)}


def fingerprint(path: Path) -> str:
    """Of a file's bytes, SHA-256."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _photo(
    job: Job, items: list[Item], worker: Worker, folder: Path, samples: Samples, batch_size: int, bar: Any
) -> None:
    """All edits of one photo; what goes wrong with it is written down, and the others go on."""
    row = job.origin
    try:
        if job.photo is not None:
            row["sha256"] = fingerprint(job.photo)
        subject = worker.encode(job)
        row |= worker.record(subject)
    except MissingCheckpointError:
        raise
    except (FaceEditError, OSError) as error:
        for item in items:
            samples.append({"key": item.key, "state": FAILED, "wish": item.wish, "error": str(error), **row})
            bar.update()
        return
    for first in range(0, len(items), batch_size):
        some = items[first : first + batch_size]
        _edit(some, subject, row, worker, folder, samples)
        bar.update(len(some))


def _edit(
    items: Sequence[Item], subject: Any, row: Mapping[str, Any], worker: Worker, folder: Path, samples: Samples
) -> None:
    """Some wishes at once; if they cannot be had, one by one, so that a bad one takes no other along.

    A picture is written first, whole or not at all; its line says that it is there.
    """
    started = time.perf_counter()
    try:
        pictures = worker.edit(subject, [item.wish for item in items])
    except FaceEditError as error:
        if len(items) == 1:
            samples.append({"key": items[0].key, "state": FAILED, "wish": items[0].wish, "error": str(error), **row})
            return
        for item in items:
            _edit([item], subject, row, worker, folder, samples)
        return
    done = {"state": DONE, "seconds": round((time.perf_counter() - started) / len(items), 3), **row}
    for item, picture in zip(items, pictures):
        save_image(picture, inside(folder, item.output))
        samples.append({"key": item.key, "wish": item.wish, "output": item.output, **done})


def _clear(folder: Path) -> None:
    """Takes away what a process was writing when it was killed."""
    for path in (folder / EDITS).rglob(".*.png"):
        if _TEMPORARY.fullmatch(path.name):
            path.unlink()


def _is_done(row: Mapping[str, Any] | None, item: Item, folder: Path, again: bool) -> bool:
    if row is None or row.get("wish") != item.wish:
        return False
    if any(row.get(key) != item.job.origin.get(key) for key in ORIGIN):
        return False
    return not again if row["state"] == FAILED else (folder / item.output).is_file()


def _by_photo(items: Sequence[Item]) -> Iterator[tuple[Job, list[Item]]]:
    together: dict[str, list[Item]] = {}
    for item in items:
        together.setdefault(item.job.name, []).append(item)
    for own in together.values():
        yield own[0].job, own


def _same_run(folder: Path, settings: Mapping[str, Any]) -> None:
    path = folder / SETTINGS
    plain = json.loads(json.dumps(settings))
    if not path.is_file():
        replace_file(path, lambda file: file.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8"))
        return
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}\n  take the folder away, or name another one") from error
    other = sorted(key for key in {*known, *plain} if known.get(key) != plain.get(key))
    if other:
        lines = "\n".join(f"  {key}: {known.get(key)!r} there, {plain.get(key)!r} now" for key in other)
        raise InputError(f"{folder} holds a run with other settings:\n{lines}\n  name another folder")
