"""Edits by numbers in DECA's codes."""

import math

import numpy as np
import pytest
import torch
from released_heads import codes

from common.errors import FaceEditError, InputError, ShapeError
from common.face3d.lighting import shade
from common.face3d.skinning import rotation_from_vector
from rigface.released.wish import Wish


def looks(made) -> np.ndarray:
    """Where the nose points, (3,): x to the picture's right, y up."""
    return rotation_from_vector(made.rotation)[0, :, 2].numpy()


def test_no_wish_changes_nothing():
    made = codes(0)
    assert Wish().apply(made) is made
    assert Wish().named == frozenset()


def test_an_absolute_pose_is_the_same_whatever_it_was():
    first, second = (Wish(pose=(30, 0, 0), absolute=True).apply(codes(seed)) for seed in (0, 1))
    assert np.allclose(looks(first), [0.5, 0, math.cos(math.radians(30))], atol=1e-6)
    torch.testing.assert_close(first.rotation, second.rotation)
    up = Wish(pose=(0, 30, 0), absolute=True).apply(codes(0))
    assert np.allclose(looks(up), [0, 0.5, math.cos(math.radians(30))], atol=1e-6)
    straight = Wish(pose=(0, 0, 0), absolute=True).apply(codes(0))
    assert np.allclose(straight.rotation, 0, atol=1e-6)


def test_relative_poses_add_up_and_go_back():
    made = codes(0, rotation=torch.tensor([0.2, -0.1, 0.3]))
    there = Wish(pose=(25, 0, 0)).apply(made)
    torch.testing.assert_close(Wish(pose=(-25, 0, 0)).apply(there).rotation, made.rotation)
    twice = Wish(pose=(10, 0, 0)).apply(Wish(pose=(15, 0, 0)).apply(made))
    torch.testing.assert_close(twice.rotation, there.rotation)
    assert torch.equal(Wish(pose=(0, 0, 0), light=(0, 0)).apply(made).expression, made.expression)


def test_harmonics_are_taken_as_they_are():
    light = np.random.default_rng(0).normal(size=(9, 3))
    made = Wish(light=light).apply(codes(0))
    assert np.allclose(made.light[0], light, atol=1e-6)


@pytest.mark.parametrize(("angles", "bright"), [((90, 0), 0), ((-90, 0), 1), ((0, 90), 2), ((0, -90), 3), ((0, 0), 4)])
def test_a_lamp_shines_from_where_it_stands_with_the_mean_of_before(angles, bright):
    before = codes(0)
    after = Wish(light=angles).apply(before).light
    normals = torch.tensor([[[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]]])
    assert shade(normals, after)[0].argmax(0).tolist() == [bright] * 3
    torch.testing.assert_close(after[:, 0], before.light[:, 0])  # the mean over all directions


@pytest.mark.parametrize(
    ("wish", "error", "message"),
    [
        (Wish(pose=(1, 2)), InputError, "yaw, pitch, roll"),
        (Wish(pose=(0, 91, 0)), InputError, "-90, 90"),
        (Wish(pose=(0, math.nan, 0)), InputError, "-90, 90"),
        (Wish(pose="left"), InputError, "'left'"),
        (Wish(pose=30), InputError, "30"),
        (Wish(light=(0, 100)), InputError, "elevation"),
        (Wish(light="left"), InputError, "Light must be numbers"),
        (Wish(light=np.zeros((3, 9))), ShapeError, "nine spherical harmonics"),
        (Wish(light=np.full((9, 3), np.inf)), InputError, "finite"),
        (Wish(expression={"AU12": 3}), InputError, "target photo"),
    ],
)
def test_what_cannot_be_done_is_told(wish, error, message):
    with pytest.raises(error, match=message) as caught:
        wish.check()
    assert isinstance(caught.value, FaceEditError)
