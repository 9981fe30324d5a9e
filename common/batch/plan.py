"""What a run makes: photos or prompts (jobs), the requests for them, and an edit (item) of each with each."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import FaceEditError, InputError
from ..core.files import expanded, files_below, left_out
from ..core.jsonio import check_regular, parse_json, read_text
from ..core.numbers import whole_number
from ..core.records import checked, decode, is_table, named, read_rows, usable
from ..editing.options import read_face
from ..facs.action_units import facs
from ..imaging.image_files import picture_size, suffixes
from .names import Names, check_name, escaped, given_name

log = logging.getLogger(__name__)

PHOTOS = ("photo", "name", "face", "background", "request")
"""The columns of a manifest of photos."""
TEXTS = ("photo", "prompt", "name", "face", "identity", "seed", "request")
"""The columns of a manifest where pictures are made from text too."""
REQUESTS = ("name", "request")
"""The columns of a table of requests."""
ORIGIN = ("photo", "prompt", "people", "seed")
"""What a line of a run may say about where its picture comes from."""
EDITS = "edits"
"""The folder of the pictures, in that of the run."""
_UNCHANGED = "unchanged"
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_SHORT = 60  # letters of a name that is made of a prompt


@dataclass(frozen=True)
class Job:
    """One photo, or one prompt.

    Attributes:
        name: of its folder of edits; no other job has it.
        photo: its file; None where there is a prompt.
        face: which face of the photo, see `common.faces.choose_face`.
        background: of an aligned crop, its background; None for photos.
        request: the request for this photo; None for those for all photos.
        prompt: text from which a picture is generated; None where there is a photo.
        people: photos of the people that a picture from a prompt shows; empty for anyone.
        seed: random seed for the initial noise of a picture from a prompt; None for the run's.
    """

    name: str
    photo: Path | None = None
    face: str | int | tuple[float, float] = "largest"
    background: Path | None = None
    request: Any = None
    prompt: str | None = None
    people: tuple[Path, ...] = ()
    seed: int | None = None

    @property
    def origin(self) -> dict[str, Any]:
        """What its pictures come from, as plain values (see `ORIGIN`): the photo, or None and the prompt.

        Paths are absolute, so that they hold from every working folder.
        """
        if self.photo is not None:
            behind = {} if self.background is None else {"background": os.path.abspath(self.background)}
            return {"photo": os.path.abspath(self.photo), **behind}
        people = {"people": [os.path.abspath(path) for path in self.people]} if self.people else {}
        seed = {} if self.seed is None else {"seed": self.seed}
        return {"photo": None, "prompt": self.prompt, **people, **seed}


@dataclass(frozen=True)
class Item:
    """One edit: a photo or prompt, the name of a request, and the request as it was read."""

    job: Job
    name: str
    request: Any

    @property
    def key(self) -> str:
        """Its name in the run."""
        return f"{self.job.name}/{self.name}"

    @property
    def output(self) -> str:
        """The path of its picture in the run's folder."""
        return f"{EDITS}/{self.job.name}/{self.name}.png"


@dataclass(frozen=True)
class Fault:
    """An input that cannot be used, the reason, and the code of its error."""

    where: str
    why: str
    code: str = ""

    @classmethod
    def of(cls, where: object, error: Exception) -> Fault:
        """The fault of an input by the error that it raised."""
        return cls(str(where), str(error), getattr(error, "code", ""))


def plan(jobs: Sequence[Job], requests: Mapping[str, Any]) -> list[Item]:
    """All edits, photo by photo; raises an InputError for a photo without any request."""
    items = []
    for job in jobs:
        if job.request is None and not requests:
            hint = "give requests for all photos, or a column `request`"
            raise InputError(f"{job.name} has no request.", code="missing", hint=hint)
        own = requests if job.request is None else {"request": job.request}
        items += [Item(job, name, request) for name, request in own.items()]
    return items


