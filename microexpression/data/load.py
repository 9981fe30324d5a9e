"""Readers of data sets, from the folders and annotation files of their owners; all faults are reported together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.core.errors import InputError, ShapeError
from common.core.records import checked, read_table, usable
from common.imaging.images import read_image, rgb

from ..extras import library
from .layouts import LAYOUTS, Layout, Row, plain
from .sample import DataSetError, Sample, check, units_of

PICTURES = (".jpg", ".jpeg", ".bmp", ".png")
NEEDED = ("subject", "clip", "onset", "offset", "emotion")
OPTIONAL = ("apex", "units", "objective")
RENAMED = {"mmew": {"others": "repression"}}
"""Words of one data set that others call differently."""


def load(
    name: str, root: str | Path, *, cropped: bool = False, frames: bool = True, fixed: bool = True
) -> list[Sample]:
    """A data set's clips, with the documented corrections.

    Args:
        name: one of `LAYOUTS`, or a folder below the root in the form of `layouts.plain`.
        root: folder that holds the data set's own, as its owners name them.
        cropped: take the cropped faces that come with it.
        frames: check the frames of every clip.
        fixed: apply the corrections, if the table has the documented number of rows.

    Raises:
        InputError: an unknown data set (code "unknown"), a missing table or column ("missing"), or a table that cannot
            be read ("unreadable") or is empty ("empty").
        DataSetError: with every broken row and every clip whose frames are missing.
    """
    root = Path(root)
    layout = LAYOUTS.get(name) or plain(name)
    path = next((root / table for table in layout.tables if (root / table).is_file()), None)
    if path is None and name not in LAYOUTS:
        hint = f"or describe a data set of your own in {root / layout.tables[0]}"
        raise InputError(
            "The data set is unknown.", code="unknown", expected=", ".join(LAYOUTS), actual=name, hint=hint
        )
    if path is None:
        raise InputError(f"{layout.title} is not in {root}.", code="missing", expected=" or ".join(layout.tables))
    rows = _tidy(name, layout, read_sheet(path, layout.header), path, fixed)
    if layout.objectives and (table := root / layout.objectives).is_file():
        others = read_sheet(table, 0)
        subject, clip, objective = (
            column(others, layout.columns[own], table) for own in ("subject", "clip", "objective")
        )
        known = {(_word(row[subject]).zfill(layout.digits), _word(row[clip])): row[objective] for row in others}
        for row in rows:
            row["objective"] = known.get((row["subject"], row["letter"]), "")
    templates = (cropped and layout.cropped) or layout.frames

    def sample(row: Row) -> Sample:
        folders = [root / template.format(**row) for template in templates]
        folder = next((each for each in folders if each.is_dir()), folders[0])
        return _sample(name, layout, row, folder)

    labelled = [(f"row {number} ({row['subject']} {row['clip']})", row) for number, row in enumerate(rows)]
    samples, faults = _gathered(labelled, sample)
    if frames:
        for each in samples:
            faults += check_frames(each, layout.frame_gaps)
    if faults:
        raise DataSetError(str(path), faults)
    return check(samples, str(path))


def _gathered(rows: Iterable[tuple[str, Any]], make: Callable[[Row], Sample]) -> tuple[list[Sample], list[str]]:
    """The samples of labelled rows, and the faults of the other rows."""
    samples, faults = [], []
    for label, row in rows:
        try:
            samples.append(make(usable(row)))
        except (TypeError, ValueError) as error:
            faults.append(f"{label}: {error}")
    return samples, faults


def frame_files(folder: Path) -> dict[int, Path]:
    """The frames of a folder by the numbers that end their names: "img12.jpg" and "reg_EP01_5-012.jpg" are both 12."""
    found = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.suffix.lower() in PICTURES and (digits := re.search(r"(\d+)$", path.stem)):
            found[int(digits[1])] = path
    return found


def check_frames(sample: Sample, gaps: bool = False) -> list[str]:
    """Faults of a clip's frames: none at all, or missing ones between onset and offset."""
    assert sample.frames is not None
    name, files = " ".join(sample.key), frame_files(sample.frames)
    if not files:
        return [f"{name}: no frames in {sample.frames}"]
    wanted = {sample.onset, sample.apex, sample.offset} if gaps else set(range(sample.onset, sample.offset + 1))
    if missing := sorted(wanted - set(files)):
        some = ", ".join(map(str, missing[:5])) + (" ..." if len(missing) > 5 else "")
        return [f"{name}: frames {some} are not in {sample.frames}"]
    return []


def read_frames(sample: Sample, numbers: Sequence[int] | None = None) -> np.ndarray:
    """Frames of a clip, (T, H, W, 3) uint8 RGB; by default all from onset to offset. Raises InputError: a frame is
    missing (code "missing"); ShapeError: a frame has another size than the first.
    """
    if sample.frames is None:
        raise InputError(f"{' '.join(sample.key)} has no folder of frames.", code="missing")
    files = frame_files(sample.frames)
    if numbers is None:
        numbers = [number for number in sorted(files) if sample.onset <= number <= sample.offset]
    made = []
    for number in numbers:
        if number not in files:
            raise InputError(f"{' '.join(sample.key)}: frame {number} is not in {sample.frames}.", code="missing")
        made.append(rgb(read_image(files[number])))
        if made[-1].shape != made[0].shape:
            raise ShapeError(str(files[number]), f"{made[0].shape}", made[-1].shape)
    return np.stack(made)


