from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from common.core.errors import ShapeError
from common.synthetic.scene.capture import MID_GREY, balance, capture, to_linear, to_srgb, tone
from common.synthetic.scene.factors import Capture

GREY = np.full((64, 64, 3), MID_GREY, np.float32)


def ramp(size: int = 64) -> np.ndarray:
    return np.repeat(np.linspace(0, 1.2, size, dtype=np.float32)[None, :, None], size, 0).repeat(3, 2)


def test_srgb_and_light_are_inverses():
    values = np.linspace(0, 1, 256)
    assert np.allclose(to_srgb(to_linear(values)), values, atol=1e-9)
    assert to_linear(np.array(0.5)) == pytest.approx(0.21404, abs=1e-5)
    assert np.allclose(to_srgb(np.array([-1.0, 2.0])), [0, 1])


def test_dark_light_is_kept_and_bright_light_is_rolled_off():
    light = np.linspace(0, 20, 2000)
    found = tone(light)
    assert (np.diff(found) >= 0).all()
    assert np.allclose(found[light <= 0.5], light[light <= 0.5])
    assert found.max() <= 1
    assert tone(np.array(1.0)) < 1
    slope = np.diff(tone(np.array([0.499, 0.5, 0.501])))
    assert slope[0] == pytest.approx(slope[1], rel=0.01)


def test_contrast_turns_about_mid_grey():
    low, middle, high = tone(np.array([0.05, MID_GREY, 0.4]), 1.2) - tone(np.array([0.05, MID_GREY, 0.4]))
    assert low < 0 < high
    assert middle == pytest.approx(0)


def test_a_plain_camera_is_the_tone_curve():
    expected = np.rint(to_srgb(tone(ramp())) * 255).astype(np.uint8)
    assert (capture(ramp(), Capture()) == expected).all()


@given(st.floats(-2, 2))
def test_a_stop_doubles_the_light(stops):
    assert (capture(ramp(16), Capture(exposure=stops)) == capture(ramp(16) * np.float32(2**stops), Capture())).all()


def test_warmth_is_yellowish_and_keeps_luminance():
    warm, cold = (capture(GREY, Capture(warmth=value))[0, 0].astype(int) for value in (1, -1))
    assert warm[0] > warm[2] + 20
    assert cold[2] > cold[0] + 20
    assert balance(0.7) @ [0.2126, 0.7152, 0.0722] == pytest.approx(1, abs=1e-6)


def test_vignette_darkens_corners_by_its_strength():
    shares = to_linear(capture(GREY, Capture(vignette=0.5)) / 255) / MID_GREY
    assert shares[32, 32] == pytest.approx(1, abs=0.03)
    assert shares[0, 0] == pytest.approx(0.5, abs=0.05)
    assert shares[32, 0].mean() > shares[0, 0].mean()


@pytest.mark.parametrize("size", [64, 128, 256])
def test_blur_grows_with_the_picture(size):
    edge = np.zeros((size, size, 3), np.float32)
    edge[:, size // 2 :] = 0.4
    profile = to_linear(capture(edge, Capture(blur=4)) / 255)[size // 2, :, 0] / 0.4
    width = np.interp([0.159, 0.841], profile, np.arange(size) / size)
    assert np.diff(width)[0] == pytest.approx(2 * 4 / 256, rel=0.15)


@pytest.mark.parametrize("noise", [1.0, 3.0, 6.0])
@pytest.mark.parametrize("contrast", [0.85, 1.2])
def test_noise_has_its_deviation_at_mid_grey(noise, contrast):
    picture = capture(np.full((256, 256, 3), MID_GREY, np.float32), Capture(noise=noise, contrast=contrast))
    assert picture.std() == pytest.approx(np.hypot(noise, 0.29), rel=0.05)
    assert picture.mean() == pytest.approx(117.6, abs=1)


def test_noise_repeats_and_follows_its_pattern():
    assert (capture(GREY, Capture(noise=3, pattern=5)) == capture(GREY, Capture(noise=3, pattern=5))).all()
    assert (capture(GREY, Capture(noise=3, pattern=5)) != capture(GREY, Capture(noise=3, pattern=6))).any()


def test_light_adds_shot_noise():
    dark, bright = (np.full((128, 128, 3), value, np.float32) for value in (0.02, 0.45))
    spread = [to_linear(capture(value, Capture(noise=3)) / 255).std() for value in (dark, bright)]
    assert spread[1] > 1.5 * spread[0]


def test_jpeg_loses_little():
    plain = capture(ramp(), Capture())
    for quality, most in ((95, 2.5), (40, 8)):
        packed = capture(ramp(), Capture(jpeg=quality))
        assert 0 < np.abs(packed.astype(int) - plain).mean() < most
    red = np.zeros((32, 32, 3), np.float32)
    red[..., 0] = 0.4
    assert (capture(red, Capture(jpeg=90))[..., 0] > 100).all()


def test_wrong_shapes_are_named():
    with refused(ShapeError, name="linear", actual=(4, 4)):
        capture(np.zeros((4, 4), np.float32), Capture())
