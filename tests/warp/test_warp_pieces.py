"""Laws of the pieces that warps are made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.core.face_labels import PARTS
from common.face3d.heads.anny import default_head
from common.faces import Crop
from common.warp.extrapolate import extend, fade
from common.warp.fitted_face import complete, exposure, inner_mouth, warp_warnings
from common.warp.surroundings import Surroundings


@pytest.fixture(scope="module")
def head():
    return default_head()


def test_known_colours_stay_and_the_others_come_from_the_other_side(head):
    colours = torch.rand(len(head.mean), 3, generator=torch.Generator().manual_seed(0))
    right = head.mean[:, 0] > 0.002
    found = complete(head, colours, right, torch.ones(len(right), 3))
    assert torch.equal(found[right], colours[right])
    left = right[head.mirrored] & ~right
    assert torch.equal(found[left], colours[head.mirrored][left])
    assert found.isfinite().all()


def test_one_colour_fills_all(head):
    known = torch.zeros(len(head.mean), dtype=torch.bool)
    known[:100] = True
    colours = torch.full((len(known), 3), 0.3)
    torch.testing.assert_close(complete(head, colours, known, torch.ones_like(colours)), colours)


def test_whites_of_eyes_tell_the_exposure(head):
    known = torch.ones(len(head.mean), dtype=torch.bool)
    dim, bright = (exposure(head, torch.full((len(known), 3), value), known) for value in (0.3, 0.6))
    assert (dim < bright).all()
    assert (exposure(head, torch.zeros(len(known), 3), ~known) == 1).all()


def test_the_inside_of_a_mouth_is_small_and_has_teeth(head):
    mouth, teeth = inner_mouth(head)
    assert 0 < int(mouth.sum()) < len(mouth) / 4
    assert bool((teeth & mouth).sum() > 0)


@given(st.integers(0, 2**31))
def test_what_is_known_stays_and_what_is_not_lies_between(seed):
    rng = np.random.default_rng(seed)
    values = rng.random((32, 32, 2)).astype(np.float32)
    known = rng.random((32, 32)) < rng.uniform(0.01, 1)
    known[3, 4] = True
    found, far = extend(values, known)
    assert np.array_equal(found[known], values[known])
    assert (far[known] == 0).all()
    assert found.min() >= values[known].min() - 1e-5
    assert found.max() <= values[known].max() + 1e-5


def test_fading_is_one_here_nothing_beyond_and_falls_between():
    weights = fade(np.linspace(0, 3, 50), 2.0)[..., 0]
    assert weights[0] == 1
    assert (weights[np.linspace(0, 3, 50) >= 2] == 0).all()
    assert (np.diff(weights) <= 0).all()


def test_body_is_no_head_and_behind_both_the_picture_stays():
    labels = np.zeros((64, 64), np.uint8)
    labels[10:40, 20:44] = PARTS.index("skin")
    labels[40:, 10:54] = PARTS.index("cloth")
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    crop = Crop(np.eye(2, 3, dtype=np.float32), 64, (64, 64))
    around = Surroundings.of(picture, crop, labels, crop)
    assert around.head[25, 32] == pytest.approx(1)
    assert around.body[55, 32] == pytest.approx(1)
    assert around.head[60, 32] == 0
    assert np.array_equal(np.rint(around.plate(np.zeros((64, 64)))[:4] * 255), picture[:4])


def test_doubtful_faces_get_a_word(warp, face):
    assert not warp_warnings(face, warp.fit)
    aside = replace(warp.fit, angles=warp.fit.angles + torch.tensor([[1.0, 0, 0]]))
    assert "aside" in " ".join(warp_warnings(face, aside))
    tiny = face.mapped(np.array([[0.1, 0, 0], [0, 0.1, 0]]))
    assert "pixels wide" in " ".join(warp_warnings(tiny, warp.fit))
    poor = replace(warp.fit, error_px=20.0)
    assert "hand" in " ".join(warp_warnings(face, poor))
