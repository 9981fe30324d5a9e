"""Laws of what is carried from a reference photo's face to another."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from runs import ROOT

from common.face3d.fitting.fit import fit
from common.faces import choose_face, get_detector
from common.facs.action_units import AUDelta, AUIntensity
from common.facs.landmark_motion import decode
from common.imaging.images import read_image, rgb
from common.warp.placement import actions_after, spread
from common.warp.reference import alike, difference, settled
from common.warp.warp import Warp

PORTRAITS = ROOT / "examples" / "portraits"


@pytest.fixture(scope="module")
def seen(astronaut):
    return choose_face(get_detector("mediapipe").find(astronaut))


@pytest.fixture(scope="module")
def photo(astronaut, seen):
    return Warp.of(astronaut, seen)


def expressive(photo, shift=0.0):
    """The same person's fit with another expression, and landmarks of the lips that lie elsewhere."""
    actions = photo.fit.actions.clone()
    names = photo.fit.head.action_names
    actions[0, names.index("jawOpen")] += 0.3
    points = photo.fit.points.clone()
    points[[13, 14], 1] += shift
    return replace(photo.fit, actions=actions, points=points)


def test_from_itself_nothing_comes(photo):
    assert difference(photo.fit, photo.fit).null
    assert alike(photo.fit, photo.fit) == 1


def test_actions_arrive(photo):
    asked = difference(photo.fit, expressive(photo), motion=False)
    assert dict(asked.others) == pytest.approx({"jawOpen": 0.3}, abs=1e-3)
    change = photo.change(asked)
    torch.testing.assert_close(actions_after(photo.fit, change), expressive(photo).actions, atol=2e-3, rtol=0)
    half = photo.change(asked.scaled(0.5)).actions
    torch.testing.assert_close(2 * half, change.actions, atol=2e-3, rtol=0)


def test_landmarks_move_by_what_actions_leave(photo):
    """A jaw that is said to open while its landmarks stay is carried back by the motion."""
    asked = difference(photo.fit, expressive(photo), motion=True)
    motion = torch.from_numpy(decode(asked.motion))
    assert motion[14].norm() > 3e-3
    assert motion[10].norm() < 2e-3  # the forehead
    spots = photo.fit.head.embedding.points(spread(photo.fit.head, motion)[None], "mesh468")[0]
    torch.testing.assert_close(spots, motion[:468], atol=2.5e-3, rtol=0)


def test_pose_and_size_of_the_reference_do_not_count(photo):
    """Landmarks turned, scaled and moved in three dimensions say the same."""
    angle = math.radians(20)
    turn = torch.tensor([[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]])
    moved = replace(photo.fit, points=1.7 * photo.fit.points @ turn.double().T + 40)
    assert alike(photo.fit, moved) == 1
    assert difference(photo.fit, moved).null or np.abs(decode(difference(photo.fit, moved).motion)).max() < 1e-4


def test_what_a_detector_misses_is_added(photo, seen):
    """One that sees all landmarks in their place changes nothing; one that sees lips too high moves them down."""
    reference = expressive(photo)
    asked = difference(photo.fit, reference, motion=True)
    goal = photo.fit.points.numpy() - (*photo.crop.rectangle[:2], 0)
    same = settled(photo, asked, reference, lambda picture: [replace(seen, mesh=goal)])
    np.testing.assert_allclose(decode(same.motion), decode(asked.motion), atol=3e-5)
    lips = [13, 14, 61, 291]
    high = goal.copy()
    high[lips, 1] -= 4
    lower = decode(settled(photo, asked, reference, lambda picture: [replace(seen, mesh=high)]).motion)
    moved = lower - decode(asked.motion)
    assert (moved[lips, 1] < -1e-3).all()
    assert np.abs(np.delete(moved, lips, 0)).max() < 1e-4
    assert settled(photo, asked, reference, lambda picture: []) == asked


def test_another_persons_shape_is_not_carried(photo):
    other = rgb(read_image(PORTRAITS / "calm.jpg"))
    reference = fit(choose_face(get_detector("mediapipe").find(other)).mesh, image=other)
    assert alike(photo.fit, reference) == 0
    assert not difference(photo.fit, reference).motion
    assert difference(photo.fit, reference, motion=True).motion


def test_absolute_requests_count_from_what_is_there(photo):
    there = photo.shown()
    still = photo.change(AUIntensity(there.values, there.others))
    assert still.actions is None or still.actions.abs().max() < 1e-6
    assert still.units[:, :12].mean(0).abs().max() < 1e-5
    closed = photo.change(AUIntensity(there.values, (("AU43", 5.0),)))
    column = closed.units.shape[1] - 7
    assert (closed.units[:, column] > 2).all()


@pytest.mark.parametrize(("name", "side"), [("AU12L", 0), ("AU12R", 1)])
def test_one_side_moves_alone(photo, astronaut, name, side):
    """The person's left is the picture's right."""
    edited = photo(photo.change(AUDelta.parse({name: 4})))
    changed = np.abs(edited.astype(int) - astronaut).sum(2)
    middle = photo.fit.points[[168, 2], 0].mean().item()
    mouth = slice(*photo.fit.points[[2, 152], 1].int().tolist())
    right, left = changed[mouth, int(middle) + 15 :].sum(), changed[mouth, : int(middle) - 15].sum()
    assert (right > 3 * left) if side == 0 else (left > 3 * right)
