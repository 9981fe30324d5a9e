"""One score of a day, by trajectories, by location shares, and by the weekday.

Three scores look at different things: other ways than on the same weekday's last days, other ways than on the last days
of any weekday, and other places. The mean of their ranks among the days before is combined with the odd weekday of
`days`, which comparisons within a weekday can never call unusual. Scores use the days before alone, and no label.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from common.core.errors import InputError

from . import shares, timeseries, trajectories
from .calls import FRACTION, call, ranks
from .days import odd_weekdays
from .evaluation import Method
from .maps import POOL, Grid, day_pools, volumes
from .recording import Recording

DEVIATIONS = 3.0
"""Robust deviations of a one-step-ahead error above which a day's volume is called unusual."""
WEEKLY, LAST = trajectories.Options(), trajectories.Options(weekly=False, window=7)
"""Ways are compared with the last days of the same weekday, and with the last days of any weekday."""
DETECTOR = "local"


def score_days(
    recording: Recording, *, pool: int = POOL, fraction: float = FRACTION, progress: bool = True
) -> pd.DataFrame:
    """Scores of each recorded day, see `combine`, by pools with this side in pixels."""
    parts = [trajectories.score_days(recording, own, progress=progress)["unlikely"] for own in (WEEKLY, LAST)]
    pools = day_pools(recording, Grid(recording.size, pool))
    parts.append(shares.score_days(pools, DETECTOR, progress=progress))
    return combine(parts, odd_days(recording, pool), fraction)


def odd_days(recording: Recording, pool: int = POOL) -> pd.Series:
    """True on recorded days of the weekday that the days before show to be odd; by pools of half the side, since market
    stalls are small.
    """
    pools = day_pools(recording, Grid(recording.size, max(1, pool // 2)))
    return odd_weekdays(shares.location_shares(pools), volumes(recording)["points"])


def combine(parts: Sequence[pd.Series], odd: pd.Series, fraction: float = FRACTION) -> pd.DataFrame:
    """Scores of days, larger is more unusual, combined with the odd days of `odd_days`.

    A row for each day of `odd`. Columns: "rank", the mean of the ranks of all parts, nan where one is missing; "odd";
    "score", their sum; "called", true where the day is odd, or its rank is in the highest `fraction` of those before.
    """
    rank = pd.concat([ranks(part.reindex(odd.index)) for part in parts], axis=1).mean(axis=1, skipna=False)
    called = odd | call(rank, fraction=fraction)
    return pd.DataFrame({"rank": rank, "odd": odd, "score": rank + odd, "called": called})


def methods(
    recording: Recording, pool: int = POOL, *, released: bool = False, progress: bool = True
) -> dict[str, Method]:
    """Name of each method -> its scores, by pools with this side in pixels; `released` adds trajectory scores with the
    faults of the released code.
    """
    pools, odd = day_pools(recording, Grid(recording.size, pool)), odd_days(recording, pool)
    found = {**_trajectories(recording, released, progress), **_series(recording, pool, progress)}
    if len(pools) > shares.LEAST:
        for name in shares.DETECTORS:
            found[f"location shares: {name}"] = Method(shares.score_days(pools, name, progress=progress))
    found["the weekday that it finds"] = Method(odd.astype(float), odd)
    names = "trajectories: unlikely", "trajectories, last days: unlikely", f"location shares: {DETECTOR}"
    if all(name in found for name in names):
        whole = combine([found[name].scores for name in names], odd)
        found["together"] = Method(whole["score"], whole["called"])
    return found


def _trajectories(recording: Recording, released: bool, progress: bool) -> dict[str, Method]:
    options = {"trajectories": WEEKLY, "trajectories, last days": LAST}
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
    for weekly in (True, False):
        try:
            scores = timeseries.score_days(table, weekly=weekly, progress=progress)
        except InputError:  # a short recording has no burn-in
            continue
        word = "with" if weekly else "without"
        found[f"state space {word} week: volume"] = Method(scores["tracks"], scores["tracks"] > DEVIATIONS)
        found[f"state space {word} week: shares"] = Method(scores["shares"])
    rest, note = timeseries.score_rest(table), "sees later days"
    if rest["tracks"].notna().any():
        found["seasonal decomposition: volume"] = Method(rest["tracks"], rest["tracks"] > DEVIATIONS, note)
        pools = rest.drop(columns=["tracks", "points"])
        found["seasonal decomposition: shares"] = Method(pools.mean(axis=1), note=note)
    return found
