"""A film's tracks as CSV, in the columns of OpenFace or of py-feat, written and read.

OpenFace (FeatureExtraction; https://github.com/TadasBaltrusaitis/OpenFace/wiki/Output-Format): `frame` counts from 1,
`timestamp` is in seconds, `success` is 0 or 1. `AU12_r` is an intensity from 0 to 5, `AU12_c` 0 or 1. Angles are in
radians in the camera's axes (x to the picture's right, y down, z away from the camera): `pose_Rx` is positive for a
face that looks down, `pose_Ry` for one turned to the picture's left, `pose_Rz` for a head tilted to the picture's
right. `gaze_angle_x` is positive for a look to the picture's right, `gaze_angle_y` for one down, both of the head and
the eyes together.

py-feat (Fex; https://py-feat.org): `frame` counts from 0. `AU12` (py-feat pads one digit: `AU01`) is from 0 to 1, here
the intensity over 5. `Pitch`, `Roll` and `Yaw` are in degrees; their signs are taken as ours, and were not compared
with the package's.

Both: a value that is not known is an empty cell, never 0, and a frame that was not read has no values.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from ..core.errors import InputError
from ..core.files import replace_text
from ..core.records import Cells, read_table
from .film import Tracks

Format = Literal["openface", "py-feat"]
PRESENT = 1.0
"""Intensity from which `AU12_c` is 1."""
STRONGEST = 5.0
APART = 0.05
"""Seconds by which a label may lie from a frame at most; less where labels are denser."""
_UNIT = {"openface": re.compile(r"AU(\d{1,2})_r", re.IGNORECASE), "py-feat": re.compile(r"AU(\d{1,2})", re.IGNORECASE)}
_OPENFACE_UNITS = [
    "1",
    "2",
    "4",
    "5",
    "6",
    "7",
    "9",
    "10",
    "12",
    "14",
    "15",
    "17",
    "20",
    "23",
    "25",
    "26",
    "45",
]  # those of OpenFace come first
_SLACK = 1e-6  # of a value's range


# --- writing ---------------------------------------------------------------------------------------------------------


def write_csv(tracks: Tracks, path: Path, form: Format = "openface") -> None:
    """Writes tracks in the columns of OpenFace or py-feat.

    Changes below 0, which neither tool knows, are written as 0.

    Raises InputError: the format is unknown.
    """
    check_format(form)
    columns = _openface_columns(tracks) if form == "openface" else _py_feat_columns(tracks)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values()))
    replace_text(path, text.getvalue())


def check_format(form: str) -> None:
    """Raises InputError: the format is unknown."""
    if form not in _UNIT:
        raise InputError("The format of the CSV is unknown.", code="unknown", expected=list(_UNIT), actual=form)


def _openface_columns(tracks: Tracks) -> dict[str, list[str]]:
    yaw, pitch, roll = np.radians(tracks.pose.T)
    aside, up = np.radians(tracks.gaze.T)
    columns = {
        "frame": [str(number + 1) for number in tracks.numbers],
        "timestamp": _texts(tracks.times, 4),
        "confidence": _texts(tracks.confidence, 3),
        "success": [str(int(found)) for found in tracks.found],
        "gaze_angle_x": _texts(yaw + aside, 4),
        "gaze_angle_y": _texts(-(pitch + up), 4),
        "pose_Rx": _texts(-pitch, 4),
        "pose_Ry": _texts(-yaw, 4),
        "pose_Rz": _texts(-roll, 4),
    }
    theirs = [f"AU{number}" for number in _OPENFACE_UNITS]
    ordered = [name for name in theirs if name in tracks.names]
    ordered += [name for name in tracks.names if name not in theirs]
    for name in ordered:
        columns[f"{_padded(name)}_r"] = _texts(tracks.of(name).clip(0, STRONGEST), 3)
    for name in ordered:
        values = tracks.of(name)
        present = np.where(np.isnan(values), np.nan, values >= PRESENT)
        columns[f"{_padded(name)}_c"] = _texts(present, 0)
    return columns


def _py_feat_columns(tracks: Tracks) -> dict[str, list[str]]:
    yaw, pitch, roll = tracks.pose.T
    columns = {
        "frame": [str(number) for number in tracks.numbers],
        "timestamp": _texts(tracks.times, 4),
        "FaceScore": _texts(np.where(tracks.found, tracks.confidence, np.nan), 3),
        "Pitch": _texts(pitch, 2),
        "Roll": _texts(roll, 2),
        "Yaw": _texts(yaw, 2),
    }
    for name in tracks.names:
        columns[_padded(name)] = _texts(tracks.of(name).clip(0, STRONGEST) / STRONGEST, 4)
    return columns


def _texts(values: np.ndarray, digits: int) -> list[str]:
    return ["" if np.isnan(value) else f"{value:.{digits}f}" for value in values.astype(float)]


def _padded(name: str) -> str:
    return f"AU{int(name[2:]):02d}"


# --- reading ---------------------------------------------------------------------------------------------------------


def read_csv(path: str | Path) -> Tracks:
    """Reads tracks that OpenFace, py-feat or `write_csv` wrote.

    The columns tell which tool it was. A frame with success 0, or without a value of any unit, is not read. Of several
    rows of one frame, as of several faces, the one with the largest box or the highest confidence is kept.

    Raises:
        InputError: not such a table, or a value that is not a number or lies out of its range; the message names file
            and line.
    """
    file = Path(path).expanduser()
    table = read_table(file)
    form, units = _form(file, table.columns)
    if not table.rows:
        raise InputError(f"{file} has no rows.", code="empty", expected="one row for each frame", actual=0)
    best: dict[int, tuple[float, int, Cells]] = {}
    before = -1
    for line, cells in table.rows:
        if isinstance(cells, InputError):
            raise InputError(f"{file}, line {line}: {cells}", code=cells.code)
        number = _frame_number(file, line, cells, form)
        if number < before:
            raise InputError(
                f"{file}, line {line}: the frames are not in order.",
                code="order",
                expected=f"frame {before + (form == 'openface')} or later",
                actual=cells["frame"],
            )
        before = number
        rank = _rank(file, line, cells)
        if number not in best or rank > best[number][0]:
            best[number] = (rank, line, cells)
    return _tracks(file, form, units, [(number, line, cells) for number, (_, line, cells) in best.items()])


def _form(file: Path, columns: Sequence[str]) -> tuple[Format, dict[str, str]]:
    """Which tool wrote the columns, and unit -> column."""
    forms: tuple[Format, ...] = ("openface", "py-feat")
    for form in forms:
        found = [(int(match[1]), column) for column in columns if (match := _UNIT[form].fullmatch(column))]
        if found and "frame" in columns:
            return form, {f"AU{number}": column for number, column in sorted(found)}
    raise InputError(
        f"{file}, line 1: the columns are not those of OpenFace or py-feat.",
        code="missing",
        expected="frame, and AU12_r (OpenFace) or AU12 (py-feat)",
        actual=list(columns)[:20],
    )


def _tracks(file: Path, form: Format, units: dict[str, str], rows: list[tuple[int, int, Cells]]) -> Tracks:
    times = [_cell(file, line, cells, "timestamp", 0.0, math.inf) for _, line, cells in rows]
    for (_, line, cells), earlier, later in zip(rows[1:], times, times[1:]):
        if later < earlier:
            raise InputError(
                f"{file}, line {line}: the time stamps are not in order.",
                code="order",
                expected=f"{earlier:g} seconds or later",
                actual=cells["timestamp"],
            )
    tracks = Tracks.empty(tuple(units), [number for number, _, _ in rows], times)
    top = STRONGEST if form == "openface" else 1.0
    for row, (_, line, cells) in enumerate(rows):
        values = np.array([_cell(file, line, cells, column, 0.0, top) for column in units.values()])
        success = _cell(file, line, cells, "success", 0.0, 1.0)
        if success == 0 or np.isnan(values).all():
            continue
        tracks.found[row] = True
        tracks.units[row] = values * STRONGEST / top
        tracks.sides[row] = tracks.units[row, :, None]
        sure = _cell(file, line, cells, "confidence" if form == "openface" else "FaceScore", 0.0, 1.0)
        tracks.confidence[row] = 1.0 if np.isnan(sure) else sure
        tracks.reliability[row] = tracks.confidence[row]
        tracks.pose[row], tracks.gaze[row] = _angles(file, line, cells, form)
    return tracks


def _angles(file: Path, line: int, cells: Cells, form: Format) -> tuple[np.ndarray, np.ndarray]:
    """Yaw, pitch and roll of the head, and yaw and pitch of the eyes from it, degrees as ours."""
    if form == "py-feat":
        pose = [_cell(file, line, cells, name, -360.0, 360.0) for name in ("Yaw", "Pitch", "Roll")]
        return np.array(pose), np.full(2, np.nan)
    turns = [_cell(file, line, cells, name, -7.0, 7.0) for name in ("pose_Ry", "pose_Rx", "pose_Rz")]
    pose = -np.degrees(turns)
    aside = math.degrees(_cell(file, line, cells, "gaze_angle_x", -7.0, 7.0))
    down = math.degrees(_cell(file, line, cells, "gaze_angle_y", -7.0, 7.0))
    return pose, np.array([aside - pose[0], -down - pose[1]])


def _frame_number(file: Path, line: int, cells: Cells, form: Format) -> int:
    """The row's frame, from 0."""
    first = 1 if form == "openface" else 0
    value = _cell(file, line, cells, "frame", float(first), 1e9)
    if np.isnan(value) or value != round(value):
        raise InputError(
            f"{file}, line {line}: a row has no frame.", code="number", expected="a whole number", actual=cells["frame"]
        )
    return round(value) - first


