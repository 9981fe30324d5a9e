"""Readers of tracks (LOST, CSV with any columns, MOT-Challenge) and of labelled days."""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Iterator, Mapping
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
        where: a folder, or one file. A file's day is in its name, its folder's name, or a column.
        form: "lost" (lines of track, frame, x, y), "csv", "mot" (gt.txt or det.txt in MOT-Challenge's columns; a point
            is the middle of a box's lower side, where the feet are), or "auto", by the files' names.
        columns: of CSV files: day, track, frame, x, y -> the column's name; by default the same. "day" may hold times.
        size: (width, height) in pixels; None takes seqinfo.ini's, or the first usual one that holds all points.
        fps: frames per second, above 0; None takes seqinfo.ini's, if there is one.
        start: day of the first file without a day; the following ones, in the order of their names, are of the next
            days. None leaves them out.
        first: first day of the recording; None for all.
        last: last day of the recording; None for all.
        name: of the camera; by default the folder's.
        progress: show a bar.

    Returns:
        The recording. Stray, empty and broken files are left out and listed in its faults.

    Raises:
        InputError: an unknown form (code "unknown"), nothing at the path ("missing"), something that is not a day
            ("format"), fps or size out of range ("range"), or no usable file, with the reasons ("empty").
    """
    where = Path(where).expanduser()
    for one in (start, first, last):
        if one is not None:
            as_day(one)
    if fps is not None and not fps > 0:
        raise InputError("fps is out of range.", code="range", expected="above 0", actual=fps)
    if form not in ("auto", *FORMS):
        raise InputError("The form is unknown.", code="unknown", expected=", ".join(["auto", *FORMS]), actual=form)
    if not where.exists():
        raise InputError(f"{where} does not exist.", code="missing", expected="a folder of tracks, or a file")
    parts: dict[pd.Timestamp, Table] = {}
    stated_size = stated_fps = None
    faults = []
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
            for day, part in list(read(path, columns or {}, given.get(path))):  # a file as a whole, or nothing of it
                if day in parts:
                    raise InputError(f"stray: a second file of {day:%Y-%m-%d}", code="duplicate")
                parts[day] = part
            stated_size, stated_fps = _sequence_info(path) or (stated_size, stated_fps)
        except (ValueError, OSError) as error:  # InputError is one
            faults.append(Fault(label, " ".join(str(error).split())))
    if not parts:
        reasons = "".join(f"\n  {fault.file}: {fault.reason}" for fault in faults[:10])
        raise InputError(f"{where} has no readable tracks in {len(faults)} files.{reasons}", code="empty")
    points = tidy(list(parts.items()))
    width, height = size = size or stated_size or usual_size(points)
    if not (points["x"].between(0, width) & points["y"].between(0, height)).any():
        raise InputError(f"No point of {len(points)} lies in the picture.", code="range", actual=(width, height))
    made = Recording(points, size, fps or stated_fps, name or where.stem, tuple(faults))
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
        table = table[table[len(MOT)] != 0]  # boxes to ignore: cars, statues, reflections
    boxes = _checked(table.iloc[:, : len(MOT)], MOT)
    boxes["x"], boxes["y"] = boxes["left"] + boxes["width"] / 2, boxes["top"] + boxes["height"]
    yield day, _ordered(boxes)


def _csv(path: Path, columns: Mapping[str, str], given: Day | None) -> Iterator[tuple[Day, Table]]:
    if unknown := set(columns) - set(COLUMNS):
        known = ", ".join(COLUMNS)
        raise InputError("A column of tracks is unknown.", code="unknown", expected=known, actual=unknown.pop())
    table = _spreadsheet(path)
    header = {str(name).casefold(): name for name in table.columns}
    words = {name: header.get(columns.get(name, name).casefold(), columns.get(name, name)) for name in COLUMNS}
    if missing := [word for name, word in words.items() if name != "day" and word not in table]:
        raise InputError(f"broken: no column {', '.join(missing)}; columns are {', '.join(map(str, table.columns))}")
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
    """Names that may hold a file's day."""
    return [path.stem, *(parent.name for parent in list(path.parents)[:2])]


def _day_of(path: Path, given: Day | None) -> Day:
    for text in _names(path):
        if match := DATE.search(text):
            try:
                return pd.Timestamp("-".join(match.groups()))
            except ValueError as error:
                raise InputError(f"stray: {match[0]} is not a day") from error
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
    """With these names, if all cells are numbers, and tracks and frames at least 0."""
    if table.shape[1] != len(names):
        raise InputError(f"broken: expected {len(names)} columns, {', '.join(names)}; got {table.shape[1]}")
    made = table.set_axis(list(names), axis=1)
    if not all(pd.api.types.is_numeric_dtype(kind) for kind in made.dtypes):
        made = made.apply(pd.to_numeric, errors="coerce")
    odd = ~np.isfinite(made.to_numpy(float)).all(1) | (made[["track", "frame"]] < 0).any(axis=1).to_numpy()
    if odd.any():
        raise InputError(f"broken: row {table.index[odd.argmax()] + 1} has text or negative numbers")
    return _ordered(made) if set(POINT) <= set(made) else made


def _ordered(table: Table) -> Table:
    """Sorted by track and frame, each point once."""
    made = table[list(POINT)].astype(POINT)
    track, frame = made["track"].to_numpy(), made["frame"].to_numpy()
    rising = (np.diff(track) > 0) | ((np.diff(track) == 0) & (np.diff(frame) > 0))
    if rising.all():
        return made
    return made.sort_values(["track", "frame"], kind="stable").drop_duplicates(["track", "frame"])


def _sequence_info(path: Path) -> tuple[tuple[int, int] | None, float | None] | None:
    """Size and frame rate of MOT-Challenge's seqinfo.ini, if there is one."""
    for folder in list(path.parents)[:2]:
        if (info := folder / "seqinfo.ini").is_file():
            parser = configparser.ConfigParser()
            parser.read(info, encoding="utf-8")
            own = parser["Sequence"]
            width, height = own.getint("imWidth"), own.getint("imHeight")
            return (width, height) if width and height else None, own.getfloat("frameRate")
    return None


def read_truth(path: str | Path) -> pd.Series:
    """Day -> True if it is labelled unusual, by lines of a name with a date in it, and 0 or 1: "001_20120131 1", or
    "2012-01-31,1".

    Raises InputError (code "format"): other lines, or a day with both labels, with line numbers.
    """
    found: dict[pd.Timestamp, bool] = {}
    faults = []
    try:
        lines = decode(Path(path).read_bytes())[0].removeprefix("\ufeff").splitlines()
    except ValueError as error:
        raise InputError(f"{path} cannot be used: {error}", code="format") from error
    for number, line in enumerate(lines, 1):
        words = re.split(r"[,;\s]+", line.replace('"', "").strip(",; \t"))
        match, flag = DATE.search(line), words[-1]
        if not flag or (number == 1 and not any(letter.isdigit() for letter in line)):
            continue  # empty, or a header
        day = pd.to_datetime("-".join(match.groups()), errors="coerce") if match else None
        if not isinstance(day, pd.Timestamp) or flag not in ("0", "1"):
            faults.append(f"line {number}: {line.strip()[:40]!r} is not a date with 0 or 1")
        elif found.setdefault(day, flag == "1") != (flag == "1"):
            faults.append(f"line {number}: {day:%Y-%m-%d} is 0 and 1")
    if faults or not found:
        reasons = faults[:10] or ["no lines"]
        raise InputError("\n  ".join([f"{path} cannot be used:", *reasons]), code="format", actual=len(faults))
    return pd.Series(found).sort_index()
