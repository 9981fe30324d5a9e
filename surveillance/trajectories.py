"""Days on which people walk other ways than on the days before: lines learned from past tracks, and the likelihood of
new tracks given the lines (after Khor & See 2017, arXiv 1712.07322).

For each day, the lines are TraClus's of the last recorded days of the same weekday. A track's distance from a line is
the mean over its points of the squared city-block distance to the nearest point of the line; distances are modelled as
exponential, with a rate learned from the same past tracks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from common.core.errors import InputError

from .recording import Recording
from .traclus import corners, traclus

WINDOW = 3
"""Days before that a day is compared with."""
FAR = 1000.0
"""Square pixels above which a track may be called anomalous: about 32 pixels."""


@dataclass(frozen=True)
class Options:
    """Options of the model.

    Attributes:
        window: number of days before, of the same weekday, to learn from, 1 or more.
        longest: days that the window may reach back, 1 or more; None lets it span gaps, as the released code does.
        weekly: compare with the same weekday; False takes the last days of any weekday.
        released_lines: TraClus as released, see `traclus`.
        released_scores: the faults of the released code: a track's nearest distance carries over from point to point,
            the rate counts points and sums distances over the lines before, and lines are truncated to whole pixels.
        far: see `FAR`; 0 or more.
    """

    window: int = WINDOW
    longest: int | None = None
    weekly: bool = True
    released_lines: bool = False
    released_scores: bool = False
    far: float = FAR

    def __post_init__(self) -> None:
        if self.window < 1 or self.far < 0 or (self.longest is not None and self.longest < 1):
            needed = "window >= 1, longest >= 1, far >= 0"
            raise InputError("The options are out of range.", code="range", expected=needed, actual=self)


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines (P, 2) learned from a window, in pixels, with the rate (J,) of each line's exponential, per square pixel,
    and the lowest log-likelihood (J,) of the window's own tracks.
    """

    lines: tuple[np.ndarray, ...]
    rate: np.ndarray
    lowest: np.ndarray


def windows(days: pd.DatetimeIndex, options: Options) -> dict[pd.Timestamp, pd.DatetimeIndex]:
    """Day -> the days before that it is compared with; without days that have too few."""
    found = {}
    for place, day in enumerate(days):
        past = days[:place]
        if options.weekly:
            past = past[past.day_of_week == day.weekday()]
        past = past[-options.window :]
        if len(past) == options.window and (options.longest is None or (day - past[0]).days <= options.longest):
            found[day] = past
    return found


def score_days(recording: Recording, options: Options | None = None, *, progress: bool = True) -> pd.DataFrame:
    """Scores of each day that has a window, in the order of days.

    Returns:
        Columns: "unlikely", 1 - the mean over tracks of the least likelihood over lines, so that a day without tracks
        along a line is unusual; "unlikely_nearest", the same with the largest likelihood; "ratio", minus the mean over
        tracks of log10 of the least likelihood, divided by the least of the window's tracks for the track's likeliest
        line; "anomalous", the number of tracks less likely than that and far from all lines; "tracks"; "lines".

    Raises:
        InputError: no day has enough days before it (code "count").
    """
    options = options or Options()
    compared = windows(recording.days, options)
    if not compared:
        needed = f"{options.window} days before a day"
        raise InputError("Too few days to compare.", code="count", expected=needed, actual=len(recording.days))
    tracks = day_tracks(recording)
    # each track is cut once, however many windows it is in
    pieces = iter(corners([track for own in tracks.values() for track in own], blind=options.released_lines))
    cuts = {day: [next(pieces) for _ in own] for day, own in tracks.items()}
    rows = {}
    for day, past in tqdm(compared.items(), desc="Trajectories", unit="day", disable=not progress):
        known = [track for each in past for track in tracks[each]]
        own = [rows_ for each in past for rows_ in cuts[each]]
        rows[day] = _score(tracks[day], learn(known, options, own), options)
    return pd.DataFrame.from_dict(rows, orient="index")


def day_tracks(recording: Recording) -> dict[pd.Timestamp, list[np.ndarray]]:
    """Day -> points (N, 2) of each of its tracks with two points or more."""
    starts = np.flatnonzero(np.diff(recording.track_number, prepend=-1))
    tracks = np.split(recording.points[["x", "y"]].to_numpy(np.float64), starts[1:])
    found: dict[pd.Timestamp, list[np.ndarray]] = {each: [] for each in recording.days}
    for day, track in zip(recording.days[recording.day_number[starts]], tracks):
        if len(track) > 1:
            found[day].append(track)
    return found


def learn(tracks: Sequence[np.ndarray], options: Options, rows: Sequence[np.ndarray] | None = None) -> Lines:
    """Lines of past tracks, (N, 2) each, and the statistics of distances; `rows` as in `traclus`."""
    lines = traclus(tracks, compat=options.released_lines, rows=rows).lines
    if not lines:  # no clusters: the track nearest to all others
        lines = [tracks[int(distances(tracks, tracks).sum(0).argmin())]]
    if options.released_scores:
        lines = [np.trunc(line) for line in lines]
    between = distances(tracks, lines, prefix=options.released_scores)  # (N, J)
    sums, count = between.sum(0), len(tracks)
    if options.released_scores:
        sums, count = np.cumsum(sums), sum(map(len, tracks))
    rate = count / np.maximum(sums, 1e-9)
    return Lines(tuple(lines), rate, (-rate * between).min(0))


def distances(tracks: Sequence[np.ndarray], lines: Sequence[np.ndarray], *, prefix: bool = False) -> np.ndarray:
    """(N, J) in square pixels: one-way Chamfer distance of each track (M, 2) from each line (P, 2), by squared city
    blocks; with `prefix` each point has the least of its own distance and those of the points before it, as released.
    """
    points, sizes = np.concatenate(tracks), np.array([len(track) for track in tracks])
    starts = np.cumsum(sizes) - sizes
    found = np.empty((len(tracks), len(lines)))
    for column, line in enumerate(lines):
        nearest = np.abs(points[:, None] - line).sum(-1).min(1) ** 2
        if prefix:  # the least so far within each track
            nearest = np.concatenate([np.minimum.accumulate(part) for part in np.split(nearest, starts[1:])])
        found[:, column] = np.add.reduceat(nearest, starts) / sizes
    return found


def _score(tracks: Sequence[np.ndarray], known: Lines, options: Options) -> dict[str, float]:
    if not tracks:
        nothing = dict.fromkeys(("unlikely", "unlikely_nearest", "ratio"), np.nan)
        return {**nothing, "anomalous": 0, "tracks": 0, "lines": len(known.lines)}
    between = distances(tracks, known.lines, prefix=options.released_scores)
    log = -known.rate * between  # natural logarithm of the likelihood
    least, lowest = log.min(1), known.lowest[log.argmax(1)]
    anomalous = (least < lowest) & (between.min(1) > options.far)
    return {
        "unlikely": float(1 - np.exp(least).mean()),
        "unlikely_nearest": float(1 - np.exp(log.max(1)).mean()),
        "ratio": float((lowest - least).mean() / np.log(10)),
        "anomalous": int(anomalous.sum()),
        "tracks": len(tracks),
        "lines": len(known.lines),
    }