def _rank(file: Path, line: int, cells: Cells) -> float:
    """By which one of several faces of a frame is kept."""
    width = _cell(file, line, cells, "FaceRectWidth", 0.0, 1e9)
    height = _cell(file, line, cells, "FaceRectHeight", 0.0, 1e9)
    if np.isfinite(width * height):
        return width * height
    return float(np.nan_to_num(_cell(file, line, cells, "confidence", 0.0, 1.0)))


def _cell(file: Path, line: int, cells: Cells, column: str, low: float, high: float) -> float:
    """A number of the row; NaN for an empty cell, for "nan", or for a column that the table lacks."""
    text = cells.get(column, "")
    if text == "":
        return math.nan
    try:
        value = float(text)
    except ValueError:
        raise InputError(
            f"{file}, line {line}: {column} is not a number.", code="number", expected="a number", actual=text
        ) from None
    slack = _SLACK * (high - low) if math.isfinite(high) else 0.0
    if not math.isnan(value) and not (low - slack <= value <= high + slack and math.isfinite(value)):
        raise InputError(
            f"{file}, line {line}: {column} is out of its range.",
            code="range",
            expected=f"{low:g} to {high:g}",
            actual=text,
        )
    return value


# --- matching --------------------------------------------------------------------------------------------------------


def matched(labels: Tracks, numbers: Sequence[int], times: Sequence[float]) -> Tracks:
    """Labels of another tool, one for each of a film's frames, whatever frame rate the tool worked at.

    Each frame takes the label nearest in time, at most half of the labels' interval and `APART` seconds away; a frame
    without one is not read. Labels without time stamps are matched by frame number.

    Args:
        labels: as `read_csv` reads them.
        numbers: (T,) of the frames.
        times: (T,) seconds, likewise.

    Raises:
        InputError: not one label lies at a frame.
    """
    result = Tracks.empty(labels.names, numbers, times)
    if np.isfinite(labels.times).all():
        keys = labels.times
        wanted = np.asarray(times, float)
        step = float(np.median(np.diff(keys))) if len(keys) > 1 else 2 * APART
        tolerance = min(0.525 * step + 0.001, APART)  # time stamps are rounded
    else:
        keys = labels.numbers.astype(float)
        wanted = np.asarray(numbers, float)
        tolerance = 0.0
    after = np.searchsorted(keys, wanted).clip(1, max(len(keys) - 1, 1))
    before = after - 1
    after = after.clip(0, len(keys) - 1)
    nearest = np.where(np.abs(keys[after] - wanted) < np.abs(keys[before] - wanted), after, before)
    near = np.abs(keys[nearest] - wanted) <= tolerance
    if not near.any():
        raise InputError(
            "Not one label lies at a frame of the film.",
            code="empty",
            expected=f"labels between {wanted.min():g} and {wanted.max():g}",
            actual=f"{keys.min():g} to {keys.max():g}",
        )
    for name in ("found", "confidence", "units", "sides", "reliability", "pose", "gaze", "openness"):
        getattr(result, name)[near] = getattr(labels, name)[nearest[near]]
    return result
