"""Tracks of one camera: all points of all tracks in one tidy table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from common.core.errors import InputError

COLUMNS = ("day", "track", "frame", "x", "y")
SIZES = (
    *((320, 240), (640, 480), (800, 600), (1024, 768), (1280, 720), (1280, 960)),
    *((1920, 1080), (2560, 1440), (3840, 2160)),
)
"""Usual sizes of pictures; the first that holds all points is the default."""


@dataclass(frozen=True)
class Fault:
    """A file that was left out, and why."""

    file: str
    reason: str


@dataclass(frozen=True, eq=False)
class Recording:
    """Tracks of one camera.

    Attributes:
        points: a row for each point, with the columns `COLUMNS`: day (a category of dates), number of the track (unique
            within the day), frame, x to the right and y downwards in pixels; in the order of days, tracks and frames.
        size: (width, height) of the picture in pixels.
        fps: frames per second; None if unknown.
        name: of the camera, for headings.
        faults: files that were left out.
    """

    points: pd.DataFrame = field(repr=False)
    size: tuple[int, int]
    fps: float | None = None
    name: str = ""
    faults: tuple[Fault, ...] = ()

    @property
    def days(self) -> pd.DatetimeIndex:
        """Recorded days; other days are missing, not empty."""
        return pd.DatetimeIndex(self.points["day"].cat.categories)

    @property
    def calendar(self) -> pd.DatetimeIndex:
        """All days from the first to the last recorded one."""
        return pd.date_range(self.days[0], self.days[-1], freq="D")

    @property
    def day_number(self) -> np.ndarray:
        """(N,) the recorded day of each point, from 0."""
        return self.points["day"].cat.codes.to_numpy()

    @cached_property
    def track_number(self) -> np.ndarray:
        """(N,) the track of each point, from 0, over all days."""
        day, track = self.day_number, self.points["track"].to_numpy()
        new = (np.diff(day) != 0) | (np.diff(track) != 0)
        return np.concatenate([[0], np.cumsum(new)]) if len(day) else np.zeros(0, int)

    def between(self, first: Any = None, last: Any = None) -> Recording:
        """The days from `first` to `last`, both included; by default all. Raises InputError: see `as_day` and `of`."""
        first, last = (as_day(day) if day else end for day, end in ((first, self.days[0]), (last, self.days[-1])))
        days = self.days[(self.days >= first) & (self.days <= last)]
        return self.of(days)

    def of(self, days: pd.DatetimeIndex) -> Recording:
        """These recorded days alone. Raises InputError: none of them was recorded (code "empty")."""
        known = self.days.intersection(days)
        if not len(known):
            raise InputError(
                "None of these days was recorded.", code="empty", expected=span(self.days), actual=span(days)
            )
        rows = self.days.isin(known)[self.day_number]
        part = self.points[rows]
        return replace(self, points=part.assign(day=part["day"].cat.set_categories(known)))


def as_day(word: Any) -> pd.Timestamp:
    """The day of "2012-01-31", a date or a time. Raises InputError: not a day (code "format")."""
    day = pd.to_datetime(word, errors="coerce")
    if not isinstance(day, pd.Timestamp):
        raise InputError("This is not a day.", code="format", expected="a day such as 2012-01-31", actual=word)
    return day.normalize()


def span(days: pd.DatetimeIndex) -> str:
    """How many days, from when to when, as words."""
    return f"{len(days)} days, {days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d}" if len(days) else "no days"


def tidy(parts: list[tuple[Any, pd.DataFrame]]) -> pd.DataFrame:
    """`Recording.points` of days with a table each, of columns track, frame, x, y."""
    parts = sorted(parts, key=lambda part: part[0])
    days = pd.DatetimeIndex([day for day, _ in parts])
    whole = pd.concat([part.reset_index(drop=True) for _, part in parts], ignore_index=True)
    codes = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for _, part in parts])
    whole.insert(0, "day", pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(days)))
    return whole


def usual_size(points: pd.DataFrame) -> tuple[int, int]:
    """The first of `SIZES` that holds all points. Raises InputError: none does (code "range")."""
    right, low = float(points["x"].max()), float(points["y"].max())
    for width, height in SIZES:
        if right <= width and low <= height:
            return width, height
    hint = "give the size of the picture"
    raise InputError("Points lie outside of all usual picture sizes.", code="range", actual=(right, low), hint=hint)