def _tidy(name: str, layout: Layout, rows: list[Row], path: Path, fixed: bool) -> list[Row]:
    """Rows with our columns and the table's own, corrected."""
    if not rows:
        raise InputError(f"{path} has no rows.", code="empty")
    known = {own: column(rows, layout.columns[own], path) for own in NEEDED}
    known |= {own: word for own in OPTIONAL if (word := column(rows, layout.columns[own], path, needed=False))}
    made = [{**row, **{own: row[word] for own, word in known.items()}} for row in rows]
    if fixed and layout.count in (None, len(rows)):  # older tables have other rows
        for own, right in layout.fixes.items():
            for number, value in right.items():
                made[number][own] = value
        if layout.swapped:
            one, two = (made[number] for number in layout.swapped)
            for word in set(one) - {"subject", "clip", "onset", "apex", "offset"}:
                one[word], two[word] = two[word], one[word]
    times: dict[tuple[str, str], int] = {}
    for row in made:
        row |= {own: _word(row[own]) for own in ("subject", "clip", "emotion")}
        row |= {"subject": row["subject"].zfill(layout.digits), "letter": row["clip"], "written": row["emotion"]}
        row["emotion"] = RENAMED.get(name, {}).get(row["emotion"], row["emotion"])
        key = row["subject"], row["clip"]
        times[key] = times.get(key, 0) + 1
        if layout.numbered and times[key] > 1:
            row["clip"] += str(times[key])
    return made


def _sample(name: str, layout: Layout, row: Row, folder: Path) -> Sample:
    onset, offset = _number(row, "onset"), _number(row, "offset")
    apex = _number(row, "apex") if "apex" in row else (onset + offset) // 2  # the middle is usual for SMIC
    find: Callable[[Row], frozenset[int]] = layout.units or (lambda row: units_of(row.get("units") or ""))
    objective = int(float(row["objective"])) if row.get("objective") else 0
    return Sample(name, row["subject"], row["clip"], onset, apex, offset, find(row), row["emotion"], objective, folder)


def _number(row: Row, name: str) -> int:
    value = row[name]
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} is not a frame's number: {value!r}") from error


def _word(value: Any) -> str:
    """A cell as text; names that a spreadsheet turned into numbers lose their decimal point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def read_sheet(path: Path, header: int = 0) -> list[Row]:
    """The rows of a spreadsheet, .xlsx or .xls, or a text table, by their columns; empty cells are None, empty rows are
    left out, and `header` rows above the column names are skipped.

    Raises InputError: the file cannot be read (code "unreadable"); MissingDependencyError: no pandas, openpyxl or xlrd.
    """
    if path.suffix.lower() not in (".xlsx", ".xls"):
        rows = checked(path, read_table(path).rows, dict)
        return [{name: cell or None for name, cell in row.items()} for row in rows]
    pandas = library("pandas", "spreadsheets")
    engine = {".xlsx": "openpyxl", ".xls": "xlrd"}[path.suffix.lower()]
    library(engine, f"{path.suffix} files")
    try:
        table = pandas.read_excel(path, header=header, engine=engine, dtype=object)
    except Exception as error:  # damaged spreadsheets fail in many ways
        raise InputError(f"Cannot read {path}: {str(error)[:200]}", code="unreadable") from error
    table.columns = [str(name).strip() for name in table.columns]
    table = table.dropna(how="all")
    return [{k: None if pandas.isna(v) else v for k, v in row.items()} for row in table.to_dict("records")]


def column(rows: Sequence[Row], names: Sequence[str], where: Path, *, needed: bool = True) -> str:
    """The first of these names that the table has, ignoring case and spaces; "" for none of them. Raises InputError:
    none of them, and one is `needed` (code "missing").
    """
    plain = {"".join(name.lower().split()): name for name in (rows[0] if rows else ())}
    for name in names:
        if (found := plain.get("".join(name.lower().split()))) is not None:
            return found
    if not needed:
        return ""
    wanted, known = " or ".join(names), ", ".join(plain.values())
    raise InputError(f"{where} lacks a column.", code="missing", expected=wanted, actual=known)


DATASETS = ("casme", "casme2", "samm", "fourd", "mmew", "casme3a")
"""In the protocol's order."""
COLUMNS = ("subject", "material", "onset", "apex", "offset", "apexf", "AU", "emotion", "n_frames", "dataset")


def read_crossed(path: str | Path) -> list[Sample]:
    """The 2,031 clips of CD6ME, six data sets in one table, `cross_dataset_seq.csv`; action units by its 0/1 columns.
    Raises InputError: no such file, or a column is missing (code "missing"); DataSetError: with every broken row.
    """
    table = read_table(Path(path), COLUMNS)
    units = [name for name in table.columns if name.startswith("AU") and name[2:].isdigit()]
    if missing := [name for name in COLUMNS if name not in table.columns] or ([] if units else ["AU1"]):
        raise InputError(f"{path} is not the table of CD6ME.", code="missing", expected=", ".join(missing))

    def sample(row: Row) -> Sample:
        onset, apex, offset = (_number(row, name) for name in ("onset", "apex", "offset"))
        if _number(row, "n_frames") != offset - onset + 1 or _number(row, "apexf") != apex - onset:
            raise ValueError("n_frames or apexf do not fit onset, apex and offset")
        if row["dataset"] not in DATASETS:
            raise ValueError(f"unknown data set {row['dataset']!r}")
        shown = frozenset(int(name[2:]) for name in units if float(row[name]))
        return Sample(row["dataset"], row["subject"], row["material"], onset, apex, offset, shown, row["emotion"])

    samples, faults = _gathered([(f"line {number}", row) for number, row in table.rows], sample)
    if faults:
        raise DataSetError(str(path), faults)
    return check(samples, str(path))
