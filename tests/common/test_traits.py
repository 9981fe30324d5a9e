"""The reader of traits, on true pictures of people that it has not learned from."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.errors import FaceNotFoundError
from common.measure.traits import SIDE, TRAITS, TraitReader, head_square
from common.synthetic.data.draw import draw_scene
from common.synthetic.render import picture
from common.synthetic.scene.captions import true_traits

SEED, COUNT = 77, 24


@pytest.fixture(scope="module")
def reader():
    return TraitReader()


@pytest.mark.slow
def test_true_pictures_are_read_far_above_chance(reader):
    right = {name: [] for name in TRAITS}
    for index in range(COUNT):
        scene = draw_scene(SEED, index)
        try:
            found = reader(picture.make(scene, 128).image)
        except FaceNotFoundError:
            continue
        for name, value in true_traits(scene).items():
            assert found[name] in TRAITS[name]
            if value is not None:
                right[name].append(found[name] == value)
    assert {name: np.mean(values) >= 0.7 for name, values in right.items()} == dict.fromkeys(TRAITS, True)


def test_a_picture_without_a_face_is_told(reader):
    with pytest.raises(FaceNotFoundError):
        reader(np.full((96, 96, 3), 128, np.uint8))


def test_a_margin_shows_more_round_the_same_head():
    rng = np.random.default_rng(0)
    photo = np.kron(rng.integers(0, 256, (16, 16, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    landmarks = np.full((68, 2), 64.0)
    landmarks[36:42], landmarks[42:48], landmarks[33], landmarks[36], landmarks[45] = (
        (55, 60),
        (73, 60),
        (64, 72),
        (52, 60),
        (76, 60),
    )
    plain, wide = head_square(photo, landmarks), head_square(photo, landmarks, 4)
    assert plain.shape == (SIDE, SIDE, 3)
    assert wide.shape == (SIDE + 8, SIDE + 8, 3)
    assert np.abs(wide[4:-4, 4:-4].astype(int) - plain).mean() < 1