def read_jobs(place: str | Path, columns: Sequence[str] = PHOTOS) -> tuple[list[Job], list[Fault]]:
    """The photos of a folder, or the photos and prompts that a manifest lists.

    A folder gives all pictures in it and in its folders, by name; links are followed, and other files are logged in one
    line. A manifest is a table (`common.core.records`), or a .jsonl or .json file, with some of `columns` (`PHOTOS` or
    `TEXTS`); its paths are absolute, or relative to it. A row has a photo or a prompt. The `identity` of a prompt is a
    photo of the person, or in a JSON file several. A .txt file is a list of prompts, one a line.

    Returns:
        The jobs, and the inputs that cannot be used.

    Raises:
        InputError: neither folder nor manifest, or nothing in it.
    """
    place, names = expanded(place), Names()
    if os.path.isdir(place):
        return _folder(place, names)
    if not os.path.isfile(place):
        raise InputError("There is no such folder or manifest.", code="missing", actual=place)
    jobs: list[Job] = []
    faults = []
    for line, row in _manifest(place, columns):
        try:
            jobs.append(_job(usable(row), place.parent, names, columns))
        except (FaceEditError, ValueError, OSError) as error:  # a name may be too long
            faults.append(Fault.of(f"{place.name}, line {line}", error))
    if not jobs and not faults:
        raise InputError("The manifest is empty.", code="empty", actual=place)
    return jobs, faults


def read_requests(path: str | Path, check: Callable[[Any], Any]) -> dict[str, Any]:
    """Names and requests, in the order of the file.

    A .txt file has a request in each line, "AU12=3" or "smile: AU12=3"; tables and .jsonl files have the columns
    `request`, and optionally `name`; a .json file is a list of requests, or names with their requests.

    `check` raises an InputError for a request that cannot be used.

    Raises:
        InputError: the file cannot be used; its wrong lines are named.
    """
    path = expanded(path)
    found: dict[str, Any] = {}
    names = Names()

    def keep(row: tuple[Any, Any]) -> None:
        name, request = row
        check(request)
        name = given_name(str(name)) if name else slug(request)
        if name in names:
            raise InputError("Two requests have the same name.", code="duplicate", actual=name)
        found[names.free(name)] = request

    checked(path, _requests(path), keep)
    if not found:
        raise InputError("The file has no request.", code="empty", actual=path)
    return found


def slug(request: Any) -> str:
    """A request as a name: "AU6=2,AU12=3", or the letters and digits of its JSON."""
    text = request if isinstance(request, str) else json.dumps(request)
    return check_name(re.sub(r"[^\w.+=,-]+|[.]{2,}", "-", text).strip("-+=., ")[:80].rstrip("-+=., ") or _UNCHANGED)


# --- files ------------------------------------------------------------------------------------------------------------


def _folder(place: Path, names: Names) -> tuple[list[Job], list[Fault]]:
    jobs: list[Job] = []
    faults, others = [], []
    for path in files_below(place):
        if path.name.startswith(".") or path.suffix.lower() not in suffixes():
            others.append(path)
        elif not path.is_file():
            faults.append(Fault(str(path), "It is a broken link, or not a file.", "missing"))
        else:
            jobs.append(Job(names.free(escaped(_joined(path.relative_to(place)))), path))
    if line := left_out(place, others):
        log.warning(line)
    if not jobs and not faults:
        raise InputError("The folder has no picture.", code="empty", actual=place)
    return jobs, faults


def _manifest(place: Path, columns: Sequence[str]) -> Iterable[tuple[int, Any]]:
    kind = place.suffix.lower()
    if kind == ".txt" and not is_table(place):
        if "prompt" not in columns:
            why = "A .txt file lists prompts, for `fineface batch`; a .csv file lists photos."
            raise InputError(why, code="format", actual=place)
        return [(line, {"prompt": prompt}) for line, prompt in _lines(place)]
    if kind == ".json":
        found = _json(place)
        if not isinstance(found, list):
            actual = type(found).__name__
            raise InputError(f"{place} has the wrong type.", code="type", expected="a list of photos", actual=actual)
        return [(number, named(row, columns)) for number, row in enumerate(found, 1)]
    rows = read_rows(place, columns)
    if (header := _header(place, rows)) and (unknown := [name for name in header if name not in columns]):
        raise _unknown_column(unknown[0], columns)
    needed = [name for name in ("photo", "prompt") if name in columns]
    if header and not {*needed} & {*header}:
        raise InputError(f"{place} lacks a column.", code="missing", expected=" or ".join(needed), actual=header)
    return rows


