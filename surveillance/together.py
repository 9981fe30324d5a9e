"""All that is known of a day, as one score: by trajectories, by location shares, and by the weekday.

Three scores look at different things: other ways than on the same weekday's last days, other ways than on the last days
whatever they were, and other places. Each is brought to its rank among the days before, and they are averaged. To that
comes the weekday of `weekdays`, which same-weekday comparisons can never call unusual. All of it knows the past alone,
and no label.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from . import shares, trajectories
from .calls import SHARE, call, ranks
from .maps import POOL, Grid, day_pools, volumes
from .recording import Recording
from .weekdays import odd_weekdays

DAYS = 7
"""Last days, whatever they were, that ways are compared with."""
DETECTOR = "local"


def score_days(recording: Recording, *, pool: int = POOL, share: float = SHARE, progress: bool = True) -> pd.DataFrame:
    """Scores of each recorded day; see `combine`.

    Args:
        recording: see there.
        pool: side of the pools in pixels.
        share: of days that are taken to be unusual, those of the odd weekday not counted.
        progress: show bars.
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
    """Scores as one.

    Args:
        parts: scores of days, larger is more unusual.
        odd: of `odd_days`.
        share: see `score_days`.

    Returns:
        A row for each day of `odd`. Columns: "rank", the mean of the ranks of all parts, nan where one is missing;
        "odd"; "score", their sum; "called", true where the day is odd, or its rank among the highest `share` of those
        before.
    """
    days = odd.index
    rank = pd.concat([ranks(part.reindex(days)) for part in parts], axis=1).mean(axis=1, skipna=False)
    return pd.DataFrame({"rank": rank, "odd": odd, "score": rank + odd, "called": odd | call(rank, share=share)})
