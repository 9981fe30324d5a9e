"""Maps count every point once, wherever they are pooled and grouped; goldens of LOST's camera 001."""

from __future__ import annotations

import lost
import numpy as np
import pandas as pd
import pytest
import square
from refusals import refused

from common.core.errors import InputError
from surveillance.days import cluster_days
from surveillance.maps import (
    GROUPS,
    Grid,
    day_pools,
    flows,
    heatmap,
    heatmaps,
    shown,
    speeds,
    volumes,
)
from surveillance.reading import read_tracks
from surveillance.recording import Recording, tidy
from surveillance.shares import location_shares


def recorded(rows: list[tuple], size=(320, 240), fps=None) -> Recording:
    """Of rows of day of January, track, frame, x, y."""
    table = pd.DataFrame(rows, columns=["day", "track", "frame", "x", "y"]).astype({"x": float, "y": float})
    parts = [(pd.Timestamp(2012, 1, day), own.drop(columns="day")) for day, own in table.groupby("day")]
    return Recording(tidy(parts), size, fps, "made")


@pytest.fixture(scope="module")
def crossing(tmp_path_factory):
    return read_tracks(square.write(tmp_path_factory.mktemp("maps"), square.weeks(3)), progress=False)


def test_pixels_are_counted_in_the_order_of_images():
    made = recorded([(1, 1, 0, 5, 7), (1, 1, 1, 5, 7), (1, 2, 0, 320, 240), (1, 2, 1, 400, 3), (1, 2, 2, 3, -1)])
    counts = heatmap(made)
    assert counts.shape == (240, 320)
    assert (counts[7, 5], counts[239, 319], counts.sum()) == (2, 1, 3)


def test_pools_are_sums_of_the_heatmap(crossing):
    sums = day_pools(crossing)
    assert np.array_equal(sums.sum().to_numpy().reshape(3, 4), heatmap(crossing).reshape(3, 80, 4, 80).sum((1, 3)))
    assert np.array_equal(sums.sum(axis=1), volumes(crossing)["points"])
    assert Grid((650, 470)).shape == (6, 9)
    with refused(InputError, "range", actual=0):
        Grid((320, 240), 0)


@pytest.mark.parametrize("by", GROUPS)
def test_groups_share_all_points(crossing, by):
    maps = heatmaps(crossing, by)
    assert np.array_equal(sum(maps.values()), heatmap(crossing))
    if by == "weekday":
        assert list(maps)[:2] == ["Monday", "Tuesday"]
        rows = crossing.points["day"].dt.day_of_week.to_numpy() == 0
        assert maps["Monday"].sum() == rows.sum()
    with refused(InputError, "unknown", actual="moon"):
        heatmaps(crossing, "moon")


def test_what_is_shown_is_blurred_and_laid_in_logarithms():
    counts = np.zeros((9, 9))
    counts[4, 4] = 99
    assert shown(counts, log=True)[4, 4] == pytest.approx(2)
    soft = shown(counts, blur=1)
    assert soft.sum() == pytest.approx(99)
    assert 0 < soft[4, 6] < soft[4, 4] < 99


def test_doubling_all_tracks_leaves_shares_as_they_are(crossing):
    points = crossing.points
    twice = pd.concat([points, points.assign(track=points["track"] + 1000)]).sort_values(["day", "track", "frame"])
    doubled = Recording(twice, crossing.size)
    assert np.array_equal(day_pools(doubled), 2 * day_pools(crossing))
    assert np.array_equal(location_shares(day_pools(doubled)), location_shares(day_pools(crossing)))
    assert np.array_equal(volumes(doubled)["tracks"], 2 * volumes(crossing)["tracks"])


def test_flows_have_their_direction_and_speed():
    rows = [(1, 1, frame, 10 + 3 * frame, 100 + 4 * frame) for frame in range(10)]
    rows += [(1, 2, frame, 200, 200) for frame in (0, 5)]
    found = flows(recorded(rows, fps=10.0)).loc["r1c0"]
    assert (found["steps"], found["right"], found["down"], found["speed"]) == pytest.approx((9, 30, 40, 50))
    assert sorted(speeds(recorded(rows, fps=10.0))) == pytest.approx([0, 50])
    assert sorted(speeds(recorded(rows))) == pytest.approx([0, 5]), "a frame, where no rate is known"
    back = [(1, 3, frame, 37 - 3 * frame, 136 - 4 * frame) for frame in range(10)]
    both = flows(recorded(rows + back)).loc["r1c0"]
    assert both["speed"] == pytest.approx(5)
    assert np.hypot(both["right"], both["down"]) < 0.5, "as many go back as forth"


def test_days_that_are_alike_make_a_cluster(crossing):
    found = cluster_days(location_shares(day_pools(crossing))).into(2)
    market = found.index.day_of_week == 2
    assert found[market].nunique() == 1
    assert found[~market].nunique() == 1
    with refused(InputError, "count", actual=1):
        cluster_days(day_pools(crossing).iloc[:1])


def test_pools_of_a_real_square():
    own = lost.recording()
    assert (len(own.points), len(own.days), own.size) == (1_347_550, 427, (640, 480))
    known = own.of(own.days.drop(pd.Timestamp("2012-01-12")))  # which lay in another folder when they were counted
    sums = day_pools(known)
    assert sums.sum().to_numpy().reshape(6, 8)[3:].tolist() == [
        [47570, 122032, 79111, 108863, 112737, 73415, 8289, 3759],
        [61082, 35809, 58318, 76766, 68351, 59786, 44947, 19710],
        [29927, 40872, 39611, 43405, 57655, 63916, 56222, 32068],
    ]
    first = sums.iloc[0].to_numpy().reshape(6, 8)
    assert first[3].tolist() == [0, 17, 27, 69, 69, 50, 4, 0]
    assert (first[4, 5], *first[5, 5:]) == (3, 2, 33, 12)
    assert not first[:3].any()


def test_days_of_a_real_year():
    tree = cluster_days(day_pools(lost.recording().between("2012-01-01", "2012-12-31")))
    assert len(tree.days) == 235
    highest = [9448.96, 5182.44, 4856.13, 3521.25, 3204.96, 2743.79]
    assert tree.tree[:-7:-1, 2] == pytest.approx(highest, abs=0.006)
    assert sorted(tree.cut(3000).value_counts()) == [5, 16, 21, 54, 62, 77]
    assert sorted(tree.into(2).value_counts()) == [42, 193]
