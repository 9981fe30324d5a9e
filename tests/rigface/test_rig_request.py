"""Requests: the same in all their forms, and refused where they cannot be meant."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused

from common.core.errors import ActionUnitError, InputError, ShapeError
from common.face3d.camera import rotation_matrix
from common.face3d.rendering import lighting
from rigface import Light, Pose, RigEdit
from rigface.request import make_requests

SMILE = [0.0] * 6 + [3.0] + [0.0] * 5


@pytest.mark.parametrize(
    "light", [Light(60, 20), Light(azimuth=60, elevation=20), "azimuth=60,elevation=20", "elevation = 20; azimuth=60",
              {"azimuth": 60, "elevation": np.float32(20)}]
)  # fmt: skip
@pytest.mark.parametrize("pose", [Pose(15), "yaw=15", "yaw=15 pitch=0", {"yaw": 15}])
def test_all_forms_are_the_same(light, pose):
    for expression in ({"AU12": 3}, "AU12=3", SMILE, np.array(SMILE)):
        request = RigEdit(light, pose, expression)
        assert request == RigEdit(Light(60, 20), Pose(15), "AU12=3")
        assert hash(request) == hash(RigEdit(Light(60, 20), Pose(15), "AU12=3"))
        assert str(request) == "light azimuth=60,elevation=20, pose yaw=15, AU12=3"


@pytest.mark.parametrize(
    "asked", [RigEdit(pose="yaw=0"), RigEdit(expression={}), RigEdit(expression=[0.0] * 12), RigEdit(copy=[])]
)
def test_what_changes_nothing_is_the_zero_request(asked):
    assert asked == RigEdit()
    assert str(asked) == "neutral"


def test_an_absolute_pose_of_zero_is_a_request():
    assert RigEdit(pose="yaw=0,absolute").pose == Pose(0, relative=False)
    assert str(RigEdit(pose={"yaw": 0, "relative": False})) == "pose yaw=0,absolute"
    assert Pose.of(str(Pose(5, -3, relative=False))) == Pose(5, -3, relative=False)


@pytest.mark.parametrize("copy", ["light+pose", "pose, light", ["light", "pose"], ("pose", "light"), {"light", "pose"}])
def test_unions_of_what_is_copied(copy, tmp_path):
    request = RigEdit(target=str(tmp_path / "b.jpg"), copy=copy, expression="AU12=3")
    assert request == RigEdit(target=tmp_path / "b.jpg", copy="light+pose", expression="AU12=3")
    assert str(request) == f"AU12=3, copy light+pose from {tmp_path / 'b.jpg'}"


def test_pictures_to_copy_from_are_compared_by_what_they_show():
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    request = RigEdit(target=picture, copy="light")
    assert request == RigEdit(target=Image.fromarray(picture), copy="light")
    assert request != RigEdit(target=picture[::-1], copy="light")


def test_lists_pair_up_and_a_single_goes_with_each():
    requests = make_requests(light=["azimuth=10", "azimuth=20"], expression=[SMILE, {}], target="b.jpg", copy=["pose"])
    assert requests == [
        RigEdit("azimuth=10", None, SMILE, "b.jpg", "pose"),
        RigEdit("azimuth=20", None, None, "b.jpg", "pose"),
    ]
    assert make_requests(expression=SMILE) == RigEdit(expression=SMILE)
    assert make_requests(expression=np.array([SMILE, SMILE])) == [RigEdit(expression=SMILE)] * 2
    assert make_requests(target=["a.jpg", "b.jpg"], copy="light")[1] == RigEdit(target="b.jpg", copy="light")
    with refused(InputError, "count", actual={"light": 2, "pose": 3}):
        make_requests(light=["azimuth=1"] * 2, pose=["yaw=1"] * 3)


@pytest.mark.parametrize(
    ("options", "code", "actual"),
    [
        ({"light": "azimut=3"}, "unknown", "azimut"),
        ({"light": "azimuth"}, "missing", "azimuth"),
        ({"light": "azimuth=x"}, "type", "x"),
        ({"light": "azimuth=1,azimuth=2"}, "duplicate", "azimuth=1,azimuth=2"),
        ({"light": ""}, "empty", None),
        ({"light": "azimuth=500"}, "range", 500),
        ({"light": {"elevation": float("inf")}}, "range", float("inf")),
        ({"light": {"colour": 3}}, "unknown", "colour"),
        ({"light": 60}, "type", "int"),
        ({"light": {"coefficients": np.zeros((3, 9))}}, "shape", (3, 9)),
        ({"light": {"coefficients": np.full(27, np.nan)}}, "finite", None),
        ({"light": {"coefficients": np.zeros(27), "azimuth": 5}}, "conflict", None),
        ({"light": {"ambient": True}}, "type", True),
        ({"pose": "yaw=91"}, "range", 91),
        ({"pose": "absolute"}, "empty", None),
        ({"pose": "jaw=3"}, "unknown", "jaw"),
        ({"pose": (1, 2, 3)}, "type", "tuple"),
        ({"pose": {"yaw": 1, "relative": 1}}, "type", 1),
        ({"copy": "light"}, "missing", "target=None, copy='light'"),
        ({"target": "a.jpg"}, "missing", "target='a.jpg', copy=None"),
        ({"target": "a.jpg", "copy": "lite"}, "unknown", "lite"),
        ({"target": "a.jpg", "copy": 5}, "type", "int"),
        ({"target": "a.jpg", "copy": "light", "light": "azimuth=3"}, "conflict", "light"),
        ({"target": "a.jpg", "copy": "pose+expression", "expression": {}}, "conflict", "expression"),
    ],
)
def test_refused(options, code, actual):
    with refused(ShapeError if code == "shape" else InputError, code, actual=actual):
        RigEdit(**options)


@pytest.mark.parametrize("units", [{"AU13": 1}, {"AU12": 11}])
def test_expressions_are_refused_as_of_magicface(units):
    with pytest.raises(ActionUnitError, match=r"AU1[23]"):
        RigEdit(expression=units)


def test_a_number_that_is_none_is_out_of_range():
    with refused(InputError, "range", expected=(-90, 90)):
        RigEdit(light={"elevation": float("nan")})


def test_a_lamp_shines_from_where_it_stands_and_keeps_brightness_and_colour():
    """From the right and above; in the mean over all directions as bright and of the same colour as the present one."""
    directions = torch.nn.functional.normalize(torch.randn(20000, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    present = torch.randn(9, 3, generator=torch.Generator().manual_seed(1)).abs()
    harmonics = Light(60, 30).harmonics(present)
    shading = lighting.shade(directions[None], harmonics[None])[0]
    expected = torch.tensor([0.75, 0.5, 0.4330])  # cos 30 sin 60, sin 30, cos 30 cos 60
    assert (directions[shading.mean(1).argmax()] - expected).norm() < 0.1
    before = lighting.shade(directions[None], present[None])[0].mean(0)
    torch.testing.assert_close(shading.mean(0), before, rtol=0.03, atol=0.03)
    torch.testing.assert_close(Light(60, 30, 2).harmonics(present), 2 * harmonics)
    flat = Light(60, 30, ambient=1).harmonics(present)
    torch.testing.assert_close(flat[0], present[0])
    assert (flat[1:] == 0).all()


def test_coefficients_are_taken_as_they_are():
    values = torch.randn(9, 3)
    for form in (values, values.numpy(), values.flatten().tolist(), values.tolist()):
        light = Light.of({"coefficients": form})
        assert (light.harmonics() == values).all()
        assert (light.harmonics(torch.ones(9, 3)) == values).all()
        assert light == Light(coefficients=values)


def test_a_relative_pose_turns_on_and_an_absolute_one_does_not_ask():
    present = rotation_matrix(torch.tensor([[20.0, 0, 0]]).deg2rad())[0]
    expected = rotation_matrix(torch.tensor([[35.0, 0, 0]]).deg2rad())[0]
    torch.testing.assert_close(Pose(15).matrix(present), expected)
    torch.testing.assert_close(Pose(0).matrix(present), present)
    torch.testing.assert_close(Pose(35, relative=False).matrix(present), expected)
    face = Pose(0, relative=False).matrix(present)
    torch.testing.assert_close(face, torch.eye(3))
