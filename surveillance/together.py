"""All that is known of a day, as one score: by trajectories, by location shares, and by the weekday.

Three scores look at different things: other ways than on the same weekday's last days, other ways than on the last days
whatever they were, and other places. Each is brought to its rank among the days before, and they are averaged. To that
comes the weekday of `days`, which same-weekday comparisons can never call unusual. All of it knows the past alone, and
no label. `methods` are all ways side by side; none has seen a label.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from common.core.errors import InputError

from . import shares, timeseries, trajectories
from .calls import SHARE, call, ranks
from .days import odd_weekdays
from .evaluation import Method
from .maps import POOL, Grid, day_pools, volumes
from .recording import Recording

DEVIATIONS = 3.0
"""Robust deviations of a one-step-ahead error from which on a day's volume is called unusual."""
VOLUMES = ["tracks", "points"]

DAYS = 7
"""Last days, whatever they were, that ways are compared with."""
DETECTOR = "local"


def score_days(recording: Recording, *, pool: int = POOL, share: float = SHARE, progress: bool = True) -> pd.DataFrame:
    """Scores of each recorded day, see `combine`, by pools of a side in pixels; `share` of days are taken to be
    unusual, those of the odd weekday not counted.
    """
    options = trajectories.Options(), trajectories.Options(weekly=False, window=DAYS)
    parts = [trajectories.score_days(recording, own, progress=progress)["unlikely"] for own in options]
    pools = day_pools(recording, Grid(recording.size, pool))
    parts.append(shares.score_days(pools, DETECTOR, progress=progress))
    return combine(parts, odd_days(recording, pool), share)


def odd_days(recording: Recording, pool: int = POOL) -> pd.Series:
    """True on recorded days of the weekday that the days before show to be odd; by pools of half the side, since what
    stands in the way on market days is small.
    """
    pools = day_pools(recording, Grid(recording.size, max(1, pool // 2)))
    return odd_weekdays(shares.location_shares(pools), volumes(recording)["points"])


def combine(parts: Sequence[pd.Series], odd: pd.Series, share: float = SHARE) -> pd.DataFrame:
    """Scores of days, larger is more unusual, and the odd days of `odd_days` as one.

    A row for each day of `odd`. Columns: "rank", the mean of the ranks of all parts, nan where one is missing; "odd";
    "score", their sum; "called", true where the day is odd, or its rank among the highest `share` of those before.
    """
    days = odd.index
    rank = pd.concat([ranks(part.reindex(days)) for part in parts], axis=1).mean(axis=1, skipna=False)
    return pd.DataFrame({"rank": rank, "odd": odd, "score": rank + odd, "called": odd | call(rank, share=share)})


def methods(
    recording: Recording, pool: int = POOL, *, released: bool = False, progress: bool = True
) -> dict[str, Method]:
    """Name of each way -> its scores, by pools of a side in pixels; `released` adds trajectory scores with the faults
    of the released code.
    """
    ways = _trajectories(recording, released, progress)
    pools = day_pools(recording, Grid(recording.size, pool))
    places: dict[str, Method] = {}
    if len(pools) > shares.LEAST:
        for name in shares.DETECTORS:
            places[f"location shares: {name}"] = Method(shares.score_days(pools, name, progress=progress))
    found = {**ways, **_series(recording, pool, progress), **places}
    odd = odd_days(recording, pool)
    found["the weekday that it finds"] = Method(odd.astype(float), odd)
    names = "trajectories: unlikely", "trajectories, last days: unlikely", f"location shares: {DETECTOR}"
    if all(name in found for name in names):
        whole = combine([found[name].scores for name in names], odd)
        found["together"] = Method(whole["score"], whole["called"])
    return found


def _trajectories(recording: Recording, released: bool, progress: bool) -> dict[str, Method]:
    options = {
        "trajectories": trajectories.Options(),
        "trajectories, last days": trajectories.Options(weekly=False, window=DAYS),
    }
    if released:
        options["trajectories, released lines"] = trajectories.Options(released_lines=True)
        options["trajectories, as released"] = trajectories.Options(released_lines=True, released_scores=True)
    found = {}
    for name, own in options.items():
        if trajectories.windows(recording.days, own):
            scores = trajectories.score_days(recording, own, progress=progress)
            for column in ("unlikely", "unlikely_nearest", "ratio", "anomalous"):
                found[f"{name}: {column.replace('_', ' ')}"] = Method(scores[column].astype(float))
    return found


def _series(recording: Recording, pool: int, progress: bool) -> dict[str, Method]:
    table, found = timeseries.series(recording, pool), {}
    places = [name for name in table if name not in VOLUMES]
    for weekly in (True, False):
        try:
            scores = timeseries.score_days(table, weekly=weekly, progress=progress)
        except InputError:  # a short recording has no burn-in
            continue
        word = "with" if weekly else "without"
        volume = scores["tracks"]
        found[f"state space {word} week: volume"] = Method(volume, volume > DEVIATIONS)
        found[f"state space {word} week: shares"] = Method(scores["shares_mean"])
    rest, note = timeseries.score_rest(table), "sees later days"
    if rest["tracks"].notna().any():
        found["seasonal decomposition: volume"] = Method(rest["tracks"], rest["tracks"] > DEVIATIONS, note)
        found["seasonal decomposition: shares"] = Method(rest[places].mean(axis=1), note=note)
    return found
