from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from refusals import refused

from common.core.errors import InputError
from common.synthetic.backgrounds.background import BRIGHTEST, KINDS, background
from common.synthetic.scene.capture import to_srgb
from common.synthetic.scene.colours import NAMED
from common.synthetic.scene.factors import Background


def factors(kind: str, pattern: int = 3, blur: float = 0.004) -> Background:
    return Background(kind, NAMED["green"], NAMED["beige"], "green", blur, pattern)


def test_there_are_many_kinds():
    assert len(set(KINDS)) >= 12


@pytest.mark.parametrize("kind", KINDS)
def test_light_is_in_range_and_repeats(kind):
    picture = background(factors(kind), 96)
    assert picture.shape == (96, 96, 3)
    assert picture.dtype == np.float32
    assert picture.min() >= 0
    assert picture.max() <= BRIGHTEST
    assert 0.01 < picture.mean() < 1.2
    assert (picture == background(factors(kind), 96)).all()
    assert np.abs(picture - background(factors(kind, 4), 96)).mean() > 0.003


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pattern", [1, 2, 5])
def test_every_size_shows_the_same(kind, pattern):
    small = background(factors(kind, pattern), 128)
    for size in (256, 512):
        reduced = cv2.resize(background(factors(kind, pattern), size), (128, 128), interpolation=cv2.INTER_AREA)
        assert np.abs(to_srgb(small) - to_srgb(reduced)).mean() < 0.02


@pytest.mark.parametrize("kind", ["brick", "bookshelf", "wood", "clutter"])
def test_blur_removes_detail_and_keeps_light(kind):
    sharp, soft = (background(factors(kind, blur=blur), 128) for blur in (0.0, 0.04))
    assert np.abs(np.diff(soft, axis=1)).mean() < 0.6 * np.abs(np.diff(sharp, axis=1)).mean()
    assert np.allclose(sharp.mean((0, 1)), soft.mean((0, 1)), rtol=0.06)


@pytest.mark.parametrize("size", [8, 33, 100, 250])
def test_odd_sizes_work(size):
    for kind in KINDS:
        assert np.isfinite(background(factors(kind), size)).all()


def test_it_is_fast():
    background(factors("wall"), 128)
    for kind in KINDS:
        seconds = []
        for pattern in range(4):
            started = time.process_time()
            background(factors(kind, pattern), 128)
            seconds.append(time.process_time() - started)
        assert min(seconds) < 0.05, kind  # 0.008 on an idle core


def test_wrong_arguments_are_named():
    with refused(InputError, "unknown", expected=KINDS, actual="moon"):
        background(Background("moon"), 64)
    with refused(InputError, "range", actual=4):
        background(Background("wall"), 4)