def _unknown_column(name: str, columns: Sequence[str]) -> InputError:
    return InputError("A manifest has no such column.", code="unknown", expected=", ".join(columns), actual=name)


def _requests(path: Path) -> Iterable[tuple[int, Any]]:
    kind = path.suffix.lower()
    if is_table(path) or kind in (".jsonl", ".ndjson"):
        rows = read_rows(path, REQUESTS)
        header = _header(path, rows)
        if header and "request" not in header:
            raise InputError(f"{path} lacks a column.", code="missing", expected="request", actual=header)
        if others := [name for name in header if name not in REQUESTS]:
            log.warning("%s: columns left out: %s", path, ", ".join(others))
        return [(line, row if isinstance(row, InputError) else _pair(row)) for line, row in rows]
    if kind == ".txt":
        return [(line, _named_request(text)) for line, text in _lines(path)]
    if kind != ".json":
        expected = ".txt, .csv, .tsv, .jsonl or .json"
        raise InputError("A file of requests has another suffix.", code="format", expected=expected, actual=path)
    found = _json(path)
    if isinstance(found, Mapping):
        return enumerate(found.items(), 1)
    if not isinstance(found, list):
        expected = "a list of requests, or names with requests"
        raise InputError(f"{path} has the wrong type.", code="type", expected=expected, actual=type(found).__name__)
    return enumerate((_pair(row) if isinstance(row, Mapping) and "request" in row else (None, row) for row in found), 1)


def _json(path: Path) -> Any:
    try:
        return parse_json(read_text(path))
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {path}: {error}", code="unreadable") from error


