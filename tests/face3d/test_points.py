"""Landmarks without their pose: turning, scaling and moving a head changes nothing of it, and the turn is told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from refusals import refused

from common.core.errors import InputError, ShapeError
from common.face3d.camera import rotation_matrix
from common.face3d.fitting.points import default_points, upright

FLIP = np.array([1.0, -1.0, -1.0])  # from the camera's axes, y up and z near, to the picture's


def posed(points: np.ndarray, angles: tuple[float, float, float]) -> np.ndarray:
    """Points (478, 3) of a head after a turn in radians, larger and elsewhere."""
    rotation = rotation_matrix(torch.tensor([angles], dtype=torch.float64))[0].numpy()
    return 50 * ((points * FLIP) @ rotation.T) * FLIP + [100, 80, 3]


@pytest.fixture(scope="module")
def mean():
    return default_points().network.mean.numpy().astype(np.float64)


@pytest.mark.parametrize("angles", [(0.3, -0.2, 0.1), (-0.7, 0.0, 0.0), (0.0, 0.4, -0.5)])
def test_the_pose_is_removed_and_returned(mean, angles):
    found, turn = upright(posed(mean, angles)[None], mean)
    np.testing.assert_allclose(found[0], mean, atol=1e-5)
    np.testing.assert_allclose(turn[0], angles, atol=1e-5)


def test_the_mean_face_is_calm_and_nothing_changes_against_itself(mean):
    reader = default_points()
    calm = reader.read(posed(mean, (0.0, 0.0, 0.0)))
    assert max(abs(value) for sides in calm.units.values() for value in sides) < 0.6
    same = reader.change(posed(mean, (0.2, 0.0, 0.0)), posed(mean, (0.2, 0.0, 0.0)))
    assert max(abs(value) for sides in same.units.values() for value in sides) < 1e-5


def test_what_is_no_face_is_refused(mean):
    with refused(ShapeError):
        upright(mean[None, :468], mean)
    with refused(InputError):
        upright(np.full((1, 478, 3), np.nan), mean)
