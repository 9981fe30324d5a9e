"""Days that differ from the forecast by the days before them: series of volumes and of the pools' fractions.

Missing days are missing, never zero: the state-space model steps over them, and the decomposition fills gaps of up to
`FILLED` days and restarts after longer ones.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from common.core.errors import InputError

from .calls import compared, spread
from .maps import POOL, Grid, day_pools, volumes
from .recording import Recording

WEEK = 7
LIVE = 1e-3
"""Least fraction of all points in a pool that is a series; in others a single track would be an event."""
FILLED = 3
BURN_IN = 60
"""Recorded days by which the model's variances are estimated; days up to then are not scored."""


def series(recording: Recording, pool: int = POOL) -> pd.DataFrame:
    """A row for each day of the calendar, nan where nothing was recorded: log(1 + tracks), log(1 + points), and the
    fraction of the day's points in each pool that has `LIVE` of all points; `pool` is a pool's side in pixels.
    """
    counts, pools = volumes(recording), day_pools(recording, Grid(recording.size, pool))
    live = pools.sum() >= LIVE * pools.to_numpy().sum()
    fractions = pools.div(pools.sum(axis=1).replace(0, np.nan), axis=0).loc[:, live]
    return counts.apply(np.log1p).join(fractions).reindex(recording.calendar)


def counts_of(logarithms: pd.DataFrame) -> pd.DataFrame:
    """Counts, at least 0, of log(1 + counts)."""
    return logarithms.apply(np.expm1).clip(lower=0)


def decompose(values: pd.Series, period: int = WEEK) -> pd.DataFrame:
    """Trend, season of `period` days and rest of a series, days of the calendar with nan in gaps, by robust STL
    (Cleveland et al. 1990); nan in gaps and in stretches shorter than two periods.
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
    """Forecasts of each day by the days before it (D,), nan in the burn-in; their errors (D,), value minus expectation;
    and the days `ahead`, with columns expected, low, high.
    """

    expected: pd.Series
    error: pd.Series
    ahead: pd.DataFrame


def forecast(
    values: pd.Series, *, weekly: bool = True, burn_in: int = BURN_IN, days: int = 7, level: float = 0.9
) -> Forecast:
    """One-step-ahead forecasts of a state-space model: a level that drifts, and a week that drifts slowly.

    Its variances are estimated on the burn-in alone; each later day is forecast from the days before it.

    Args:
        values: of days of the calendar, nan in gaps.
        weekly: with the weekly term, which learns a market each Wednesday; without it, the market stands out.
        burn_in: see `BURN_IN`.
        days: number of days to predict after the last, 1 or more.
        level: probability that a predicted day lies from low to high, in (0, 1).

    Raises:
        InputError: days or level out of range (code "range"), or no more recorded days than the burn-in ("count").
    """
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    if days < 1:
        raise InputError("days is out of range.", code="range", expected="1 or more", actual=days)
    if not 0 < level < 1:
        raise InputError("level is out of range.", code="range", expected="in (0, 1)", actual=level)
    recorded = np.flatnonzero(values.notna().to_numpy())
    if len(recorded) <= burn_in:
        needed = f"more than {burn_in}"
        raise InputError("Too few recorded days for a forecast.", code="count", expected=needed, actual=len(recorded))
    end = recorded[burn_in - 1] + 1
    own = values.asfreq("D")
    options = {"level": "local level", "seasonal": WEEK if weekly else None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # variances at their bounds
        start: Any = UnobservedComponents(own.iloc[:end], **options).fit(disp=False)
        found: Any = UnobservedComponents(own, **options).filter(start.params)
        future = found.get_forecast(days)
    expected = pd.Series(found.forecasts[0], own.index)
    expected.iloc[:end] = np.nan
    bounds = future.conf_int(alpha=1 - level)
    ahead = pd.DataFrame({"expected": future.predicted_mean, "low": bounds.iloc[:, 0], "high": bounds.iloc[:, 1]})
    return Forecast(expected, own - expected, ahead)


def score_days(table: pd.DataFrame, *, weekly: bool = True, progress: bool = True) -> pd.DataFrame:
    """How far each recorded day is from its forecast, in robust deviations of the errors before it.

    A column for each series of `series`, and "shares", the mean of those of pools; nan in the burn-in.
    """
    made = {}
    for name in tqdm(table.columns, desc="Time series", unit="series", disable=not progress):
        made[name] = unusual(forecast(table[name], weekly=weekly).error)
    scores = pd.DataFrame(made)[table.notna().any(axis=1)]
    return scores.assign(shares=scores.drop(columns=["tracks", "points"]).mean(axis=1))


def score_rest(table: pd.DataFrame) -> pd.DataFrame:
    """How far each recorded day's rest, after trend and season of `decompose`, is from 0, in robust deviations of all
    days, later ones included.

    A column for each series of `series`, nan in stretches that are too short.
    """
    rest = {name: decompose(table[name])["rest"] for name in table.columns}
    made = pd.DataFrame({name: values.abs() / max(spread(values.to_numpy()), 1e-9) for name, values in rest.items()})
    return made[table.notna().any(axis=1)]


def unusual(errors: pd.Series) -> pd.Series:
    """|error| in robust deviations of all errors before it, at least a tenth of their standard deviation (most errors
    may be 0); nan for the first ones.
    """
    return compared(errors, lambda past, error: abs(error) / max(spread(past), 0.1 * past.std(), 1e-9))


def _stretches(chosen: np.ndarray) -> list[np.ndarray]:
    """Rows of a mask that are true and follow each other."""
    rows = np.flatnonzero(chosen)
    return [part for part in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(part)]
