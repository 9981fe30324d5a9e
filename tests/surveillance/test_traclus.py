"""TraClus: distances and cuts on lines that one can draw; ten released results to 1e-6."""

from __future__ import annotations

from pathlib import Path

import lost
import numpy as np
import pytest
from refusals import refused

from common.core.errors import InputError
from surveillance.traclus import (
    Choice,
    angular,
    choose,
    corners,
    distance,
    distances,
    group,
    parallel,
    perpendicular,
    traclus,
)

NAMES = ("Day_6_0", "Day_6_2", "Day_6_3", *(f"{number}_cluster" for number in range(7)))


def at(*points) -> list[np.ndarray]:
    return [np.array(point, float) for point in points]


def test_distances_of_segments():
    line = at((0, 0), (10, 0))
    assert perpendicular(*line, *at((2, 3), (8, 3))) == 3
    assert perpendicular(*line, *at((2, 0), (8, 0))) == 0
    assert perpendicular(*line, *at((2, 1), (8, 3))) == pytest.approx(10 / 4)
    assert parallel(*line, *at((12, 1), (15, 1))) == pytest.approx(2)
    assert parallel(*line, *at((1, 1), (8, 1))) == pytest.approx(1)
    assert angular(*line, *at((0, 0), (3, 4))) == pytest.approx(4)
    assert angular(*line, *at((3, 0), (0, 4))) == pytest.approx(5), "all of it, beyond 90 degrees"
    assert angular(*line, *at((3, 0), (0, 4)), blind=True) == pytest.approx(4)
    assert angular(*line, *at((5, 1), (5, 1))) == 0


def test_distance_does_not_ask_which_comes_first():
    rng = np.random.default_rng(0)
    one, two, three, four = rng.uniform(0, 100, (4, 50, 2))
    assert np.allclose(distance(one, two, three, four), distance(three, four, one, two))
    matrix = distances(one, two)
    assert np.array_equal(matrix, matrix.T)
    assert not matrix.diagonal().any()
    assert np.isfinite(distance(one, one, three, three)).all(), "points without length"


def test_tracks_are_cut_where_they_turn():
    straight = np.stack([np.arange(0, 200, 5), np.zeros(40)], 1)
    corner = np.concatenate([straight, np.stack([np.full(39, 195), np.arange(5, 200, 5)], 1)])
    one, two = corners([straight, corner])
    assert one.tolist() == [0, 39]
    assert len(two) == 3
    assert 39 <= two[1] <= 43, "a cut must pay"
    alone = corners([corner])[0]
    assert np.array_equal(alone, two), "tracks do not know of each other"


def bundle(count: int, turned: bool = False) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    xy = np.stack([np.arange(0, 300, 6), np.full(50, 100)], 1)
    return [(xy[::-1] if turned and number % 2 else xy) + rng.normal(0, 2, (1, 2)) for number in range(count)]


def test_tracks_that_run_together_have_one_line():
    found = traclus(bundle(12))
    (line,) = found.lines
    assert np.abs(line[:, 1] - 100).max() < 3
    assert line[-1, 0] - line[0, 0] > 200
    assert found.tracks == [list(range(12))]


def test_forth_and_back_are_two_unless_it_is_blind():
    tracks = bundle(16, turned=True)
    assert len(traclus(tracks).lines) == 2
    blind = traclus(tracks, compat=True)
    assert len(blind.lines) <= 1


def test_a_cluster_needs_tracks_enough():
    near = np.zeros((6, 6))
    choice = Choice(1.0, 3, np.array([1.0]), np.array([0.0]))
    assert len(group(near, np.array([0, 0, 0, 1, 1, 1]), choice)) == 0
    assert len(group(near, np.array([0, 0, 1, 1, 2, 2]), choice)) == 1


def test_parameters_are_where_neighbours_differ_most():
    places = np.array([0, 1, 2, 3, 50, 90, 130.0])
    choice = choose(np.abs(places[:, None] - places), range(1, 200, 7))
    assert choice.entropy.argmin() == list(choice.tried).index(choice.eps)
    assert choice.entropy.max() <= np.log2(7) + 1e-9


def test_what_cannot_be_grouped_is_refused():
    with refused(InputError, "shape"):
        traclus([np.zeros((1, 2))])
    with refused(InputError, "empty"):
        traclus([np.array([[0, 0], [3, 3]], float)])


def read(path: Path) -> list[np.ndarray]:
    """The program's own input: id, number of points, x y x y ..."""
    lines = path.read_text().splitlines()
    values = [np.array(line.split(), float) for line in lines[2 : 2 + int(lines[1])]]
    return [row[2 : 2 + 2 * int(row[1])].reshape(-1, 2) for row in values]


@pytest.mark.parametrize("name", NAMES)
def test_released_results_are_met(name):
    tracks = read(lost.path("traclus", f"{name}.tra"))
    lines = lost.path("traclus", f"{name}.txt").read_text().splitlines()
    found = traclus(tracks, compat=True)
    assert lines[0].split() == [f"epsParam:{found.choice.eps}", f"minLnsParam:{found.choice.least}"]
    stored = [np.array(lines[row + 1].split(), float).reshape(-1, 2)
              for row, line in enumerate(lines) if line.startswith("clusterID")]  # fmt: skip
    assert len(stored) == len(found.lines)
    for own, other in zip(found.lines, stored):
        assert own.shape == other.shape
        assert np.abs(own - other).max() < 1e-6
    members = [len(lines[row + 1].split()) for row, line in enumerate(lines) if line.startswith("trajectoryID")]
    assert [len(own) for own in found.tracks] == members
