"""Laws of light in warps: what was fitted is physical, and no colour changes unless the light does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from breadth import breadth
from hypothesis import given
from hypothesis import strategies as st

from common.face3d.rendering.lighting import ambient, brightness, directional, physical, shade, spread
from common.facs.action_units import ACTION_UNITS
from common.warp.delta import Change, both_sides
from common.warp.surface import _gain, surface
from common.warp.warp import Warp
from rigface import Light, RigEdit, RigFace

FRONT = spread(500).float()
FRONT = FRONT[FRONT[:, 2] > 0][None]
BAD = {
    "ambient a little below 0": (0, slice(None), -0.1),
    "ambient far below 0": (0, slice(None), -3.5),
    "one colour far below 0": (0, 2, -3.5),
    "hardly any blue": (0, 2, 0.083),
    "a lamp of one colour": (slice(1, 4), 0, -4.0),
}


def with_light(warp: Warp, light: torch.Tensor) -> Warp:
    return Warp(warp.photo, replace(warp.seen, fit=replace(warp.fit, light=light[None])))


def damaged(warp: Warp, name: str) -> torch.Tensor:
    harmonic, colour, value = BAD[name]
    light = warp.fit.light[0].clone()
    light[harmonic, colour] = value
    return light


def asked(warp: Warp, light: torch.Tensor | None = None, before: torch.Tensor | None = None, **units) -> Change:
    values = torch.tensor([float(units.get(name, 0)) for name in ACTION_UNITS])
    before = warp.light if before is None else before
    return Change(both_sides(values), torch.eye(3), before, before if light is None else light)


@given(st.integers(0, 2**31), st.floats(0.1, 5))
def test_any_light_becomes_physical(seed, strength):
    light = strength * torch.randn(9, 3, generator=torch.Generator().manual_seed(seed))
    mended = physical(light)
    assert mended.isfinite().all()
    assert (shade(FRONT, mended[None]) >= 0).all()
    assert (mended[0] > 0).all()
    assert torch.allclose(physical(mended), mended, atol=1e-5)


def test_a_physical_light_stays_and_a_mean_of_one_too():
    lamp = directional(torch.tensor([[1.0, 1, 1]]), torch.ones(1, 3)) + ambient(torch.full((1, 3), 0.4))
    assert torch.equal(physical(lamp), lamp)
    wild = lamp / brightness(lamp)[:, None]
    wild[0, 1] = -3
    wild /= brightness(wild)[:, None]
    torch.testing.assert_close(brightness(physical(wild)), torch.ones(1, 3), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", breadth(BAD, 2))
def test_no_light_breaks_an_edit(warp, name):
    bad = with_light(warp, damaged(warp, name))
    for change in (asked(bad, AU12=3, AU26=2), asked(bad, light=warp.light), asked(warp, light=damaged(warp, name))):
        drawn = surface(bad.seen, change)
        for gain in (drawn.gain, drawn.twin_gain):
            assert np.isfinite(gain).all()
            assert (gain > 0).all()
        bad(change)


@pytest.mark.parametrize("name", BAD)
def test_light_that_does_not_change_changes_nothing(warp, name):
    light = damaged(warp, name)
    for before in (light, physical(light)):
        drawn = surface(warp.seen, asked(warp, before=before))
        assert np.abs(drawn.gain - 1).max() < 0.02  # where nothing moves


@pytest.mark.parametrize("name", [None, *BAD])
def test_expressions_keep_the_colour_of_the_skin(warp, photo, face, name):
    own = warp if name is None else with_light(warp, damaged(warp, name))
    after = own(asked(own, AU12=3, AU6=2))
    x0, y0, x1, y1 = face.box.round().astype(int)
    # cheeks and forehead, where no mouth opens
    before, after = (each[y0 : (y0 + 2 * y1) // 3, x0:x1].reshape(-1, 3).astype(float) for each in (photo, after))
    shares = [each.sum(0) / each.sum() for each in (before, after)]
    assert np.abs(shares[1] - shares[0]).max() < 0.003


@given(st.integers(0, 2**31))
def test_any_two_lights_give_gains_that_are_finite_and_positive(seed):
    draw = torch.Generator().manual_seed(seed)
    lights = 3 * torch.randn(2, 9, 3, generator=draw)
    before, after = (shade(FRONT, light[None])[0].clamp_min(0.12) for light in lights)
    gain = _gain(before, after, lights)
    assert gain.isfinite().all()
    assert (gain > 0).all()


def test_a_coloured_lamp_colours_the_face(warp, photo, face):
    red = warp.light * torch.tensor([1.5, 0.8, 0.6])
    after = warp(asked(warp, light=red))
    x0, y0, x1, y1 = face.box.round().astype(int)
    before, after = (each[y0:y1, x0:x1].reshape(-1, 3).mean(0) for each in (photo, after))
    assert after[0] > before[0]
    assert after[2] < before[2]


@pytest.fixture(scope="module")
def lit(photo):
    """From requests to the face alone, (h, w, 3) float; of none, as the photo has it."""
    editor = RigFace.warping(detector="mediapipe", parser="grabcut")
    subject = editor.encode(photo)
    assert subject.face is not None
    x0, y0, x1, y1 = subject.face.box.round().astype(int)

    def made(request: RigEdit | None) -> np.ndarray:
        image = subject.photo if request is None else editor.edit(subject, request, progress=False)
        return np.asarray(image)[y0:y1, x0:x1].astype(float)

    return made


def test_lamps_from_either_side_differ_and_leave_the_colour_of_the_skin(lit):
    before, right, left = lit(None), lit(RigEdit(light=Light(60))), lit(RigEdit(light=Light(-60)))
    middle = before.shape[1] // 2
    balance = [each[:, middle:].mean() / each[:, :middle].mean() for each in (right, left)]
    assert balance[0] > 1.15 * balance[1]
    for after in (right, left):
        assert 0.75 < after.mean() / before.mean() < 1.2
        shares = [each.mean((0, 1)) / each.mean() for each in (before, after)]
        assert np.abs(shares[1] - shares[0]).max() < 0.02


def test_a_copied_light_brings_no_colour_along(lit, photo):
    green = np.rint(photo[:, ::-1] * np.array([0.7, 1.0, 0.75])).astype(np.uint8)
    before, after = lit(None), lit(RigEdit(target=green, copy="light"))
    shares = [each.mean((0, 1)) / each.mean() for each in (before, after)]
    assert np.abs(shares[1] - shares[0]).max() < 0.02
