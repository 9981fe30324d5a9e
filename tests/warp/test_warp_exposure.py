"""Odd exposures: teeth are no brighter than the face's light allows, grey stays grey, white does not burn out."""

from __future__ import annotations

import numpy as np
import pytest

from common.warp.warp import brightened
from magicface import MagicFace

TEETH = "AU6=3,AU12=4,AU25=4,AU26=2"


@pytest.fixture(scope="module")
def editor():
    return MagicFace.warping(detector="mediapipe")


@pytest.mark.parametrize("darker", [3, 8])
def test_nothing_painted_outshines_a_dark_photo(editor, photo, darker):
    dark = photo // darker
    after = np.asarray(editor.edit(editor.encode(dark), TEETH))
    assert (after != dark).any()
    assert after.max() <= 1.5 * dark.max()


def test_a_photo_without_colour_gets_none(editor, photo):
    grey = np.repeat(photo.mean(2, keepdims=True).astype(np.uint8), 3, 2)
    after = np.asarray(editor.edit(editor.encode(grey), TEETH))
    assert (after != grey).any()
    assert np.ptp(after, 2).max() == 0


def test_more_light_fills_up_to_white_and_less_is_a_product():
    values, gain = np.linspace(0, 255, 52, dtype=np.float32).reshape(1, -1, 1).repeat(3, 2), np.ones(3, np.float32)
    assert np.array_equal(brightened(values, gain), values)
    np.testing.assert_allclose(brightened(values, 0.5 * gain), 0.5 * values)
    lit = brightened(values, 3 * gain)[0, :, 0]
    assert (np.diff(lit) >= 0).all()
    assert lit.max() <= 255
    assert lit[1] == pytest.approx(3 * values[0, 1, 0], rel=0.05)
