"""What a recording shows, as pictures and one page that one can read without knowing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from common.core.errors import InputError
from common.core.files import replace_file
from common.imaging.images import ImageLike, read_image, rgb

from . import pictures, timeseries
from .days import CUT, PAST, cluster_days, odd_weekday
from .maps import POOL, WEEKDAYS, Grid, day_pools, flows, group_names, heatmap, heatmaps, speeds, volumes
from .page import Section, page
from .recording import Recording, span
from .shares import LEAST, location_shares, score_days
from .traclus import traclus
from .trajectories import day_tracks

TRACKS = 400
"""Of which lines are drawn, about; more of them say little more."""
STANDING_OUT = 8
"""Days that are shown one by one."""


@dataclass(frozen=True)
class Looks:
    """How a recording is described.

    Attributes:
        pool: side of the pools in pixels.
        cut: height at which the tree of days is cut.
        parts: of the recordings, by time.
        blur: of the heatmaps, in pixels.
        log: colours of the heatmaps by log10(1 + points).
    """

    pool: int = POOL
    cut: float = CUT
    parts: int = 3
    blur: float = pictures.BLUR
    log: bool = True

    def __post_init__(self) -> None:
        if self.parts < 1 or self.blur < 0 or self.cut < 0:
            raise InputError(
                f"Expected one part of a day or more, a blur and a cut from 0 on; got {self.parts}, {self.blur:g},"
                f" {self.cut:g}."
            )


def describe(
    recording: Recording,
    output: str | Path,
    *,
    looks: Looks | None = None,
    background: ImageLike | None = None,
    unusual: pd.DatetimeIndex | None = None,
    progress: bool = True,
) -> Path:
    """Writes pictures (PNG), days.csv, pools.csv and index.html, which holds all of them, to a folder; returns that
    page. A background picture of the place (`common.imaging.images.read_image`) lies under the heatmaps, and `unusual`
    days are marked.
    """
    output = Path(output).expanduser()
    output.mkdir(parents=True, exist_ok=True)
    looks, sections = looks or Looks(), []
    pools, volume = day_pools(recording, Grid(recording.size, looks.pool)), volumes(recording)
    place = None if background is None else rgb(read_image(background))
    steps = list(_sections(recording, looks, place, unusual, pools, volume))
    for name, title, make in tqdm(steps, desc="Describing", unit="picture", disable=not progress):
        found = make()
        if found is None:
            continue
        figure, words = found
        sections.append(Section(title, words, pictures.save(figure, output / f"{name}.png")))
    replace_file(output / "days.csv", lambda path: volume.to_csv(path, index_label="day"))
    replace_file(output / "pools.csv", lambda path: pools.to_csv(path, index_label="day"))
    text = page(f"What {recording.name} shows", [*summary(recording, volume), *_market(pools, volume)], sections)
    replace_file(output / "index.html", lambda path: path.write_text(text, encoding="utf-8"))
    return output / "index.html"


def summary(recording: Recording, volume: pd.DataFrame) -> list[str]:
    """Sentences on what there is, and what was left out."""
    missing = len(recording.calendar) - len(recording.days)
    weekdays = volume["tracks"].groupby(recording.days.day_of_week).median()
    most, least = (WEEKDAYS[int(getattr(weekdays, which)())] for which in ("idxmax", "idxmin"))
    lines = [
        f"{span(recording.days)}; {missing} days between were not recorded.",
        f"{volume['tracks'].sum():,} tracks, {volume['points'].sum():,} points; {volume['tracks'].median():g} tracks on"
        f" the median day, {volume['tracks'].min()} to {volume['tracks'].max()}.",
        f"Busiest on {most}s ({weekdays.max():g} tracks), quietest on {least}s ({weekdays.min():g}).",
    ]
    if recording.faults:
        told = "; ".join(f"{fault.file}: {fault.reason}" for fault in recording.faults[:10])
        more = f"; and {len(recording.faults) - 10} more" if len(recording.faults) > 10 else ""
        count = len(recording.faults)
        lines.append(f"{count} {'file was' if count == 1 else 'files were'} left out. {told}{more}.")
    return lines


def _market(pools: pd.DataFrame, volume: pd.DataFrame) -> list[str]:
    """A sentence on the weekday that is unlike the others, where there is one."""
    last = slice(-PAST, None)
    odd = odd_weekday(location_shares(pools.iloc[last]), volume["points"].iloc[last])
    if odd is None:
        return []
    return [f"On {WEEKDAYS[odd]}s people are elsewhere than on other days, as a rule; see the heatmaps by weekday."]


Made = tuple[Any, str] | None


def _sections(
    recording: Recording,
    looks: Looks,
    background: np.ndarray | None,
    unusual: pd.DatetimeIndex | None,
    pools: pd.DataFrame,
    volume: pd.DataFrame,
) -> Iterator[tuple[str, str, Callable[[], Made]]]:
    """Name of a picture, its title, and what makes it and says a word on it; the whole heatmap is made once."""
    grid, kept = Grid(recording.size, looks.pool), {}
    unit = "pixels a second" if recording.fps else "pixels a frame"

    def whole() -> np.ndarray:
        if "map" not in kept:
            kept["map"] = heatmap(recording)
        return kept["map"]

    def place() -> Made:
        drawn = pictures.draw_heatmaps({recording.name: whole()}, background, blur=looks.blur, log=looks.log)
        return drawn, "Every point of every track, blurred a little."

    def by(group: str, words: str) -> Callable[[], Made]:
        def make() -> Made:
            maps = heatmaps(recording, group, looks.parts)
            days = None
            if group != "part":
                names = group_names(recording.days, group)
                days = {name: names.count(name) for name in maps}
            return pictures.draw_heatmaps(maps, background, days=days, blur=looks.blur, log=looks.log), words

        return make

    def footmap() -> Made:
        words = "Each column is a day, each row a pool of the picture; white days were not recorded."
        return pictures.draw_footmap(pools, recording.calendar, marked=unusual), words

    def standing_out() -> Made:
        if len(recording.days) <= LEAST:
            return None
        points = volume["points"]
        scores = score_days(pools, "median", progress=False)[points >= points.median()].nlargest(STANDING_OUT)
        if scores.empty:
            return None
        days = pd.DatetimeIndex(scores.index).sort_values()
        maps = {f"{pd.Timestamp(day):%a %Y-%m-%d}": own for day, own in heatmaps(recording.of(days), "day").items()}
        words = "Days on which people were elsewhere than on the median of the days before, by the shares of the pools;"
        words += " of the busier half of all days, since a few tracks are always somewhere."
        return pictures.draw_heatmaps(maps, background, blur=looks.blur, log=looks.log), words

    def calendar() -> Made:
        return pictures.draw_calendar(volume["tracks"], "tracks", marked=unusual), "Tracks of each day."

    def lines() -> Made:
        tracks = [track for own in day_tracks(recording).values() for track in own]
        chosen = tracks[:: max(1, len(tracks) // TRACKS)]
        try:
            found = traclus(chosen).lines
        except InputError:  # none is long enough
            return None
        words = f"{len(chosen)} tracks, spread over all days, and the lines that TraClus sees in them: {len(found)}."
        return pictures.draw_lines(found, chosen, recording.size, background), words

    def parts_of_series() -> Made:
        tracks = volume["tracks"].reindex(recording.calendar).astype(float)
        if timeseries.decompose(tracks)["trend"].isna().all():
            return None
        words = "The day's tracks as a slow trend, a week that repeats, and what neither explains; gaps stay gaps."
        return pictures.draw_decomposition(tracks, "tracks"), words

    def moving() -> Made:
        drawn = pictures.draw_flows(flows(recording, grid), grid, whole(), unit, background)
        return (
            drawn,
            "Where tracks go on the whole, in each pool, and how fast. Short arrows: as many go back as forth.",
        )

    def fast() -> Made:
        speed = speeds(recording)
        weekday = pd.DatetimeIndex(speed.index).day_of_week
        boxes = {name: speed[weekday == day].to_numpy() for day, name in enumerate(WEEKDAYS) if (weekday == day).any()}
        drawn = pictures.draw_boxes({"all": speed.to_numpy(), **boxes}, unit)
        return drawn, f"The mean speed of each track: {speed.median():.1f} {unit} in the median."

    def tree() -> Made:
        if len(recording.days) < 3:
            return None
        kept["tree"] = cluster_days(pools)
        sizes = sorted(kept["tree"].cut(looks.cut).value_counts())
        words = (
            f"Days whose pools hold alike, merged step by step; cut at {looks.cut:g} they are {len(sizes)} clusters of"
        )
        return pictures.draw_tree(kept["tree"], looks.cut), f"{words} {', '.join(map(str, sizes))} days."

    def kinds() -> Made:
        if "tree" not in kept:
            return None
        drawn = pictures.draw_calendar(kept["tree"].cut(looks.cut), "cluster", kinds=True, marked=unusual)
        return drawn, "The clusters over the year."

    yield "heatmap", "Where people are", place
    yield "flows", "Where they go", moving
    yield "lines", "What their ways have in common", lines
    yield "speeds", "How fast", fast
    yield "calendar", "How many", calendar
    yield "series", "Trend, week and rest", parts_of_series
    yield "footmap", "Footmap", footmap
    yield "standing_out", "Days that stand out", standing_out
    yield "weekdays", "By weekday", by("weekday", "Points a recorded day.")
    yield "seasons", "By season", by("season", "Points a recorded day.")
    yield "months", "By month", by("month", "Points a recorded day.")
    yield "parts", "By time of day", by("part", "The recordings in parts of equal length.")
    yield "tree", "Which days are alike", tree
    yield "clusters", "When they were", kinds
