"""Data sets from the folders and annotation files of their owners; all that is wrong with one is told at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.core.errors import InputError
from common.core.records import checked, read_table
from common.imaging.images import read_image, rgb

from ..extras import library
from .layouts import LAYOUTS, Layout, Row, plain
from .sample import DataSetError, Sample, check, units_of

PICTURES = (".jpg", ".jpeg", ".bmp", ".png")
NEEDED = ("subject", "clip", "onset", "offset", "emotion")
OPTIONAL = ("apex", "units", "objective")
RENAMED = {"mmew": {"others": "repression"}}
"""Words of one data set for what the others call by another."""


def load(
    name: str, root: str | Path, *, cropped: bool = False, frames: bool = True, fixed: bool = True
) -> list[Sample]:
    """A data set's clips, with the documented corrections.

    Args:
        name: one of `LAYOUTS`, or a folder below the root in the form of `layouts.plain`.
        root: folder that holds the data set's own, as its owners name them.
        cropped: take the cropped faces that come with it.
        frames: look for the frames of every clip, and complain where they are not as annotated.
        fixed: correct the rows that are known to be wrong, where the table has as many rows as it should.

    Raises:
        InputError: an unknown data set, no table, or a table without a needed column.
        DataSetError: with every broken row and every clip whose frames are missing.
    """
    root = Path(root)
    layout = LAYOUTS.get(name) or plain(name)
    if name not in LAYOUTS and not (root / layout.tables[0]).is_file():
        raise InputError(
            f"There is no data set {name!r}; choose from {', '.join(LAYOUTS)}, or describe one of your own in"
            f" {root / layout.tables[0]}."
        )
    templates = layout.cropped if cropped else layout.frames
    path = next((root / table for table in layout.tables if (root / table).is_file()), None)
    if path is None:
        raise InputError(f"{layout.title} is not in {root}; expected {' or '.join(layout.tables)} there.")
    rows = _tidy(name, layout, read_sheet(path, layout.header), path, fixed)
    if layout.objectives and (table := root / layout.objectives).is_file():
        others = read_sheet(table, 0)
        words = [column(others, layout.columns[own], table) for own in ("subject", "clip", "objective")]
        known = {
            (_word(s).zfill(layout.digits), _word(c)): o for s, c, o in ([each[w] for w in words] for each in others)
        }
        for row in rows:
            row["objective"] = known.get((row["subject"], row["letter"]), "")
    samples, faults = [], []
    for number, row in enumerate(rows):
        try:
            folders = [root / template.format(**row) for template in templates]
            folder = next((each for each in folders if each.is_dir()), folders[0])
            samples.append(_sample(name, layout, row, folder))
        except ValueError as error:
            faults.append(f"row {number} ({row['subject']} {row['clip']}): {error}")
    if frames:
        for sample in samples:
            faults += check_frames(sample, layout.frame_gaps)
    if faults:
        raise DataSetError(str(path), faults)
    return check(samples, str(path))


def frame_files(folder: Path) -> dict[int, Path]:
    """The frames of a folder by the numbers that end their names: "img12.jpg" and "reg_EP01_5-012.jpg" are both 12."""
    found = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.suffix.lower() in PICTURES and (digits := re.search(r"(\d+)$", path.stem)):
            found[int(digits[1])] = path
    return found


def check_frames(sample: Sample, gaps: bool = False) -> list[str]:
    """What is wrong with a clip's frames: none, or missing ones between onset and offset."""
    assert sample.frames is not None
    name, there = " ".join(sample.key), frame_files(sample.frames)
    if not there:
        return [f"{name}: no frames in {sample.frames}"]
    wanted = {sample.onset, sample.apex, sample.offset} if gaps else set(range(sample.onset, sample.offset + 1))
    if missing := sorted(wanted - set(there)):
        some = ", ".join(map(str, missing[:5])) + (" ..." if len(missing) > 5 else "")
        return [f"{name}: frames {some} are not in {sample.frames}"]
    return []


def read_frames(sample: Sample, numbers: Sequence[int] | None = None) -> np.ndarray:
    """Frames of a clip, (T, H, W, 3) uint8 RGB; all from onset to offset unless numbered. Raises InputError: a frame is
    missing, or of another size than the first.
    """
    if sample.frames is None:
        raise InputError(f"{' '.join(sample.key)} has no folder of frames.")
    there = frame_files(sample.frames)
    if numbers is None:
        numbers = [number for number in sorted(there) if sample.onset <= number <= sample.offset]
    made = []
    for number in numbers:
        if number not in there:
            raise InputError(f"{' '.join(sample.key)}: frame {number} is not in {sample.frames}.")
        made.append(rgb(read_image(there[number])))
        if made[-1].shape != made[0].shape:
            raise InputError(f"{there[number]} has another size than {there[numbers[0]].name}.")
    return np.stack(made)


