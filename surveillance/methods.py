"""All ways to tell unusual days, side by side. None has seen a label."""

from __future__ import annotations

import pandas as pd

from common.errors import InputError

from . import shares, timeseries, together, trajectories
from .evaluation import Method
from .maps import POOL, Grid, day_pools
from .recording import Recording

DEVIATIONS = 3.0
"""Robust deviations of a one-step-ahead error from which on a day's volume is called unusual."""
VOLUMES = ["tracks", "points"]


def methods(
    recording: Recording, pool: int = POOL, *, released: bool = False, progress: bool = True
) -> dict[str, Method]:
    """Name of each way -> its scores.

    Args:
        recording: see there.
        pool: side of the pools in pixels.
        released: trajectory scores with the faults of the released code too.
        progress: show bars.
    """
    ways = _trajectories(recording, released, progress)
    pools = day_pools(recording, Grid(recording.size, pool))
    places = _shares(pools, progress)
    found = {**ways, **_series(recording, pool, progress), **places}
    odd = together.odd_days(recording, pool)
    found["the weekday that it finds"] = Method(odd.astype(float), odd)
    names = "trajectories: unlikely", "trajectories, last days: unlikely", f"location shares: {together.DETECTOR}"
    if all(name in found for name in names):
        whole = together.combine([found[name].scores for name in names], odd)
        found["together"] = Method(whole["score"], whole["called"])
    return found


def _trajectories(recording: Recording, released: bool, progress: bool) -> dict[str, Method]:
    options = {
        "trajectories": trajectories.Options(),
        "trajectories, last days": trajectories.Options(weekly=False, window=together.DAYS),
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


def _shares(pools: pd.DataFrame, progress: bool) -> dict[str, Method]:
    if len(pools) <= shares.LEAST:
        return {}
    return {
        f"location shares: {name}": Method(shares.score_days(pools, name, progress=progress))
        for name in shares.DETECTORS
    }
