"""Laws of the toolkit's own conditions: what is drawn is the photo where nothing changes, and follows where it does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from refusals import refused

from common.core.errors import InputError
from common.editing.prepare import prepare
from common.face3d.camera import angles_of, rotation_matrix
from common.faces import get_detector
from common.parsing import get_parser
from common.warp.delta import TURN_SCALE, VECTOR_SIZE, Change, both_sides
from common.warp.placement import actions_after, changed
from rigface.attributes import Light
from rigface.reconstruct import View
from rigface.rendered import Rendered
from rigface.request import RigEdit


@pytest.fixture(scope="module")
def rendered():
    return Rendered()


@pytest.fixture(scope="module")
def made(astronaut):
    """The astronaut's crop."""
    return prepare(astronaut, get_detector("mediapipe"), get_parser("grabcut"), size=128, conditioning_image="photo")


@pytest.fixture(scope="module")
def seen(rendered, made, astronaut):
    return rendered.look(astronaut, made.face)


def conditions(rendered, seen, made, request):
    return rendered.conditions(View.of(rendered, seen, made), request)


def test_a_request_of_nothing_draws_the_photo_itself(rendered, seen, made):
    found = conditions(rendered, seen, made, RigEdit())
    assert np.array_equal(found.background, made.source)
    assert np.array_equal(found.mask, made.labels > 0)
    assert found.coefficients.shape == (VECTOR_SIZE,)
    assert np.abs(found.coefficients).max() < 1e-6
    x0, y0, x1, y1 = made.face.mapped(made.crop.matrix).box.round().astype(int)
    inner = slice(y0 + (y1 - y0) // 3, y1 - (y1 - y0) // 8), slice(x0 + (x1 - x0) // 4, x1 - (x1 - x0) // 4)
    difference = np.abs(found.render[inner].astype(int) - made.source[inner])
    assert np.median(difference) <= 2
    assert difference.mean() < 6  # the drawing is sampled twice


def test_the_vector_says_what_changes_and_nothing_else(rendered, seen):
    def vector(**request):
        return rendered.change(seen, RigEdit(**request)).vector()

    smile = vector(expression={"AU12": 3})
    assert smile[6] == 3
    assert smile.count_nonzero() == 1
    turned = vector(pose="yaw=10,pitch=-5")
    torch.testing.assert_close(turned[12:15], torch.tensor([10.0, -5, 0]) / TURN_SCALE, atol=1e-4, rtol=0)
    assert turned[:12].count_nonzero() == 0
    assert turned[15:].abs().max() < 1e-6
    lit = vector(light=Light(azimuth=60))
    assert lit[:15].abs().max() < 1e-6
    assert lit[16] > vector(light=Light(azimuth=-60))[16]  # brighter where normals point to the right


def test_a_head_turns_in_place(seen):
    fit = seen.warp.fit
    still = Change(both_sides(torch.zeros(12)), torch.eye(3), seen.light, seen.light)
    turned = replace(still, turn=rotation_matrix(torch.deg2rad(torch.tensor([[25.0, 10, 0]])))[0])
    head = fit.head
    neutral = replace(fit, actions=torch.zeros_like(fit.actions))

    def middle(change):
        vertices, camera = changed(neutral, change)
        points = head.embedding.points(camera.project(vertices), "ibug68")[0]
        return (points[8] + points[17:27].mean(0)) / 2

    # Perspective makes a turned face's chin and brows lie a little otherwise round the point that stays.
    assert (middle(turned) - middle(still)).norm() < 0.01
    torch.testing.assert_close(changed(fit, still)[0], fit.vertices())


def test_a_turned_head_is_drawn_turned_and_its_surroundings_may_change(rendered, seen, made):
    still = conditions(rendered, seen, made, RigEdit())
    turned = conditions(rendered, seen, made, RigEdit(pose="yaw=20"))
    assert (turned.mask & ~still.mask).any()
    assert (still.mask <= turned.mask).all()
    face = get_detector("mediapipe").find(turned.render)
    now = rendered.look(turned.render, face[0]).warp.fit.angles
    yaw = torch.rad2deg(now - seen.warp.fit.angles)[0, 0]
    assert 12 < yaw < 28


def test_the_warp_is_what_is_shown(rendered, seen, made):
    still = conditions(rendered, seen, made, RigEdit())
    assert np.array_equal(still.render, made.source)
    assert np.array_equal(still.warp, seen.photo)
    turned = conditions(rendered, seen, made, RigEdit(pose="yaw=20"))
    assert np.array_equal(made.crop.apply(turned.warp), turned.render)
    assert np.array_equal(turned.background, made.source)
    left = turned.still()
    assert np.array_equal(left.background, turned.render)
    assert not left.coefficients.any()


@pytest.mark.parametrize(("azimuth", "brighter"), [(-70, slice(0, 64)), (70, slice(64, 128))])
def test_light_brightens_the_side_that_it_comes_from(rendered, seen, made, azimuth, brighter):
    still = conditions(rendered, seen, made, RigEdit()).render.astype(float)
    lit = conditions(rendered, seen, made, RigEdit(light=Light(azimuth=azimuth, ambient=0.2))).render
    change = np.where((lit != still).any(2), (lit - still).mean(2), np.nan)  # elsewhere is no skin
    darker = slice(64, 128) if brighter.start == 0 else slice(0, 64)
    assert np.nanmean(change[:, brighter]) > np.nanmean(change[:, darker]) + 10


def test_what_is_copied_is_the_difference_of_two_faces(rendered, seen, made, astronaut):
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    other = rendered.look(mirrored, get_detector("mediapipe").find(mirrored)[0])

    def copied(target, copy):
        return rendered.change(seen, RigEdit(target=View.of(rendered, target, made), copy=copy))

    pose = copied(other, "pose")
    there = angles_of((pose.turn @ seen.rotation)[None])
    torch.testing.assert_close(there, other.warp.fit.angles, atol=1e-4, rtol=0)
    light = copied(other, "light")
    assert torch.equal(light.light, other.light)
    assert torch.equal(light.turn, torch.eye(3))
    expression = copied(other, "expression")
    fits = [each.warp.fit for each in (seen, other)]
    reached = actions_after(fits[0], expression)
    torch.testing.assert_close(reached, fits[1].actions, atol=0.01, rtol=0)
    looks = [fit.gaze.mean((0, 1)) for fit in fits]
    torch.testing.assert_close(expression.gaze, looks[1] - looks[0], atol=0.002, rtol=0)
    itself = copied(seen, "pose+light+expression")
    assert itself.vector().abs().max() < 1e-5


@pytest.mark.parametrize("pose", ["yaw=80", "pitch=40", "roll=-45", "yaw=-60,absolute"])
def test_a_pose_beyond_what_the_model_has_seen_is_refused_with_the_limit(rendered, seen, made, pose):
    with refused(InputError, "range"):
        conditions(rendered, seen, made, RigEdit(pose=pose))


def test_a_face_without_a_mesh_will_do(rendered, made, astronaut):
    found = rendered.look(astronaut, replace(made.face, mesh=None))
    assert found.warp.fit.error_px < 0.05 * (made.face.box[2] - made.face.box[0])
