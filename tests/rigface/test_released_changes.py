"""Edits by numbers in DECA's codes."""

import math

import numpy as np
import pytest
import torch
from refusals import refused
from released_heads import codes, same

from common.core.errors import InputError
from common.face3d.camera import rotation_from_vector
from common.face3d.rendering.lighting import shade
from rigface.attributes import Light
from rigface.released.reconstruct import changed
from rigface.request import RigEdit


def looks(made) -> np.ndarray:
    """Where the nose points, (3,): x to the picture's right, y up."""
    return rotation_from_vector(made.rotation)[0, :, 2].numpy()


def test_no_request_changes_nothing():
    made = codes(0)
    assert same(changed(made, RigEdit()), made)


def test_an_absolute_pose_is_the_same_whatever_it_was():
    first, second = (changed(codes(seed), RigEdit(pose="yaw=30,absolute")) for seed in (0, 1))
    assert np.allclose(looks(first), [0.5, 0, math.cos(math.radians(30))], atol=1e-6)
    torch.testing.assert_close(first.rotation, second.rotation)
    up = changed(codes(0), RigEdit(pose="pitch=30,absolute"))
    assert np.allclose(looks(up), [0, 0.5, math.cos(math.radians(30))], atol=1e-6)
    straight = changed(codes(0), RigEdit(pose="yaw=0,absolute"))
    assert np.allclose(straight.rotation, 0, atol=1e-6)


def test_relative_poses_add_up_and_go_back():
    made = codes(0, rotation=torch.tensor([0.2, -0.1, 0.3]))
    there = changed(made, RigEdit(pose="yaw=25"))
    torch.testing.assert_close(changed(there, RigEdit(pose="yaw=-25")).rotation, made.rotation)
    twice = changed(changed(made, RigEdit(pose="yaw=15")), RigEdit(pose="yaw=10"))
    torch.testing.assert_close(twice.rotation, there.rotation)


def test_harmonics_are_taken_as_they_are():
    light = np.random.default_rng(0).normal(size=(9, 3))
    made = changed(codes(0), RigEdit(light=Light(coefficients=light)))
    assert np.allclose(made.light[0], light, atol=1e-6)


@pytest.mark.parametrize(("angles", "bright"), [((90, 0), 0), ((-90, 0), 1), ((0, 90), 2), ((0, -90), 3), ((0, 0), 4)])
def test_a_lamp_shines_from_where_it_stands_with_the_mean_of_before(angles, bright):
    before = codes(0)
    after = changed(before, RigEdit(light=Light(*angles))).light
    normals = torch.tensor([[[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]]])
    assert shade(normals, after)[0].argmax(0).tolist() == [bright] * 3
    torch.testing.assert_close(after[:, 0], before.light[:, 0])  # the mean over all directions


def test_an_expression_changed_is_refused_with_what_to_do_instead():
    with refused(InputError, "unsupported", actual="AU12=3"):
        changed(codes(0), RigEdit(expression={"AU12": 3}))