def _tidy(name: str, layout: Layout, rows: list[Row], path: Path, fixed: bool) -> list[Row]:
    """Rows with our columns beside the table's own, corrected."""
    if not rows:
        raise InputError(f"{path} has no rows.")
    known = {own: column(rows, layout.columns[own], path) for own in NEEDED}
    known |= {own: word for own in OPTIONAL if (word := column(rows, layout.columns[own], path, needed=False))}
    made = [{**row, **{own: row[word] for own, word in known.items()}} for row in rows]
    if fixed and layout.count in (None, len(rows)):  # an older table has other rows
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
    if "apex" in row:
        apex = _number(row, "apex")
    else:
        apex = onset + (offset - onset) // 2  # as everybody does with SMIC, which has none
    if not onset <= apex <= offset:
        raise ValueError(f"expected onset <= apex <= offset; got {onset}, {apex}, {offset}")
    find: Callable[[Row], frozenset[int]] = layout.units or (lambda row: units_of(row.get("units") or ""))
    objective = int(float(row["objective"])) if row.get("objective") else 0
    return Sample(name, row["subject"], row["clip"], onset, apex, offset, find(row), row["emotion"], objective, folder)


def _number(row: Row, name: str) -> int:
    value = row[name]
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be a frame's number; got {value!r}") from error


def _word(value: Any) -> str:
    """A cell as text: numbers that a spreadsheet made of a name lose their point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def read_sheet(path: Path, header: int = 0) -> list[Row]:
    """The rows below the header of a spreadsheet, .xlsx or .xls, or a text table, by the header's words; empty cells
    are None, empty rows are left out. `header` rows stand above it.

    Raises InputError where there is no such file, or it is not what its name says; MissingDependencyError without
    pandas, openpyxl or xlrd.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    if path.suffix.lower() not in (".xlsx", ".xls"):
        rows = checked(path, read_table(path).rows, dict)
        return [{name: cell or None for name, cell in row.items()} for row in rows]
    pandas = library("pandas", "spreadsheets")
    engine = {".xlsx": "openpyxl", ".xls": "xlrd"}[path.suffix.lower()]
    library(engine, f"{path.suffix} files")
    try:
        table = pandas.read_excel(path, header=header, engine=engine, dtype=object)
    except Exception as error:  # damaged spreadsheets fail in many ways
        raise InputError(f"Cannot read {path}: {str(error)[:200]}") from error
    table.columns = [str(name).strip() for name in table.columns]
    table = table.dropna(how="all")
    return [{k: None if pandas.isna(v) else v for k, v in row.items()} for row in table.to_dict("records")]


def column(rows: Sequence[Row], names: Sequence[str], where: Path, *, needed: bool = True) -> str:
    """Which of these names the table has; case and spaces do not count. "" for none of them, where none is needed.
    Raises InputError: none of them.
    """
    plain = {"".join(name.lower().split()): name for name in (rows[0] if rows else ())}
    for name in names:
        if (found := plain.get("".join(name.lower().split()))) is not None:
            return found
    if not needed:
        return ""
    raise InputError(f"{where} lacks a column {' or '.join(map(repr, names))}; it has {', '.join(plain.values())}.")


DATASETS = ("casme", "casme2", "samm", "fourd", "mmew", "casme3a")
"""In the protocol's order."""
COLUMNS = ("subject", "material", "onset", "apex", "offset", "apexf", "AU", "emotion", "n_frames", "dataset")


def read_crossed(path: str | Path) -> list[Sample]:
    """The 2,031 clips of CD6ME, six data sets in one table, `cross_dataset_seq.csv`; action units by its 0/1 columns.
    Raises InputError: no such file, or another table; DataSetError: with every broken row.
    """
    table = read_table(Path(path), COLUMNS)
    names = table.columns
    units = [name for name in names if name.startswith("AU") and name[2:].isdigit()]
    if missing := [name for name in COLUMNS if name not in names] or ([] if units else ["AU1"]):
        raise InputError(f"{path} is another table: it lacks the columns {', '.join(missing)}.")
    samples, faults = [], []
    for number, row in table.rows:
        if isinstance(row, InputError):
            faults.append(f"line {number}: {row}")
            continue
        try:
            times = {name: int(float(row[name])) for name in ("onset", "apex", "offset", "apexf", "n_frames")}
            shown = frozenset(int(name[2:]) for name in units if float(row[name]))
        except (TypeError, ValueError) as error:
            faults.append(f"line {number}: {error}")
            continue
        onset, apex, offset = (times[name] for name in ("onset", "apex", "offset"))
        if times["n_frames"] != offset - onset + 1 or times["apexf"] != apex - onset:
            faults.append(f"line {number}: n_frames or apexf do not fit onset, apex and offset")
        if row["dataset"] not in DATASETS:
            faults.append(f"line {number}: there is no data set {row['dataset']!r}")
        samples.append(
            Sample(row["dataset"], row["subject"], row["material"], onset, apex, offset, shown, row["emotion"])
        )
    if faults:
        raise DataSetError(str(path), faults)
    return check(samples, str(path))
