"""Photos to be edited, or prompts: of a folder, or a list; what is wrong with one is told, and the others go on."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..arguments import whole_number
from ..edit_command import parse_face
from ..errors import FaceEditError, InputError
from ..files import expanded, files_below, left_out
from ..image_files import picture_size, suffixes
from ..jsonio import parse_json, read_text
from ..records import is_table, named, read_rows, usable
from .names import Names, check_name, escaped, given_name

log = logging.getLogger(__name__)

PHOTOS = ("photo", "name", "face", "background", "wish")
"""The columns of a manifest, where photos are edited."""
TEXTS = ("photo", "prompt", "name", "face", "seed", "wish")
"""Likewise, where pictures are made from text too."""
ORIGIN = ("photo", "prompt", "people", "seed")
"""What may stand in a line of a run about where its picture comes from."""
_SHORT = 60  # likewise, of a name that is made of a prompt


@dataclass(frozen=True)
class Job:
    """One photo, or one prompt.

    Attributes:
        name: of its folder of edits; no other job has it.
        photo: its file; None where there is a prompt.
        face: which face of the photo, see `common.faces.choose_face`.
        background: of a prepared crop, its background; None for photos.
        wish: what this photo is to become; None for all that is wished of every photo.
        prompt: what a picture shows that is made from nothing; None where there is a photo.
        people: photos of whom a picture from a prompt shows; none for anybody.
        seed: of the noise of a picture from a prompt; None for that of all.
    """

    name: str
    photo: Path | None = None
    face: str | int | tuple[float, float] = "largest"
    background: Path | None = None
    wish: Any = None
    prompt: str | None = None
    people: tuple[Path, ...] = ()
    seed: int | None = None

    @property
    def origin(self) -> dict[str, Any]:
        """What its pictures come from, as plain values: the photo, or None and the prompt; see `ORIGIN`.

        Paths are absolute, so that they hold from every working folder.
        """
        if self.photo is not None:
            behind = {} if self.background is None else {"background": os.path.abspath(self.background)}
            return {"photo": os.path.abspath(self.photo), **behind}
        people = {"people": [os.path.abspath(path) for path in self.people]} if self.people else {}
        seed = {} if self.seed is None else {"seed": self.seed}
        return {"photo": None, "prompt": self.prompt, **people, **seed}


@dataclass(frozen=True)
class Fault:
    """An input that cannot be used, and why."""

    where: str
    why: str


def read_jobs(place: str | Path, columns: Sequence[str] = PHOTOS) -> tuple[list[Job], list[Fault]]:
    """The photos of a folder, or the photos and prompts that a manifest lists.

    A folder's are all pictures in it and in its folders, by name; links are followed, and what is no picture is logged
    in one line. A manifest is a table (`common.records`), or a .jsonl or .json file, with the columns `photo`, and
    if one likes `name`, `face`, `background` and `wish`; its paths are absolute, or relative to it. Where there is a
    column `prompt`, a row has it or a photo. Its `face` is who is shown, a photo or in a JSON file several, and its
    `seed` that of the noise; a .txt file is then a list of prompts, one a line.

    Args:
        place: of either.
        columns: that a manifest may have, `PHOTOS` or `TEXTS`.

    Raises:
        InputError: neither, or nothing in it at all.
    """
    place, names = expanded(place), Names()
    if os.path.isdir(place):
        return _folder(place, names)
    if not os.path.isfile(place):
        raise InputError(f"There is no folder and no manifest {place}.")
    jobs: list[Job] = []
    faults = []
    for line, row in _rows(place, columns):
        where = f"{place.name}, line {line}"
        try:
            jobs.append(_job(usable(row), place.parent, names, columns))
        except (FaceEditError, ValueError, OSError) as error:  # a name may be too long
            faults.append(Fault(where, str(error)))
    if not jobs and not faults:
        raise InputError(f"{place} lists no {'photo and no prompt' if 'prompt' in columns else 'photo'}.")
    return jobs, faults


def inside(folder: Path, name: str) -> Path:
    """A file below a folder, by its relative path; links are followed.

    Raises:
        InputError: an absolute path, one that leads out, or none at all.
    """
    path = folder / name
    root = os.path.realpath(folder)
    try:
        leads = os.path.realpath(path)
    except ValueError as error:  # a NUL byte, or half a character
        raise InputError(f"{name!r} can be no path: {error}") from error
    if Path(name).is_absolute() or os.path.commonpath([root, leads]) != root:
        raise InputError(f"{name!r} does not lie below {folder}: paths are relative to it, and stay there.")
    return path


def _folder(place: Path, names: Names) -> tuple[list[Job], list[Fault]]:
    jobs: list[Job] = []
    faults, others = [], []
    for path in files_below(place):
        relative = path.relative_to(place)
        if path.name.startswith(".") or path.suffix.lower() not in suffixes():
            others.append(path)
        elif not path.is_file():
            faults.append(Fault(str(path), "It is a link that leads nowhere, or no file."))
        else:
            jobs.append(Job(names.free(escaped("-".join((*relative.parts[:-1], relative.stem)))), path))
    if line := left_out(place, others):
        log.warning(line)
    if not jobs and not faults:
        raise InputError(f"There is no picture in {place}.")
    return jobs, faults


def _rows(place: Path, columns: Sequence[str]) -> Iterable[tuple[int, Any]]:
    kind = place.suffix.lower()
    if is_table(place) or kind not in (".json", ".txt"):
        rows = read_rows(place, columns)
        if is_table(place):
            _check_header(place, rows, columns)
        return rows
    if kind == ".txt" and "prompt" not in columns:
        raise InputError(f"{place} is a list of prompts, as `fineface batch` takes them; a .csv file lists photos.")
    try:
        text = read_text(place)
        found = [] if kind == ".txt" else parse_json(text)
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read the manifest {place}: {error}") from error
    if kind == ".txt":
        lines = [(number, each.partition("#")[0].strip()) for number, each in enumerate(text.splitlines(), 1)]
        return [(number, {"prompt": prompt}) for number, prompt in lines if prompt]
    if not isinstance(found, list):
        raise InputError(f"{place} must be a list of photos; got {type(found).__name__}.")
    return [(number, named(row, columns)) for number, row in enumerate(found, 1)]


def _check_header(place: Path, rows: Iterable[tuple[int, Any]], columns: Sequence[str]) -> None:
    """A wrong header is one fault of the table, and not one of each row."""
    header = next((list(row) for _, row in rows if isinstance(row, dict)), None)
    if header is None:
        return
    if unknown := [name for name in header if name not in columns]:
        raise InputError(
            f"{place} has no use for its column {unknown[0]!r}; the columns of a manifest are {', '.join(columns)}.\n"
            "  take the column away, or rename it"
        )
    if not {"photo", "prompt"} & set(header):
        needed = "`photo` or `prompt`" if "prompt" in columns else "`photo`"
        raise InputError(f"{place} has no column {needed}; it has {', '.join(header)}.")


def _job(row: Any, folder: Path, names: Names, columns: Sequence[str]) -> Job:
    if isinstance(row, str):
        row = {"photo": row}
    if not isinstance(row, Mapping):
        raise InputError(f'A row needs a photo, such as {{"photo": "a.jpg"}}; got {row!r}.')
    row = {key: value for key, value in row.items() if value not in (None, "")}
    if row.get("prompt") and "prompt" not in columns:
        raise InputError("A row has a prompt; this edits photos. Pictures from text: `fineface batch`.")
    if unknown := [str(key) for key in row if key not in columns]:
        raise InputError(f"There is no column {unknown[0]!r}; there are {', '.join(columns)}.")
    return (_prompt if "prompt" in row else _photo)(row, folder, names)


def _photo(row: Mapping[str, Any], folder: Path, names: Names) -> Job:
    if not row.get("photo") or not isinstance(row["photo"], str):
        raise InputError(f'A row needs a photo, such as {{"photo": "a.jpg"}}; got {row!r}.')
    if "seed" in row:
        raise InputError("A seed goes with a prompt; photos have that of the run, --seed.")
    photo = _file(folder, row["photo"])
    background = _file(folder, str(row["background"])) if row.get("background") else None
    face = row.get("face", "largest")
    face = face if isinstance(face, int) else parse_face(str(face))
    name = _named(row, _parts_of(folder, row["photo"]), names)  # last: faulty rows take no name
    return Job(name, photo, face, background, row.get("wish"))


def _prompt(row: Mapping[str, Any], folder: Path, names: Names) -> Job:
    prompt = row["prompt"]
    if "photo" in row:
        raise InputError('A row has a photo or a prompt; a photo\'s goes into its wish: {"aus": ..., "prompt": ...}.')
    if not isinstance(prompt, str):
        raise InputError(f"A prompt is a text; got {prompt!r}.")
    faces, seed = row.get("face", []), row.get("seed")
    if isinstance(seed, str) and seed.isdecimal():  # of a .csv file
        seed = int(seed)
    seed = None if seed is None else whole_number("seed", seed, 0, 2**63 - 1)
    people = tuple(_file(folder, str(each)) for each in (faces if isinstance(faces, list) else [faces]))
    name = _named(row, re.sub(r"\W+", "-", prompt).strip("-_")[:_SHORT] or "prompt", names)
    return Job(name, wish=row.get("wish"), prompt=prompt, people=people, seed=seed)


def _file(folder: Path, name: str) -> Path:
    """A file to read, by its path as a manifest has it: absolute, or relative to the manifest; links are followed.

    Raises:
        InputError: there is no such file; or it lies outside of the manifest's folder, and is no picture.
    """
    for spelling in (name, name.strip(), name.strip().replace("\\", "/")):  # a table's spaces, Windows' separators
        path = folder / expanded(spelling)
        if os.path.isfile(path) and (_lies_below(folder, path) or _is_picture(path)):
            return path
    path = folder / expanded(name)
    if _lies_below(folder, path):
        raise InputError(f"There is no file {path}.")
    raise InputError(f"{name!r} does not lie below {folder}, and there is no picture at {os.path.abspath(path)}.")


def _is_picture(path: Path) -> bool:
    try:
        return bool(picture_size(path))
    except InputError:
        return False


def _lies_below(folder: Path, path: Path) -> bool:
    """By their names; where links lead does not matter."""
    root = os.path.abspath(folder)
    return os.path.abspath(path).startswith(os.path.join(root, ""))


def _parts_of(folder: Path, name: str) -> str:
    """What a photo's edits are called, by its path."""
    path = Path(name.strip().replace("\\", "/"))
    if path.is_absolute() and _lies_below(folder, path):
        path = Path(os.path.relpath(path, folder))
    folders = [part for part in path.parts[:-1] if part not in (path.anchor, "..", "~")]
    return "-".join([*folders, path.stem])


def _named(row: Mapping[str, Any], otherwise: str, names: Names) -> str:
    if "name" not in row:
        return names.free(check_name(escaped(otherwise)))
    name = given_name(str(row["name"]))
    if name in names:
        raise InputError(f"The name {name!r} stands twice.")
    return names.free(name)
