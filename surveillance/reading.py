"""Tracks from files: LOST's, CSV with columns of one's own, MOT-Challenge's; and days that people call unusual."""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from common.core.errors import InputError
from common.core.records import SUFFIXES, decode, read_head

from .recording import COLUMNS, Fault, Recording, as_day, tidy, usual_size

DATE = re.compile(r"(?<!\d)(\d{4})[-_]?(\d{2})[-_]?(\d{2})(?!\d)")
"""In a file's name: 20120131, 2012-01-31, 2012_01_31."""
POINT = {"track": np.int32, "frame": np.int32, "x": np.float32, "y": np.float32}
MOT = ("frame", "track", "left", "top", "width", "height")
Table = pd.DataFrame
Day = pd.Timestamp


@dataclass(frozen=True)
class Found:
    """What a file says beside its points."""

    size: tuple[int, int] | None = None
    fps: float | None = None


def read_tracks(
    where: str | Path,
    *,
    form: str = "auto",
    columns: Mapping[str, str] | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    start: Any = None,
    first: Any = None,
    last: Any = None,
    name: str = "",
    progress: bool = True,
) -> Recording:
    """All tracks of a camera.

    Args:
        where: a folder, or one file. A file's day stands in its name, or in that of its folder, or in a column.
        form: "lost" (lines of track, frame, x, y), "csv", "mot" (gt.txt or det.txt in MOT-Challenge's columns, of whose
            boxes the middle of the lower side is taken, where feet are), or "auto", by the files' names.
        columns: of CSV files: day, track, frame, x, y -> the header's word; those that are not named are called so.
            "day" may hold times, of which the date counts.
        size: (width, height) in pixels; None takes seqinfo.ini's, or the first usual one that holds all points.
        fps: frames a second; None takes seqinfo.ini's, if there is one.
        start: day of the first file that has none in its name, its folders' or a column; each further one, in the order
            of their names, is of the next day. None leaves them out.
        first: day from which on the recording counts.
        last: day up to which.
        name: of the camera; None is the folder's.
        progress: show a bar.

    Returns:
        The recording. Stray, empty and broken files are left out and listed in its faults.

    Raises:
        InputError: no such folder, an unknown form, what is no day, or no file that can be used, with the reasons.
    """
    where = Path(where).expanduser()
    for one in (start, first, last):
        if one is not None:
            as_day(one)
    if fps is not None and not fps > 0:
        raise InputError(f"Expected more than 0 frames a second; got {fps}.")
    if form not in ("auto", *FORMS):
        raise InputError(f"There is no form {form!r} of tracks; choose from auto, {', '.join(FORMS)}.")
    if not where.exists():
        raise InputError(f"There is no {where}; expected a folder of tracks, or a file.")
    parts: dict[pd.Timestamp, Table] = {}
    faults, found = [], Found()
    files = [where] if where.is_file() else sorted(path for path in where.rglob("*") if _counts(path, where))
    undated = [path for path in files if not any(DATE.search(text) for text in _names(path))]
    given = {} if start is None else dict(zip(undated, pd.date_range(as_day(start), periods=len(undated))))
    for path in tqdm(files, desc="Reading tracks", unit="file", disable=not progress):
        label = str(path.relative_to(where)) if path != where else path.name
        read = FORMS.get(form) or _form_of(path)
        if read is None:
            faults.append(Fault(label, "stray: neither .txt nor .csv"))
            continue
        try:
            for day, part in list(read(path, columns or {}, given.get(path))):  # all of a file, or nothing
                if day in parts:
                    raise InputError(f"stray: {day:%Y-%m-%d} is there already")
                parts[day] = part
            found = _beside(path) or found
        except (ValueError, OSError) as error:  # InputError is one
            faults.append(Fault(label, str(error).splitlines()[0]))
    if not parts:
        told = "".join(f"\n  {fault.file}: {fault.reason}" for fault in faults[:10])
        raise InputError(f"{where} holds no tracks that can be read: {len(faults)} files.{told}")
    points = tidy(list(parts.items()))
    width, height = size = size or found.size or usual_size(points)
    if not (points["x"].between(0, width) & points["y"].between(0, height)).any():
        raise InputError(f"No point of {len(points)} lies in a picture of {width} x {height}; say its true size.")
    made = Recording(points, size, fps or found.fps, name or where.stem, tuple(faults))
    return made.between(first, last) if first or last else made


