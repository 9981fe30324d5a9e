"""Laws of what is painted inside a mouth."""

from __future__ import annotations

import numpy as np

from common.warp.teeth import Jaws, painted

WIDTH = 100.0
X, Y = np.meshgrid(np.arange(-50.0, 51), np.arange(-40.0, 61))


def inside(drop: float, top: float = -10.0, bottom: float = 30.0) -> np.ndarray:
    x = np.linspace(-50, 50, 96)
    jaws = Jaws(x, np.full(96, 5.0), np.full(96, 4.0 + drop))
    return painted(jaws, WIDTH, X, Y, np.full_like(X, top), np.full_like(X, bottom))


def row(y: float) -> int:
    return int(y + 40)


def test_upper_teeth_stay_while_the_jaw_drops():
    near, far = inside(10), inside(22)
    upper = slice(row(-4), row(3))
    np.testing.assert_allclose(near[upper, 30:71], far[upper, 30:71], atol=1e-3)
    assert near[upper, 45:56].mean() > 0.3


def test_lower_teeth_go_with_the_jaw():
    def tips(drop: float) -> int:
        middle = inside(drop)[row(8) :, 43:48].mean((1, 2))
        return int(np.argmax(np.diff(middle)))

    assert abs(tips(20) - tips(10) - 10) <= 1


def test_between_the_rows_it_is_dark_and_red():
    found = inside(24)
    gap = found[row(7) : row(11), 20:81].reshape(-1, 3).mean(0)
    teeth = found[row(-4) : row(3), 45:56].reshape(-1, 3).mean(0)
    assert gap.mean() < 0.3 * teeth.mean()
    assert gap[0] > 1.5 * gap[2]


def test_a_wide_mouth_shows_the_tongue_and_a_narrow_one_does_not():
    wide, narrow = inside(34, bottom=50), inside(6, top=2, bottom=10)
    assert wide[row(24) : row(34), 45:56, 0].mean() > 2 * narrow[row(6) : row(9), 20:30, 2].mean()
    assert np.isfinite(wide).all()
    assert (wide >= 0).all()


def test_teeth_are_apart_and_in_the_lips_shade():
    found = inside(20)
    line = found[row(0), 50 - 12 : 50 + 13].mean(1)
    assert line[12] < 0.85 * line[6:9].max()  # between the incisors
    assert found[row(-9), 45].mean() < 0.7 * found[row(1), 45].mean()
