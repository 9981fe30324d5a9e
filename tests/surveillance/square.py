"""A square that people cross, made by the tests: a market each Wednesday, and one day with a detour."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

START = pd.Timestamp("2012-01-02")  # a Monday
SIZE = (320, 240)
ACROSS = np.array([[10, 150], [160, 140], [310, 150]], float)
AROUND = np.array([[10, 150], [60, 220], [260, 225], [310, 150]], float)
"""The usual way, and the one around the stalls."""
Day = dict[int, np.ndarray]


def day(rng: np.random.Generator, way: np.ndarray, count: int) -> Day:
    """Track -> (N, 3) frame, x, y: people along a way, forth and back."""
    tracks: Day = {}
    for number in range(count):
        corners = (way if number % 2 else way[::-1]) + rng.normal(0, 3, way.shape)
        steps = np.hypot(*np.diff(corners, axis=0).T)
        along = np.arange(0, steps.sum(), 5.0)
        at = np.concatenate([[0], np.cumsum(steps)])
        xy = np.stack([np.interp(along, at, corners[:, axis]) for axis in (0, 1)], 1) + rng.normal(
            0, 0.5, (len(along), 2)
        )
        frame = number * 20 + np.arange(len(xy))
        tracks[number * 3 + 1] = np.column_stack([frame, xy.round().clip(0, np.array(SIZE) - 1)]).astype(int)
    return tracks


def weeks(count: int, *, market: int | None = 2, detour: int | None = None, tracks: int = 8) -> dict[pd.Timestamp, Day]:
    """Days from `START` on; the last day of each third week is not recorded.

    Args:
        count: weeks.
        market: weekday on which people walk around.
        detour: number of a day on which they do so too.
        tracks: people of a day; a quarter at weekends.
    """
    found = {}
    for number in range(7 * count):
        date = START + pd.Timedelta(days=number)
        if number % 21 == 20:
            continue
        way = AROUND if number == detour or date.weekday() == market else ACROSS
        people = max(2, tracks // 4) if date.weekday() > 4 else tracks
        found[date] = day(np.random.default_rng(number), way, people)
    return found


def write(folder: Path, days: dict[pd.Timestamp, Day], names: Iterable[pd.Timestamp] | None = None) -> Path:
    """LOST's files: track, frame, x, y."""
    folder.mkdir(parents=True, exist_ok=True)
    for date in names or days:
        lines = [f"{track} {frame} {x} {y}" for track, rows in days[date].items() for frame, x, y in rows]
        (folder / f"001_{date:%Y%m%d}.txt").write_text("\n".join(lines))
    return folder
