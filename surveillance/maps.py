"""Where people walk: heatmaps and sums over square pools, by day, weekday, month, season or part of a day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from common.core.errors import InputError

from .recording import Recording

POOL = 80
"""Pixels of a pool's side."""
SEASONS = ("winter", "spring", "summer", "autumn")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
GROUPS = ("all", "day", "weekday", "month", "season", "year", "part")


@dataclass(frozen=True)
class Grid:
    """Square pools with a side `pool` over a picture of `size` (width, height), in pixels; the last column and row may
    be cut off. Raises InputError: the pool is out of range (code "range").
    """

    size: tuple[int, int]
    pool: int = POOL

    def __post_init__(self) -> None:
        if min(self.size) < 1 or not 1 <= self.pool <= max(self.size):
            needed = f"a side of 1 to {max(self.size)} pixels"
            raise InputError("The pools are out of range.", code="range", expected=needed, actual=self.pool)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        width, height = self.size
        return -(-height // self.pool), -(-width // self.pool)

    @property
    def names(self) -> list[str]:
        """Names of the pools, row by row: "r3c0" is the first of the fourth row."""
        rows, columns = self.shape
        return [f"r{row}c{column}" for row in range(rows) for column in range(columns)]

    def of(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(N,) number of the pool of each point, row by row; -1 outside of the picture."""
        width, height = self.size
        inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
        rows, columns = self.shape
        column = np.minimum(np.nan_to_num(x) // self.pool, columns - 1).astype(np.int32)
        row = np.minimum(np.nan_to_num(y) // self.pool, rows - 1).astype(np.int32)
        return np.where(inside, row * columns + column, -1)


def heatmap(recording: Recording) -> np.ndarray:
    """(H, W) points at each pixel, rows from the top; points outside of the picture are not counted, points on its
    right and lower border belong to its last pixels.
    """
    return heatmaps(recording, "all")["all"]


def heatmaps(recording: Recording, by: str, parts: int = 3) -> dict[str, np.ndarray]:
    """Name of a group -> its heatmap (H, W), see `heatmap`, in the order of time.

    `by` is one of `GROUPS`; "part" cuts the recordings into parts of equal length by frames, of which the last also
    holds what one day in twenty has beyond. Raises InputError: an unknown grouping (code "unknown"), or parts below 1
    ("range").
    """
    width, height = recording.size
    x, y = (recording.points[name].to_numpy() for name in ("x", "y"))
    names, group = _grouped(recording, by, parts)
    inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    flat = np.minimum(y[inside].astype(np.int64), height - 1)
    flat *= width
    flat += np.minimum(x[inside].astype(np.int32), width - 1)
    flat += group[inside].astype(np.int64) * (width * height)
    sums = np.bincount(flat, minlength=len(names) * width * height).reshape(len(names), height, width)
    return dict(zip(names, sums))


def shown(counts: np.ndarray, *, blur: float = 0.0, log: bool = False) -> np.ndarray:
    """A heatmap (H, W) for display: blurred by a Gaussian of `blur` pixels, then log10(1 + count) if `log`."""
    made = gaussian_filter(counts.astype(float), blur) if blur else counts.astype(float)
    return np.log10(1 + made) if log else made


def day_pools(recording: Recording, grid: Grid | None = None) -> pd.DataFrame:
    """Points in each pool (columns, row by row) on each recorded day (rows)."""
    grid = grid or Grid(recording.size)
    count, days = len(grid.names), recording.days
    where = grid.of(*(recording.points[name].to_numpy() for name in ("x", "y")))
    inside = where >= 0
    flat = recording.day_number[inside].astype(np.int64) * count + where[inside]
    sums = np.bincount(flat, minlength=len(days) * count).reshape(len(days), count)
    return pd.DataFrame(sums, index=days, columns=grid.names)


def volumes(recording: Recording) -> pd.DataFrame:
    """Tracks and points of each recorded day."""
    day, count = recording.day_number, len(recording.days)
    starts = np.flatnonzero(np.diff(recording.track_number, prepend=-1))
    tracks, points = np.bincount(day[starts], minlength=count), np.bincount(day, minlength=count)
    return pd.DataFrame({"tracks": tracks, "points": points}, index=recording.days)


def group_names(days: pd.DatetimeIndex, by: str) -> list[str]:
    """The group of each day: its date, weekday, month ("2012-01"), season (winter is December to February) or year."""
    if by == "weekday":
        return [WEEKDAYS[day.weekday()] for day in days]
    if by == "season":
        return [SEASONS[day.month % 12 // 3] for day in days]
    return [f"{day:{ {'day': '%Y-%m-%d', 'month': '%Y-%m', 'year': '%Y'}[by] }}" for day in days]


def _grouped(recording: Recording, by: str, parts: int) -> tuple[list[str], np.ndarray]:
    """Names of the groups, and (N,) the group of each point."""
    if by not in GROUPS:
        raise InputError("The grouping is unknown.", code="unknown", expected=", ".join(GROUPS), actual=by)
    if parts < 1:
        raise InputError("parts is out of range.", code="range", expected="1 or more", actual=parts)
    if by == "all":
        return ["all"], np.zeros(len(recording.points), np.int16)
    if by == "part":
        frame = recording.points["frame"].to_numpy()
        last = pd.Series(frame).groupby(recording.day_number).max()
        length = max(parts, int(last.quantile(0.95)) + 1)
        group = np.minimum(frame.astype(np.int64) * parts // length, parts - 1)
        return [_span(number, parts, length, recording.fps) for number in range(parts)], group.astype(np.int16)
    names = group_names(recording.days, by)
    order = [name for name in {"weekday": WEEKDAYS, "season": SEASONS}.get(by, dict.fromkeys(names)) if name in names]
    return order, np.array([order.index(name) for name in names], np.int16)[recording.day_number]


def _span(number: int, parts: int, length: int, fps: float | None) -> str:
    unit, scale = ("frames", 1.0) if fps is None else ("minutes", fps * 60)
    first, last = number * length / parts / scale, (number + 1) * length / parts / scale
    return f"{unit} {first:.0f} on" if number == parts - 1 else f"{unit} {first:.0f} to {last:.0f}"


def flows(recording: Recording, grid: Grid | None = None) -> pd.DataFrame:
    """How tracks move through each pool (rows), by the steps that start there.

    Returns:
        Columns: steps; right and down, the mean velocity; speed, the mean of its size; in pixels per second, or per
        frame where the frame rate is unknown; nan in pools without steps.
    """
    grid = grid or Grid(recording.size)
    x, y, frame = (recording.points[name].to_numpy() for name in ("x", "y", "frame"))
    where = grid.of(x, y)[:-1]
    row = np.flatnonzero((np.diff(recording.track_number) == 0) & (where >= 0))
    time = (frame[row + 1] - frame[row]) / (recording.fps or 1.0)
    right, down = ((values[row + 1] - values[row]) / time for values in (x, y))
    pool, count = where[row], len(grid.names)
    steps = np.bincount(pool, minlength=count)
    sums = {"right": right, "down": down, "speed": np.hypot(right, down)}
    found = {name: np.bincount(pool, values, count) / np.where(steps, steps, np.nan) for name, values in sums.items()}
    return pd.DataFrame({"steps": steps, **found}, index=grid.names)


def speeds(recording: Recording) -> pd.Series:
    """The mean speed of each track of two points or more, by its day: length divided by time, in pixels per second, or
    per frame where the frame rate is unknown.
    """
    x, y, frame = (recording.points[name].to_numpy() for name in ("x", "y", "frame"))
    track = recording.track_number
    same = np.diff(track) == 0
    way = np.bincount(track[:-1][same], np.hypot(np.diff(x), np.diff(y))[same], track[-1] + 1)
    time = np.bincount(track[:-1][same], np.diff(frame)[same], track[-1] + 1) / (recording.fps or 1.0)
    day = recording.days[recording.day_number[np.flatnonzero(np.append(True, ~same))]]
    return pd.Series(way[time > 0] / time[time > 0], index=day[time > 0], name="speed")
