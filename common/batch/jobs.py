"""Photos to be edited: from a folder, or from a manifest; what is wrong with one is told, and the others go on."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ..cli import parse_face
from ..errors import InputError
from ..lists import read_rows

COLUMNS = ("photo", "name", "face", "background", "wish")
_NAME = re.compile(r"[\w][\w.+=, -]*", flags=re.UNICODE)
_LONGEST = 120  # letters of a name; file systems take 255 bytes


@dataclass(frozen=True)
class Job:
    """One photo.

    Attributes:
        name: of its folder of edits; no other job has it.
        photo: its file.
        face: which face, see `common.faces.choose_face`.
        background: of a prepared crop, its background; None for photos.
        wish: what this photo is to become; None for all that is wished of every photo.
    """

    name: str
    photo: Path
    face: str | int | tuple[float, float] = "largest"
    background: Path | None = None
    wish: Any = None


@dataclass(frozen=True)
class Fault:
    """An input that cannot be used, and why."""

    where: str
    why: str


def read_jobs(place: str | Path) -> tuple[list[Job], list[Fault]]:
    """The photos of a folder, or those that a manifest lists.

    A folder's are all pictures in it and in its folders, by name. A manifest is a .csv, .jsonl or .json file with the
    columns `photo`, and if one likes `name`, `face`, `background` and `wish`; its paths are relative to it, and lie
    below its folder.

    Args:
        place: of either.

    Raises:
        InputError: neither, or nothing in it at all.
    """
    place = Path(place).expanduser()
    if place.is_dir():
        return _folder(place)
    if not place.is_file():
        raise InputError(f"There is no folder and no manifest {place}.")
    jobs: dict[str, Job] = {}
    faults = []
    for line, row in _rows(place):
        where = f"{place.name}, line {line}"
        try:
            job = _job(row, place.parent, jobs)
            jobs[job.name] = job
        except InputError as error:
            faults.append(Fault(where, str(error)))
    if not jobs and not faults:
        raise InputError(f"{place} lists no photo.")
    return list(jobs.values()), faults


def check_name(name: str) -> str:
    """A name that can be a file's on every system, and that leads nowhere else.

    Raises:
        InputError: it is none.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST or name.endswith((".", " ")) or ".." in name:
        raise InputError(
            f"{name!r} can be no name of files: letters, digits, spaces and _ - + = , . are taken, {_LONGEST} at most."
        )
    return name


def inside(folder: Path, name: str) -> Path:
    """A file below a folder, by its relative path; links are followed.

    Raises:
        InputError: an absolute path, or one that leads out.
    """
    path = folder / name
    root = os.path.realpath(folder)
    if Path(name).is_absolute() or os.path.commonpath([root, os.path.realpath(path)]) != root:
        raise InputError(f"{name!r} does not lie below {folder}: paths are relative to the manifest, and stay there.")
    return path


def _folder(place: Path) -> tuple[list[Job], list[Fault]]:
    Image.init()
    jobs: dict[str, Job] = {}
    faults = []
    for path in sorted(each for each in place.rglob("*") if each.suffix.lower() in Image.EXTENSION):
        if path.is_file() and not path.name.startswith("."):
            named = "-".join(path.relative_to(place).with_suffix("").parts)
            try:
                name = _free(check_name(named), jobs)
                jobs[name] = Job(name, inside(place, str(path.relative_to(place))))
            except InputError as error:
                faults.append(Fault(str(path), str(error)))
    if not jobs and not faults:
        raise InputError(f"There is no picture in {place}.")
    return list(jobs.values()), faults


def _rows(place: Path) -> Iterable[tuple[int, Any]]:
    if place.suffix != ".json":
        return read_rows(place)
    try:
        found = json.loads(place.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"Cannot read the manifest {place}: {error}") from error
    if not isinstance(found, list):
        raise InputError(f"{place} must be a list of photos; got {type(found).__name__}.")
    return enumerate(found, 1)


def _job(row: Any, folder: Path, known: Mapping[str, Job]) -> Job:
    if isinstance(row, str):
        row = {"photo": row}
    if not isinstance(row, Mapping) or not row.get("photo") or not isinstance(row["photo"], str):
        raise InputError(f'A row needs a photo, such as {{"photo": "a.jpg"}}; got {row!r}.')
    if unknown := [str(key) for key in row if key not in COLUMNS]:
        raise InputError(f"There is no column {unknown[0]!r}; there are {', '.join(COLUMNS)}.")
    photo = inside(folder, row["photo"])
    named = row.get("name") or "-".join(Path(row["photo"]).with_suffix("").parts)
    name = check_name(str(named))
    if row.get("name") and name in known:
        raise InputError(f"The name {name!r} stands twice.")
    background = inside(folder, str(row["background"])) if row.get("background") else None
    for path in filter(None, (photo, background)):
        if not path.is_file():
            raise InputError(f"There is no file {path}.")
    face = row.get("face")
    face = "largest" if face in (None, "") else face if isinstance(face, int) else parse_face(str(face))
    wish = row.get("wish")
    return Job(_free(name, known), photo, face, background, None if wish in (None, "") else wish)


def _free(name: str, known: Mapping[str, Job]) -> str:
    number, free = 1, name
    while free in known:
        number += 1
        free = f"{name}-{number}"
    return free
