"""Synthetic faces as a folder of PNG files with a `metadata.jsonl`, as the `datasets` library's image folders are."""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from ...core.errors import FaceEditError, InputError
from ...core.files import alone, replace_file
from ...core.jsonio import parse_json, read_text
from ...core.numbers import whole_number
from ...core.parallel import each
from ...face3d.heads.anny import default_head
from ...facs.action_units import ACTION_UNITS
from ...imaging.images import to_uint8
from ..render import picture
from ..scene.captions import caption
from ..scene.factors import Scene
from .plan import VERSION, Plan, plan

METADATA, SETTINGS = "metadata.jsonl", "settings.json"
MAPS = ("parts", "mask", "background", "masked_background", "render")
_JOURNAL = ".rows.jsonl"  # rows of the pictures that are finished; hidden, so that loaders do not see it
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_LEFT_OVER = re.compile(r"\.[0-9a-f]{32}\.(png|json|jsonl)")


def write(
    folder: str | Path,
    count: int,
    *,
    size: int = 256,
    seed: int = 0,
    pairs: str | None = None,
    people: int | None = None,
    maps: bool = False,
    workers: int = 1,
    progress: bool = True,
) -> int:
    """Write pictures and their truth; after an interruption the same call resumes.

    `count`, `size`, `seed`, `pairs` and `people` are those of `SyntheticFaces`; the row of a source precedes its
    target's. With `maps` the other pictures, `MAPS`, are written too, each kind in its subfolder. With several
    `workers`, processes, a script must guard its start by `if __name__ == "__main__":`.

    Returns:
        How many pictures or pairs were made; the others were there already.

    Raises:
        InputError: an argument cannot be used, the folder was started with other arguments, or another run
            writes to it.
        FaceEditError: a file cannot be written.
    """
    whole_number("workers", workers, 1, 1024)
    folder, chosen = Path(folder).expanduser(), plan(count, size, seed, pairs, people)
    try:
        _begin(folder, {"version": VERSION, **asdict(chosen), "maps": bool(maps)})
        task, rows, made = _Task(folder, chosen, bool(maps)), 2 if pairs else 1, 0
        with alone(folder):
            for left in (left for kind in ("", *MAPS) for left in (folder / kind).glob(".*")):
                if _LEFT_OVER.fullmatch(left.name):
                    left.unlink()
            complete = _settle(folder, rows)
            missing = [number for number in range(chosen.count) if number not in complete]
            if missing and workers > 1:
                default_head()  # whose first preparation takes a minute: not in every worker at once
            bar = tqdm(
                total=chosen.count, initial=len(complete), desc="Making faces", unit="face", disable=not progress
            )
            try:
                with open(folder / _JOURNAL, "wb") as journal, bar, closing(each(task, missing, workers)) as results:
                    for lines in results:
                        journal.write(lines)
                        journal.flush()
                        bar.update()
                        made += 1
            finally:
                _settle(folder, rows)
    except OSError as error:
        raise FaceEditError(f"Cannot write to {folder}: {error}", code="unwritable") from error
    return made


@dataclass(frozen=True)
class _Task:
    """Writes the files of one item; picklable, for workers."""

    folder: Path
    plan: Plan
    maps: bool

    def __call__(self, number: int) -> bytes:
        """Returns the item's lines of metadata."""
        lines = []
        for role, scene in self.plan.scenes(number).items():
            found = picture.make(scene, self.plan.size)
            name = f"{role}-{number:06d}.png"
            _save(found.image, self.folder / name)
            row: dict[str, Any] = {"file_name": name}
            for kind in MAPS if self.maps else ():
                image = to_uint8(found.alpha) if kind == "mask" else getattr(found, kind)
                _save(image, self.folder / kind / name)
                row[f"{kind}_file_name"] = f"{kind}/{name}"
            if self.plan.pairs:
                row |= {"pair": number, "role": role}
            lines.append(json.dumps(row | _truth(scene, found, number)) + "\n")
        return "".join(lines).encode()


def _truth(scene: Scene, found: picture.Picture, number: int) -> dict[str, Any]:
    """What is known of a picture, as plain values of the same types in every row."""
    return {
        "caption": caption(scene),
        "index": number,
        "person": scene.person.number,
        "action_units": dict(zip(ACTION_UNITS, _plain(np.mean(scene.units, 0), 4))),
        "angles": dict(zip(("yaw", "pitch", "roll"), map(float, scene.angles))),
        "light": _plain(found.light, 6),
        "camera": found.camera | {"shift": _plain(np.asarray(found.camera["shift"]), 6)},
        "landmarks": _plain(found.landmarks, 3),
        "landmarks_visible": found.landmarks_visible.tolist(),
        "factors": scene.to_dict(),
    }


def _plain(values: np.ndarray, digits: int) -> Any:
    return np.round(np.asarray(values, np.float64), digits).tolist()


def _save(image: np.ndarray, path: Path) -> None:
    replace_file(path, lambda temporary: Image.fromarray(image).save(temporary, compress_level=4))


def _begin(folder: Path, settings: dict[str, Any]) -> None:
    """Make the folder, or see that it was started with the same settings.

    Raises:
        InputError: it was not, or it holds other data.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError("The output is a file.", code="type", expected="a folder", actual=folder)
    path = folder / SETTINGS
    if not path.exists():
        if folder.exists() and any(not found.name.startswith(".") for found in folder.iterdir()):
            raise InputError(f"{folder} holds other files.", code="conflict", expected="a new or an empty folder")
        replace_file(path, lambda temporary: temporary.write_text(json.dumps(settings, indent=1) + "\n"))
        return
    try:
        present = parse_json(read_text(path))
        started = {key: present.get(key) for key in settings}
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{path} cannot be read.", code="unreadable", hint="choose another folder") from error
    if started != settings:
        raise InputError(
            f"{folder} was started with other arguments.",
            code="conflict",
            expected=started,
            actual=settings,
            hint="choose another folder, or the same arguments",
        )


def _settle(folder: Path, rows: int) -> set[int]:
    """Merge the journal of a run into the metadata, and return the numbers of the items that are complete: those with
    all `rows`, whose pictures are whole. Both files are in the order of the items.
    """
    complete: set[int] = set()

    def merge(temporary: Path) -> None:
        merged = heapq.merge(_rows(folder / METADATA), _rows(folder / _JOURNAL), key=itemgetter(0))
        with open(temporary, "wb") as out:
            for number, found in groupby(merged, itemgetter(0)):
                lines = {line: row for _, line, row in found}  # a run killed while merging left lines in both files
                names = [value for row in lines.values() for key, value in row.items() if key.endswith("file_name")]
                if len(lines) == rows and all(_is_whole(folder / name) for name in names):
                    complete.add(number)
                    out.writelines(lines)

    replace_file(folder / METADATA, merge)
    (folder / _JOURNAL).unlink(missing_ok=True)
    return complete


def _rows(path: Path) -> Iterator[tuple[int, bytes, dict[str, Any]]]:
    """Number, line and content of every whole row of a file; none if there is no file."""
    if not path.exists():
        return
    with open(path, "rb") as file:
        for line in file:
            try:
                row = parse_json(line)
                number = row["index"]
            except (ValueError, KeyError, TypeError):
                continue  # the half line of a run that was killed
            if line.endswith(b"\n"):
                yield number, line, row


def _is_whole(path: Path) -> bool:
    """Whether a PNG file is there to its end."""
    try:
        with open(path, "rb") as file:
            file.seek(-len(_PNG_END), 2)
            return file.read() == _PNG_END
    except OSError:
        return False
