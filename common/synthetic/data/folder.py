"""Synthetic faces as a folder of PNG files with a `metadata.jsonl`, as the `datasets` library's image folders are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

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
    """Write pictures and their truth; after an interruption the same call goes on where it was.

    Args:
        folder: made if it is not there.
        count: how many pictures or pairs.
        size: of the pictures in pixels.
        seed: another seed, other people and pictures.
        pairs: "expression", "pose" or "light": rows then come as source and target, with a pair's number.
        people: how many people take turns; None gives each about four pictures.
        maps: write the other pictures, `MAPS`, as well, each kind in its subfolder.
        workers: processes. With several, a script must guard its start by `if __name__ == "__main__":`.
        progress: shows a bar.

    Returns:
        How many pictures or pairs were made; the others were there already.

    Raises:
        InputError: an argument cannot be used, the folder was started with other arguments, or another run writes to
            it.
        FaceEditError: a file cannot be written.
    """
    whole_number("workers", workers, 1, 1024)
    folder, chosen = Path(folder).expanduser(), plan(count, size, seed, pairs, people)
    try:
        _begin(folder, {"version": VERSION, **asdict(chosen), "maps": bool(maps)})
        task, made = _Task(folder, chosen, bool(maps)), 0
        with alone(folder), _Journal(folder, 2 if pairs else 1) as journal:
            missing = [number for number in range(chosen.count) if number not in journal.places]
            if missing and workers > 1:
                default_head()  # whose first preparation takes a minute: not in every worker at once
            there = chosen.count - len(missing)
            bar = tqdm(total=chosen.count, initial=there, desc="Making faces", unit="face", disable=not progress)
            with bar, closing(each(task, missing, workers)) as results:
                for number, lines in zip(missing, results):
                    journal.add(number, lines)
                    bar.update()
                    made += 1
    except OSError as error:
        raise FaceEditError(f"Cannot write to {folder}: {error}") from error
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
        InputError: it was not, or somebody else's data lie there.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder.")
    path = folder / SETTINGS
    if not path.exists():
        if folder.exists() and any(not found.name.startswith(".") for found in folder.iterdir()):
            raise InputError(f"{folder} holds other files; choose a new folder, or an empty one.")
        replace_file(path, lambda temporary: temporary.write_text(json.dumps(settings, indent=1) + "\n"))
        return
    try:
        present = parse_json(read_text(path))
        differences = [key for key in settings if present.get(key) != settings[key]]
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{path} cannot be read; choose another folder.") from error
    if differences:
        lines = "".join(f"\n  {key}: {present.get(key)!r} there, {settings[key]!r} now" for key in differences)
        raise InputError(
            f"{folder} was started with other arguments; choose another folder, or the same arguments.{lines}"
        )


class _Journal:
    """Rows of finished items, appended one by one; on leaving they become the metadata, in order.

    Attributes:
        places: number of an item -> where its lines lie in the journal: (offset, length).
    """

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder, self.rows = folder, rows
        self.path = folder / _JOURNAL
        self.places: dict[int, tuple[int, int]] = {}
        for left in (left for kind in ("", *MAPS) for left in (folder / kind).glob(".*")):
            if _LEFT_OVER.fullmatch(left.name):
                left.unlink()
        replace_file(self.path, self._collect)
        self._file: BinaryIO = open(self.path, "ab")  # noqa: SIM115

    def add(self, number: int, lines: bytes) -> None:
        """Append an item's lines."""
        self.places[number] = (self._file.tell(), len(lines))
        self._file.write(lines)
        self._file.flush()

    def __enter__(self) -> _Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        replace_file(self.folder / METADATA, self._sort)
        self.path.unlink()

    def _collect(self, temporary: Path) -> None:
        """Take over whole items from before: those with all rows, whose pictures are there."""
        with open(temporary, "wb") as out:
            for path in (self.folder / METADATA, self.path):
                for number, lines in groupby(_rows(path), lambda row: row[0]):
                    found = list(lines)
                    if number not in self.places and len(found) == self.rows and all(map(self._is_whole, found)):
                        data = b"".join(line for _, line, _ in found)
                        self.places[number] = (out.tell(), len(data))
                        out.write(data)

    def _is_whole(self, found: tuple[int, bytes, dict[str, Any]]) -> bool:
        names = [value for key, value in found[2].items() if key.endswith("file_name")]
        return all(_is_whole(self.folder / name) for name in names)

    def _sort(self, temporary: Path) -> None:
        with open(self.path, "rb") as journal, open(temporary, "wb") as out:
            for _, (offset, length) in sorted(self.places.items()):
                journal.seek(offset)
                out.write(journal.read(length))


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
