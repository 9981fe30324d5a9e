"""What a recording shows, as pictures and one page for readers without prior knowledge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from tqdm import tqdm

from common.core.errors import InputError
from common.core.files import replace_file
from common.imaging.images import ImageLike, read_image, rgb
from common.imaging.page import Section, page

from . import pictures, timeseries
from .days import CUT, PAST, cluster_days, odd_weekday
from .maps import POOL, WEEKDAYS, Grid, day_pools, flows, group_names, heatmap, heatmaps, speeds, volumes
from .recording import Recording, span
from .shares import LEAST, location_shares, score_days
from .traclus import traclus
from .trajectories import day_tracks

TRACKS = 400
"""About how many tracks are drawn and clustered; more add little."""
STANDING_OUT = 8
"""Days shown one by one."""


@dataclass(frozen=True)
class Looks:
    """How a recording is described: side of the pools in pixels, height at which the tree of days is cut, number of
    parts of the recordings by time, blur of the heatmaps in pixels, and their colours by log10(1 + points) or points.

    Raises InputError: a value is out of range (code "range").
    """

    pool: int = POOL
    cut: float = CUT
    parts: int = 3
    blur: float = pictures.BLUR
    log: bool = True

    def __post_init__(self) -> None:
        if self.parts < 1 or self.blur < 0 or self.cut < 0:
            raise InputError(
                "The looks are out of range.", code="range", expected="parts >= 1, blur >= 0, cut >= 0", actual=self
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
    page. `background` is a picture of the place, shown under the heatmaps; `unusual` days are marked.
    """
    output = Path(output).expanduser()
    output.mkdir(parents=True, exist_ok=True)
    looks, sections = looks or Looks(), []
    pools, volume = day_pools(recording, Grid(recording.size, looks.pool)), volumes(recording)
    place = None if background is None else rgb(read_image(background))
    drawn = _drawn(recording, looks, place, unusual, pools, volume)
    for name, title, words, figure in tqdm(drawn, desc="Describing", unit="picture", disable=not progress):
        sections.append(Section(title, words, {pictures.save(figure, output / f"{name}.png"): ""}))
    replace_file(output / "days.csv", lambda path: volume.to_csv(path, index_label="day"))
    replace_file(output / "pools.csv", lambda path: pools.to_csv(path, index_label="day"))
    text = page(f"What {recording.name} shows", [*summary(recording, volume), *_market(pools, volume)], sections)
    replace_file(output / "index.html", lambda path: path.write_text(text, encoding="utf-8"))
    return output / "index.html"


def summary(recording: Recording, volume: pd.DataFrame) -> list[str]:
    """Sentences on what was recorded, and which files were left out."""
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
        reasons = "; ".join(f"{fault.file}: {fault.reason}" for fault in recording.faults[:10])
        more = f"; and {len(recording.faults) - 10} more" if len(recording.faults) > 10 else ""
        count = len(recording.faults)
        lines.append(f"{count} {'file was' if count == 1 else 'files were'} left out. {reasons}{more}.")
    return lines


def _market(pools: pd.DataFrame, volume: pd.DataFrame) -> list[str]:
    """A sentence on the weekday that differs from the others, if there is one."""
    last = slice(-PAST, None)
    odd = odd_weekday(location_shares(pools.iloc[last]), volume["points"].iloc[last])
    if odd is None:
        return []
    return [f"On {WEEKDAYS[odd]}s people are usually elsewhere than on other days; see the heatmaps by weekday."]


def _drawn(
    recording: Recording,
    looks: Looks,
    background: np.ndarray | None,
    unusual: pd.DatetimeIndex | None,
    pools: pd.DataFrame,
    volume: pd.DataFrame,
) -> Iterator[tuple[str, str, str, Figure]]:
    """Name, title, words and figure of each picture; without those for which there are too few days."""
    days, grid, whole = recording.days, Grid(recording.size, looks.pool), heatmap(recording)
    unit = "pixels a second" if recording.fps else "pixels a frame"

    def maps(found: Mapping[str, np.ndarray], counts: Mapping[str, int] | None = None) -> Figure:
        return pictures.draw_heatmaps(found, background, days=counts, blur=looks.blur, log=looks.log)

    words = "Every point of every track, blurred a little."
    yield "heatmap", "Where people are", words, maps({recording.name: whole})

    words = "Mean direction and speed of the tracks in each pool. Short arrows: as many tracks go back as forth."
    figure = pictures.draw_flows(flows(recording, grid), grid, whole, unit, background)
    yield "flows", "Where they go", words, figure

    tracks = [track for own in day_tracks(recording).values() for track in own]
    chosen = tracks[:: max(1, len(tracks) // TRACKS)]
    with suppress(InputError):  # no track is long enough
        lines = traclus(chosen).lines
        words = f"{len(chosen)} tracks, spread over all days, and the {len(lines)} lines that TraClus finds in them."
        figure = pictures.draw_lines(lines, chosen, recording.size, background)
        yield "lines", "What their ways have in common", words, figure

    speed = speeds(recording)
    weekday = pd.DatetimeIndex(speed.index).day_of_week
    boxes = {name: speed[weekday == day].to_numpy() for day, name in enumerate(WEEKDAYS) if (weekday == day).any()}
    words = f"The mean speed of each track; the median is {speed.median():.1f} {unit}."
    yield "speeds", "How fast", words, pictures.draw_boxes({"all": speed.to_numpy(), **boxes}, unit)

    figure = pictures.draw_calendar(volume["tracks"], "tracks", marked=unusual)
    yield "calendar", "How many", "Tracks of each day.", figure

    series = volume["tracks"].reindex(recording.calendar).astype(float)
    if timeseries.decompose(series)["trend"].notna().any():
        words = "Tracks of each day as a slow trend, a repeating week, and the rest; gaps stay gaps."
        yield "series", "Trend, week and rest", words, pictures.draw_decomposition(series, "tracks")

    words = "Each column is a day, each row a pool of the picture; white days were not recorded."
    yield "footmap", "Footmap", words, pictures.draw_footmap(pools, recording.calendar, marked=unusual)

    if len(days) > LEAST:
        busy = volume["points"] >= volume["points"].median()
        highest = score_days(pools, "median", progress=False)[busy].nlargest(STANDING_OUT)
        if len(highest):
            found = heatmaps(recording.of(pd.DatetimeIndex(highest.sort_index().index)), "day")
            words = (
                "Days whose points lie elsewhere than on the median of the days before, by the fractions of the pools;"
                " only days in the busier half, since a few tracks are always somewhere."
            )
            figure = maps({f"{pd.Timestamp(day):%a %Y-%m-%d}": own for day, own in found.items()})
            yield "standing_out", "Days that stand out", words, figure

    for group in ("weekday", "season", "month"):
        counts = Counter(group_names(days, group))
        yield f"{group}s", f"By {group}", "Points per recorded day.", maps(heatmaps(recording, group), counts)
    words = "The recordings in parts of equal length."
    yield "parts", "By time of day", words, maps(heatmaps(recording, "part", looks.parts))

    if len(days) > 2:
        tree = cluster_days(pools)
        clusters = tree.cut(looks.cut)
        sizes = ", ".join(map(str, sorted(clusters.value_counts())))
        words = f"Days with similar pools, merged step by step; cut at {looks.cut:g}, clusters have {sizes} days."
        yield "tree", "Which days are alike", words, pictures.draw_tree(tree, looks.cut)
        figure = pictures.draw_calendar(clusters, "cluster", kinds=True, marked=unusual)
        yield "clusters", "When they were", "The clusters over the year.", figure
