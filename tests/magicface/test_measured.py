"""Laws of requests that a measurement makes, on people whose expression is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from common.core.errors import FaceNotFoundError, InputError
from common.editing.verbs import units_of
from common.facs.action_units import ACTION_UNITS, to_vector
from common.synthetic.data.draw import draw_scene
from common.synthetic.render import picture
from magicface import neutralize, transfer

SMILE = list(ACTION_UNITS).index("AU12")


def person(seed: int, request: str) -> Image.Image:
    side = tuple(to_vector(request))
    scene = replace(draw_scene(seed, 2), units=(side, side), blink=(0.0, 0.0), angles=(0.0, 0.0, 0.0))
    return Image.fromarray(np.asarray(picture.make(scene, 160).image))


@pytest.fixture(scope="module")
def smiling():
    return person(5, "AU12=4,AU25=2")


@pytest.fixture(scope="module")
def calm():
    return person(9, "neutral")


def test_a_smile_goes(smiling):
    before, after = units_of(smiling), units_of(neutralize(smiling, engine="warp"))
    assert before[SMILE] > 2
    assert after[SMILE] < before[SMILE] / 2


def test_half_of_it_goes_half_way(smiling):
    before, half, whole = (
        units_of(each)[SMILE]
        for each in (smiling, neutralize(smiling, fraction=0.5, engine="warp"), neutralize(smiling, engine="warp"))
    )
    assert whole + 0.3 < half < before - 0.3


def test_a_smile_comes_from_another_person(smiling, calm):
    before, after = units_of(calm), units_of(transfer(calm, smiling, engine="warp"))
    assert after[SMILE] > before[SMILE] + 1.5


def test_nothing_to_change_is_the_photo(smiling):
    for same in (neutralize(smiling, fraction=0.0), transfer(smiling, smiling)):
        assert np.array_equal(same, smiling)
        assert same is not smiling


def test_what_is_wrong_is_refused(smiling):
    with pytest.raises(InputError, match="fraction"):
        neutralize(smiling, fraction=2)
    with pytest.raises(InputError, match="eyes"):
        neutralize(smiling, estimator="eyes")
    with pytest.raises(InputError):
        neutralize(smiling, face=0, estimator="fit")
    with pytest.raises(FaceNotFoundError):
        transfer(smiling, Image.new("RGB", (128, 128)))
