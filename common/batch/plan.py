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
    """One edit.

    Attributes:
        job: the photo.
        name: of the request.
        request: the request itself, as it was read.
    """

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
    """An input that cannot be used, and why."""

    where: str
    why: str


def plan(jobs: Sequence[Job], requests: Mapping[str, Any]) -> list[Item]:
    """All edits, photo by photo; raises an InputError for a photo without any request."""
    items = []
    for job in jobs:
        if job.request is None and not requests:
            raise InputError(f"{job.name} has no request: give requests for all photos, or a column `request`.")
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
        raise InputError(f"There is no folder and no manifest {place}.")
    jobs: list[Job] = []
    faults = []
    for line, row in _manifest(place, columns):
        try:
            jobs.append(_job(usable(row), place.parent, names, columns))
        except (FaceEditError, ValueError, OSError) as error:  # a name may be too long
            faults.append(Fault(f"{place.name}, line {line}", str(error)))
    if not jobs and not faults:
        raise InputError(f"{place} lists no {'photo and no prompt' if 'prompt' in columns else 'photo'}.")
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
            raise InputError(f"The request {name!r} is given twice.")
        found[names.free(name)] = request

    checked(path, _requests(path), keep)
    if not found:
        raise InputError(f"There is no request in {path}.")
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
            faults.append(Fault(str(path), "It is a link that leads nowhere, or no file."))
        else:
            jobs.append(Job(names.free(escaped(_joined(path.relative_to(place)))), path))
    if line := left_out(place, others):
        log.warning(line)
    if not jobs and not faults:
        raise InputError(f"There is no picture in {place}.")
    return jobs, faults


def _manifest(place: Path, columns: Sequence[str]) -> Iterable[tuple[int, Any]]:
    kind = place.suffix.lower()
    if kind == ".txt" and not is_table(place):
        if "prompt" not in columns:
            raise InputError(f"{place} is a list of prompts, as `fineface batch` takes them; a .csv file lists photos.")
        return [(line, {"prompt": prompt}) for line, prompt in _lines(place)]
    if kind == ".json":
        found = _json(place)
        if not isinstance(found, list):
            raise InputError(f"{place} must be a list of photos; got {type(found).__name__}.")
        return [(number, named(row, columns)) for number, row in enumerate(found, 1)]
    rows = read_rows(place, columns)
    if (header := _header(place, rows)) and (unknown := [name for name in header if name not in columns]):
        raise InputError(
            f"{place} has no use for its column {unknown[0]!r}; the columns of a manifest are {', '.join(columns)}.\n"
            "  take the column away, or rename it"
        )
    if header and not {"photo", "prompt"} & set(header):
        needed = "`photo` or `prompt`" if "prompt" in columns else "`photo`"
        raise InputError(f"{place} has no column {needed}; it has {', '.join(header)}.")
    return rows


def _requests(path: Path) -> Iterable[tuple[int, Any]]:
    kind = path.suffix.lower()
    if is_table(path) or kind in (".jsonl", ".ndjson"):
        rows = read_rows(path, REQUESTS)
        header = _header(path, rows)
        if header and "request" not in header:
            raise InputError(f"{path} has no column `request`; it has {', '.join(header)}.")
        if others := [name for name in header if name not in REQUESTS]:
            log.warning("%s: columns left out: %s", path, ", ".join(others))
        return [(line, row if isinstance(row, InputError) else _pair(row)) for line, row in rows]
    if kind == ".txt":
        return [(line, _named_request(text)) for line, text in _lines(path)]
    if kind != ".json":
        raise InputError(f"Requests are a .txt, .csv, .tsv, .jsonl or .json file; got {path}.")
    found = _json(path)
    if isinstance(found, Mapping):
        return enumerate(found.items(), 1)
    if not isinstance(found, list):
        raise InputError(f"{path} must be a list of requests, or names with requests; got {type(found).__name__}.")
    return enumerate((_pair(row) if isinstance(row, Mapping) and "request" in row else (None, row) for row in found), 1)


def _json(path: Path) -> Any:
    try:
        return parse_json(read_text(path))
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {path}: {error}") from error


def _header(path: Path, rows: Iterable[tuple[int, Any]]) -> list[str]:
    """The columns of a table: a wrong one is one fault, and not one of each row."""
    return next((list(row) for _, row in rows if isinstance(row, dict)), []) if is_table(path) else []


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines of a .txt file, without comments."""
    try:
        check_regular(path)
        text, encoding = decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {path}: {error}") from error
    if encoding not in ("utf-8", "utf-8-sig"):
        log.warning("%s is read with encoding %s", path, encoding.upper())
    lines = [each.partition("#")[0].strip() for each in text.removeprefix("\ufeff").splitlines()]
    return [(number, line) for number, line in enumerate(lines, 1) if line]


def _pair(row: Any) -> Any:
    if not isinstance(row, Mapping) or row.get("request") in (None, ""):
        return InputError(f"the row has no `request`; got {row!r}")
    return row.get("name"), row["request"]


def _named_request(text: str) -> Any:
    name, colon, rest = text.partition(": ")  # "angry:0.7" is a fraction of an expression
    if colon and facs.read(name) and _NUMBER.fullmatch(rest.strip()):
        return InputError(f"{text!r} has a colon in place of =; write {name.strip()}={rest.strip()}")
    return (name.strip(), rest.strip()) if colon else (None, text)


# --- rows of a manifest -----------------------------------------------------------------------------------------------


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
    if not isinstance(row.get("photo"), str):
        raise InputError(f'A row needs a photo, such as {{"photo": "a.jpg"}}; got {row!r}.')
    if "seed" in row:
        raise InputError("A seed goes with a prompt; photos have that of the run, --seed.")
    if "identity" in row:
        raise InputError("An identity goes with a prompt; the person of a photo is the photo's own.")
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
        raise InputError(
            'A row has a photo or a prompt; a photo\'s goes into its request: {"aus": ..., "prompt": ...}.'
        )
    if not isinstance(prompt, str):
        raise InputError(f"A prompt is a text; got {prompt!r}.")
    if "face" in row:
        raise InputError("A face selects one of a photo; the person of a prompt's picture is its `identity`.")
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
        raise InputError(f"The name {name!r} is given twice.")
    return names.free(name)
