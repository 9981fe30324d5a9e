"""Days that differ from what the days before them let expect: series of volumes and of the pools' shares.

Missing days are missing, never zero: the state-space model steps over them, and the decomposition fills gaps of up to
`FILLED` days and begins anew after longer ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from common.core.errors import InputError

from .calls import spread
from .maps import POOL, Grid, day_pools, volumes
from .recording import Recording

WEEK = 7
LIVE = 1e-3
"""Share of all points from which on a pool is a series; in others a single track would be an event."""
FILLED = 3
BURN_IN = 60
"""Recorded days by which the model's variances are estimated; days up to then are not scored."""


def series(recording: Recording, pool: int = POOL) -> pd.DataFrame:
    """A row for each day of the calendar, nan where nothing was recorded: log(1 + tracks), log(1 + points), and the
    share of the day's points in each pool (of that side, in pixels) that has `LIVE` of all points.
    """
    counts, pools = volumes(recording), day_pools(recording, Grid(recording.size, pool))
    live = pools.sum() >= LIVE * pools.to_numpy().sum()
    shares = pools.div(pools.sum(axis=1).replace(0, np.nan), axis=0).loc[:, live]
    return counts.apply(np.log1p).join(shares).reindex(recording.calendar)


def counts_of(logarithms: pd.DataFrame) -> pd.DataFrame:
    """Counts, none below 0, of log(1 + counts)."""
    return logarithms.apply(np.expm1).clip(lower=0)


def decompose(values: pd.Series, period: int = WEEK) -> pd.DataFrame:
    """Trend, season of `period` days and rest of a series, days of the calendar with nan in gaps, by robust STL
    (Cleveland et al. 1990); nan in gaps and in stretches of less than two periods.
    """
    from statsmodels.tsa.seasonal import STL

    filled = values.interpolate(limit=FILLED, limit_area="inside")
    for rows in _stretches(values.isna().to_numpy()):
        if len(rows) > FILLED:
            filled.iloc[rows] = np.nan
    made = pd.DataFrame(np.nan, index=values.index, columns=["trend", "season", "rest"])
    for rows in _stretches(filled.notna().to_numpy()):
        if len(rows) >= 2 * period:
            found = STL(filled.iloc[rows].to_numpy(), period=period, robust=True).fit()
            made.iloc[rows] = np.stack([found.trend, found.seasonal, found.resid], 1)
    made.loc[values.isna(), "rest"] = np.nan
    return made


@dataclass(frozen=True, eq=False)
class Forecast:
    """What was expected of each day by those before it.

    Attributes:
        expected: (D,) nan in the burn-in.
        deviation: (D,) of the expectation.
        error: (D,) what came, minus that; nan where nothing came.
        ahead: of the days after the last one: columns expected, low, high.
    """

    expected: pd.Series
    deviation: pd.Series
    error: pd.Series
    ahead: pd.DataFrame


def forecast(
    values: pd.Series, *, weekly: bool = True, burn_in: int = BURN_IN, days: int = 7, level: float = 0.9
) -> Forecast:
    """One-step-ahead expectations of a state-space model: a level that drifts, and a week that drifts slowly.

    Its variances are estimated on the burn-in alone; from then on each day is expected by the days before it.

    Args:
        values: of days of the calendar, nan where there are none.
        weekly: with the weekly term. A market each Wednesday is what it learns first; without it, it stands out.
        burn_in: see `BURN_IN`.
        days: to predict after the last.
        level: probability that a predicted day lies from low to high.

    Raises:
        InputError: fewer recorded days than the burn-in, no days to come, or a level out of range.
    """
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    if days < 1:
        raise InputError(f"Expected one day to come or more; got {days}.")
    if not 0 < level < 1:
        raise InputError(f"level must lie in (0, 1); got {level}.")
    there = np.flatnonzero(values.notna().to_numpy())
    if len(there) <= burn_in:
        raise InputError(f"The model needs more than {burn_in} recorded days; there are {len(there)}.")
    own = values.asfreq("D")
    options = {"level": "local level", "seasonal": WEEK if weekly else None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of variances at their bounds, which are what they are
        start: Any = UnobservedComponents(own.iloc[: there[burn_in - 1] + 1], **options).fit(disp=False)
        found: Any = UnobservedComponents(own, **options).filter(start.params)
        future = found.get_forecast(days)
    expected = pd.Series(found.forecasts[0], own.index)
    deviation = pd.Series(np.sqrt(found.filter_results.forecasts_error_cov[0, 0]), own.index)
    early = own.index[: there[burn_in - 1] + 1]
    expected[early] = deviation[early] = np.nan
    bounds = future.conf_int(alpha=1 - level)
    ahead = pd.DataFrame({"expected": future.predicted_mean, "low": bounds.iloc[:, 0], "high": bounds.iloc[:, 1]})
    return Forecast(expected, deviation, own - expected, ahead)


def score_days(
    table: pd.DataFrame, columns: Sequence[str] | None = None, *, weekly: bool = True, progress: bool = True
) -> pd.DataFrame:
    """How far each recorded day is from what was expected, in robust deviations of the errors before it, of all columns
    of `series` or some.

    A column for each series, and "shares_mean" and "shares_max" over those of pools; days of the burn-in are nan.
    """
    chosen = list(table.columns if columns is None else columns)
    made = {}
    for name in tqdm(chosen, desc="Time series", unit="series", disable=not progress):
        made[name] = unusual(forecast(table[name], weekly=weekly).error)
    scores = pd.DataFrame(made)[table[chosen].notna().any(axis=1)]
    pools = [name for name in chosen if name not in ("tracks", "points")]
    if pools:
        scores["shares_mean"], scores["shares_max"] = scores[pools].mean(axis=1), scores[pools].max(axis=1)
    return scores


def score_rest(table: pd.DataFrame, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """How far each recorded day's rest, after trend and season of `decompose`, is from 0, in robust deviations of all;
    it sees later days, and is for looking back.

    A column for each series of `series`, or for some, nan in stretches that are too short.
    """
    rest = {name: decompose(table[name])["rest"] for name in (table.columns if columns is None else columns)}
    made = pd.DataFrame({name: values.abs() / max(spread(values.to_numpy()), 1e-9) for name, values in rest.items()})
    return made[table.notna().any(axis=1)]


def unusual(errors: pd.Series, least: int = 14) -> pd.Series:
    """|error| in robust deviations of all errors before it, of which each is a tenth of the standard deviation at least
    (most errors may be 0); nan for the first ones.
    """
    values = errors.to_numpy(float)
    found = np.full(len(values), np.nan)
    for row in range(len(values)):
        past = values[:row][np.isfinite(values[:row])]
        if len(past) >= least and np.isfinite(values[row]):
            found[row] = abs(values[row]) / max(spread(past), 0.1 * past.std(), 1e-9)
    return pd.Series(found, errors.index)


def _stretches(there: np.ndarray) -> list[np.ndarray]:
    """Rows that are there and follow each other."""
    rows = np.flatnonzero(there)
    return [part for part in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(part)]