def _header(path: Path, rows: Iterable[tuple[int, Any]]) -> list[str]:
    """The columns of a table: a wrong one is one fault, and not one of each row."""
    return next((list(row) for _, row in rows if isinstance(row, dict)), []) if is_table(path) else []


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines of a .txt file, without comments."""
    try:
        check_regular(path)
        text, encoding = decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {path}: {error}", code="unreadable") from error
    if encoding not in ("utf-8", "utf-8-sig"):
        log.warning("%s is read with encoding %s", path, encoding.upper())
    lines = [each.partition("#")[0].strip() for each in text.removeprefix("\ufeff").splitlines()]
    return [(number, line) for number, line in enumerate(lines, 1) if line]


def _pair(row: Any) -> Any:
    if not isinstance(row, Mapping) or row.get("request") in (None, ""):
        return InputError("The row has no `request`.", code="missing", actual=row)
    return row.get("name"), row["request"]


def _named_request(text: str) -> Any:
    name, colon, rest = text.partition(": ")  # "angry:0.7" is a fraction of an expression
    if colon and facs.read(name) and _NUMBER.fullmatch(rest.strip()):
        expected = f"{name.strip()}={rest.strip()}"
        return InputError("The request has a colon in place of =.", code="format", expected=expected, actual=text)
    return (name.strip(), rest.strip()) if colon else (None, text)


# --- rows of a manifest -----------------------------------------------------------------------------------------------


def _job(row: Any, folder: Path, names: Names, columns: Sequence[str]) -> Job:
    if isinstance(row, str):
        row = {"photo": row}
    if not isinstance(row, Mapping):
        raise InputError("The row has the wrong type.", code="type", expected='{"photo": "a.jpg"}', actual=row)
    row = {key: value for key, value in row.items() if value not in (None, "")}
    if row.get("prompt") and "prompt" not in columns:
        why = "The row has a prompt, and this program edits photos; pictures from text: `fineface batch`."
        raise InputError(why, code="conflict")
    if unknown := [str(key) for key in row if key not in columns]:
        raise _unknown_column(unknown[0], columns)
    return (_prompt if "prompt" in row else _photo)(row, folder, names)


def _photo(row: Mapping[str, Any], folder: Path, names: Names) -> Job:
    if not isinstance(row.get("photo"), str):
        raise InputError("The row has no photo.", code="missing", expected='{"photo": "a.jpg"}', actual=row)
    if other := {"seed", "identity"} & {*row}:
        raise InputError("These columns need a prompt.", code="conflict", actual=", ".join(sorted(other)))
    photo = _file(folder, row["photo"])
    background = _file(folder, str(row["background"])) if "background" in row else None
    face = read_face("face", row.get("face", "largest"))
    path = Path(row["photo"].strip().replace("\\", "/"))
    if path.is_absolute() and _lies_below(folder, path):
        path = Path(os.path.relpath(path, folder))
    name = _named(row, _joined(path), names)  # last: faulty rows take no name
    return Job(name, photo, face, background, row.get("request"))


def _prompt(row: Mapping[str, Any], folder: Path, names: Names) -> Job:
    prompt = row["prompt"]
    if "photo" in row:
        hint = 'the prompt of a photo belongs to its request: {"aus": ..., "prompt": ...}'
        raise InputError("A row has a photo or a prompt, not both.", code="conflict", hint=hint)
    if not isinstance(prompt, str):
        raise InputError("The prompt has the wrong type.", code="type", expected="a text", actual=prompt)
    if "face" in row:
        why = "`face` selects one of a photo; the person in a picture from a prompt is its `identity`."
        raise InputError(why, code="conflict")
    people, seed = row.get("identity", []), row.get("seed")
    if isinstance(seed, str) and seed.isdecimal():  # of a .csv file
        seed = int(seed)
    seed = None if seed is None else whole_number("seed", seed, 0, 2**63 - 1)
    people = tuple(_file(folder, str(each)) for each in (people if isinstance(people, list) else [people]))
    name = _named(row, re.sub(r"\W+", "-", prompt).strip("-_")[:_SHORT] or "prompt", names)
    return Job(name, request=row.get("request"), prompt=prompt, people=people, seed=seed)


def _file(folder: Path, name: str) -> Path:
    """A file to read, by its path as a manifest has it: absolute, or relative to the manifest; links are followed.

    Raises:
        InputError: there is no such file; or it lies outside of the manifest's folder, and is not a picture.
    """
    for spelling in (name, name.strip(), name.strip().replace("\\", "/")):  # a table's spaces, Windows' separators
        path = folder / expanded(spelling)
        if os.path.isfile(path) and (_lies_below(folder, path) or _is_picture(path)):
            return path
    path = folder / expanded(name)
    if _lies_below(folder, path):
        raise InputError("There is no such file.", code="missing", actual=path)
    expected = f"a file below {folder}, or a picture"
    raise InputError("The path leads out of its folder.", code="outside", expected=expected, actual=name)


def _is_picture(path: Path) -> bool:
    try:
        return bool(picture_size(path))
    except InputError:
        return False


def _lies_below(folder: Path, path: Path) -> bool:
    """By their names; where links lead does not matter."""
    return os.path.abspath(path).startswith(os.path.join(os.path.abspath(folder), ""))


def _joined(path: Path) -> str:
    """What a photo's edits are called, by its path."""
    folders = [part for part in path.parts[:-1] if part not in (path.anchor, "..", "~")]
    return "-".join([*folders, path.stem])


def _named(row: Mapping[str, Any], otherwise: str, names: Names) -> str:
    if "name" not in row:
        return names.free(check_name(escaped(otherwise)))
    name = given_name(str(row["name"]))
    if name in names:
        raise InputError("Two rows have the same name.", code="duplicate", actual=name)
    return names.free(name)
