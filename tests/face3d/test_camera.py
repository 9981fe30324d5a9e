"""Cameras: what is up, what is right, what is far."""

from __future__ import annotations

import math

import pytest
import torch

from common.core.errors import ShapeError
from common.face3d.camera import Orthographic, Perspective, angles_of, rotation_matrix, to_pixels


def perspective(focal=4.0, distance=1.0, shift=(0.0, 0.0)):
    return Perspective(torch.tensor([focal]), torch.tensor([distance]), torch.tensor([shift]))


def test_right_is_right_and_up_is_up():
    points = torch.tensor([[[0.0, 0.0, 0.0], [0.05, 0.0, 0.0], [0.0, 0.05, 0.0]]])
    for camera in (perspective(), Orthographic(torch.tensor([4.0]), torch.zeros(1, 2))):
        centre, right, up = to_pixels(camera.project(points), 200, 100)[0]
        assert centre[:2].tolist() == [99.5, 49.5]
        assert right[0] > centre[0]
        assert right[1] == centre[1]
        assert up[1] < centre[1]
        assert up[0] == centre[0]


def test_what_is_far_is_small_and_deep():
    near, far = perspective().project(torch.tensor([[[0.1, 0.0, 0.1], [0.1, 0.0, -0.1]]]))[0]
    assert near[0] > far[0]
    assert near[2] < far[2]


def test_the_orthographic_camera_is_decas():
    points, scale, shift = torch.randn(2, 5, 3), torch.tensor([3.0, 7.0]), torch.randn(2, 2)
    expected = scale[:, None, None] * (points[..., :2] + shift[:, None])
    assert torch.equal(Orthographic(scale, shift).project(points)[..., :2], expected)


def test_perspective_tends_to_orthographic():
    points = torch.randn(1, 9, 3) * 0.1
    far = perspective(focal=4000.0, distance=1000.0).project(points)[..., :2]
    flat = Orthographic(torch.tensor([4.0]), torch.zeros(1, 2)).project(points)[..., :2]
    assert torch.allclose(far, flat, atol=1e-3)


@pytest.mark.parametrize(("angle", "axis", "sign"), [(0, 0, 1), (1, 1, 1)])
def test_angles_turn_the_nose(angle, axis, sign):
    angles = torch.zeros(1, 3)
    angles[0, angle] = 0.3
    nose = rotation_matrix(angles)[0] @ torch.tensor([0.0, 0.0, 1.0])
    assert nose[axis] * sign == pytest.approx(math.sin(0.3), abs=1e-6)


def test_roll_turns_anticlockwise():
    top = rotation_matrix(torch.tensor([[0.0, 0.0, 0.3]]))[0] @ torch.tensor([0.0, 1.0, 0.0])
    assert top[0] == pytest.approx(-math.sin(0.3), abs=1e-6)


def test_rotations_are_rotations():
    rotation = rotation_matrix(torch.randn(20, 3, dtype=torch.float64))
    eye = torch.eye(3, dtype=torch.float64)
    assert torch.allclose(rotation @ rotation.mT, eye.expand(20, 3, 3))
    assert torch.allclose(torch.linalg.det(rotation), torch.ones(20, dtype=torch.float64))


def test_wrong_shapes():
    with pytest.raises(ShapeError):
        perspective().project(torch.zeros(4, 3))
    with pytest.raises(ShapeError):
        rotation_matrix(torch.zeros(3))


def test_angles_come_back_from_their_rotation():
    angles = torch.rand(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 0.5
    angles = angles * torch.tensor([3.1, 6.2, 6.2])
    torch.testing.assert_close(angles_of(rotation_matrix(angles)), angles)
    sideways = rotation_matrix(torch.tensor([[torch.pi / 2, 0.3, 0.1]], dtype=torch.float64))
    torch.testing.assert_close(rotation_matrix(angles_of(sideways)), sideways, atol=1e-7, rtol=0)
    with pytest.raises(ShapeError, match="rotation"):
        angles_of(torch.eye(3))