def _counts(path: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return path.is_file() and not hidden and path.name != "seqinfo.ini"


def _form_of(path: Path) -> Callable[[Path, Mapping[str, str], Day | None], Iterator[tuple[Day, Table]]] | None:
    if path.suffix.lower() in SUFFIXES:
        return _csv
    if path.suffix.lower() != ".txt":
        return None
    return _mot if path.name in ("gt.txt", "det.txt") else _lost


def _lost(path: Path, _: Mapping[str, str], given: Day | None) -> Iterator[tuple[Day, Table]]:
    day = _day_of(path, given)
    yield day, _checked(_table(path, sep=r"\s+", header=None), ("track", "frame", "x", "y"))


def _mot(path: Path, _: Mapping[str, str], given: Day | None) -> Iterator[tuple[Day, Table]]:
    day = _day_of(path, given)
    table = _table(path, sep=",", header=None)
    if path.name == "gt.txt" and table.shape[1] > len(MOT):
        table = table[table[len(MOT)] != 0]  # what is not to be considered: cars, statues, reflections
    boxes = _checked(table.iloc[:, : len(MOT)], MOT)
    boxes["x"], boxes["y"] = boxes["left"] + boxes["width"] / 2, boxes["top"] + boxes["height"]
    yield day, _ordered(boxes)


def _csv(path: Path, columns: Mapping[str, str], given: Day | None) -> Iterator[tuple[Day, Table]]:
    if unknown := set(columns) - set(COLUMNS):
        raise InputError(f"there is no column {unknown.pop()!r} of tracks; choose from {', '.join(COLUMNS)}")
    table = _spreadsheet(path)
    header = {str(name).casefold(): name for name in table.columns}
    words = {name: header.get(columns.get(name, name).casefold(), columns.get(name, name)) for name in COLUMNS}
    if missing := [word for name, word in words.items() if name != "day" and word not in table]:
        raise InputError(f"broken: no column {', '.join(missing)}; it has {', '.join(map(str, table.columns))}")
    points = table[[words[name] for name in COLUMNS[1:]]]
    if words["day"] not in table:
        yield _day_of(path, given), _checked(points, COLUMNS[1:])
        return
    days = pd.to_datetime(table[words["day"]], errors="coerce").dt.normalize()
    if days.isna().any():
        raise InputError(f"broken: row {int(days.isna().argmax()) + 1} has no day")
    for day, rows in points.groupby(days.to_numpy()):
        yield pd.Timestamp(day), _checked(rows, COLUMNS[1:])


FORMS = {"lost": _lost, "csv": _csv, "mot": _mot}


def _names(path: Path) -> list[str]:
    """Where a file's day may stand."""
    return [path.stem, *(parent.name for parent in list(path.parents)[:2])]


def _day_of(path: Path, given: Day | None) -> Day:
    for text in _names(path):
        if match := DATE.search(text):
            try:
                return pd.Timestamp("-".join(match.groups()))
            except ValueError as error:
                raise InputError(f"stray: {match[0]} is no day") from error
    if given is None:
        raise InputError("stray: no day in its name")
    return given


def _spreadsheet(path: Path) -> Table:
    """A table with a header, in any dialect that `common.core.records` knows."""
    dialect, rows = read_head(path)
    if not rows:
        raise InputError("empty")
    names = [" ".join(name.split()) for name in rows[0]]
    while names and not names[-1]:
        names.pop()
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise InputError(f"broken: two columns {twice[0]!r}")
    if len(rows) > 1 and any(field.strip() for field in rows[1][len(names) :]):
        raise InputError(f"broken: the first row has {len(rows[1])} fields, and the header {len(names)}")
    table = _table(
        path,
        sep=dialect.separator,
        encoding=dialect.encoding,
        decimal=dialect.decimal,
        usecols=range(len(names)),
        skiprows=int(dialect.hinted),
        skipinitialspace=True,
    )
    return table.set_axis(names, axis=1).dropna(how="all")


def _table(path: Path, **options: Any) -> Table:
    try:
        return pd.read_csv(path, **options)
    except pd.errors.EmptyDataError as error:
        raise InputError("empty") from error
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(f"broken: {error}") from error


def _checked(table: Table, names: tuple[str, ...]) -> Table:
    """With these names, numbers throughout, and nothing negative but places."""
    if table.shape[1] != len(names):
        raise InputError(f"broken: expected {len(names)} columns, {', '.join(names)}; got {table.shape[1]}")
    made = table.set_axis(list(names), axis=1)
    if not all(pd.api.types.is_numeric_dtype(kind) for kind in made.dtypes):
        made = made.apply(pd.to_numeric, errors="coerce")
    odd = ~np.isfinite(made.to_numpy(float)).all(1) | (made[["track", "frame"]] < 0).any(axis=1).to_numpy()
    if odd.any():
        raise InputError(f"broken: row {table.index[odd.argmax()] + 1} holds no numbers, or negative ones")
    return _ordered(made) if set(POINT) <= set(made) else made


def _ordered(table: Table) -> Table:
    """In the order of tracks and frames, each point once."""
    made = table[list(POINT)].astype(POINT)
    track, frame = made["track"].to_numpy(), made["frame"].to_numpy()
    rising = (np.diff(track) > 0) | ((np.diff(track) == 0) & (np.diff(frame) > 0))
    if rising.all():
        return made
    return made.sort_values(["track", "frame"], kind="stable").drop_duplicates(["track", "frame"])


def _beside(path: Path) -> Found | None:
    """What MOT-Challenge's seqinfo.ini says."""
    for folder in list(path.parents)[:2]:
        if (info := folder / "seqinfo.ini").is_file():
            parser = configparser.ConfigParser()
            parser.read(info, encoding="utf-8")
            own = parser["Sequence"]
            width, height = own.getint("imWidth"), own.getint("imHeight")
            return Found((width, height) if width and height else None, own.getfloat("frameRate"))
    return None


def read_truth(path: str | Path) -> pd.Series:
    """Day -> True where it is said to be unusual, by lines of a name with a date in it, and 0 or 1: "001_20120131 1",
    or "2012-01-31,1".

    Raises InputError for lines that are something else, with their numbers, or a day that is said twice and
    differently.
    """
    found: dict[pd.Timestamp, bool] = {}
    faults = []
    try:
        lines = decode(Path(path).read_bytes())[0].removeprefix("\ufeff").splitlines()
    except ValueError as error:
        raise InputError(f"{path} cannot be used: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip(",; \t"):
            continue
        fields = re.split(r"[,;\s]+", line.replace('"', "").strip(",; \t"))
        match, flag = DATE.search(line), fields[-1]
        if number == 1 and match is None and not any(letter.isdigit() for letter in line):
            continue  # a header
        if match is None or flag not in ("0", "1"):
            faults.append(f"line {number}: {line.strip()[:40]!r} is no date with 0 or 1")
            continue
        try:
            day = pd.Timestamp("-".join(match.groups()))
        except ValueError:
            faults.append(f"line {number}: {match[0]} is no day")
            continue
        if found.setdefault(day, flag == "1") != (flag == "1"):
            faults.append(f"line {number}: {day:%Y-%m-%d} is 0 and 1")
    if faults or not found:
        raise InputError("\n  ".join([f"{path} cannot be used:", *(faults[:10] or ["no lines"])]))
    return pd.Series(found).sort_index()
