"""The verbs of light and pose: sweeps, grids, animations and measured expressions, through the warp."""

from __future__ import annotations

import numpy as np
import pytest
from breadth import breadth
from PIL import Image
from refusals import refused

from common.core.errors import ActionUnitError, InputError
from common.facs.action_units import AUDelta, AUIntensity
from rigface import Light, Pose, RigEdit, animate, edit, grid, neutralize, rise_and_fall, sweep, transfer
from rigface import __main__ as command

FAST = {"engine": "warp", "progress": False}


@pytest.fixture(scope="module")
def photo(astronaut):
    return Image.fromarray(astronaut).crop((110, 0, 366, 256))


@pytest.mark.parametrize(
    "text",
    [
        "yaw=15", "pose yaw=15", "light azimuth=60,elevation=20, pose yaw=15, AU6=2,AU12=3", "happy:0.5", "neutral",
        "yaw=0,absolute", "azimuth=30,AU12=2",
    ],
)  # fmt: skip
def test_texts_of_requests_are_read_back(text):
    request = RigEdit.parse(text)
    assert RigEdit.parse(str(request)) == request
    assert RigEdit.parse(request.to_json()) == request


def test_what_is_copied_has_no_text():
    with refused(InputError, "unsupported", actual="copy pose from b.png"):
        RigEdit.parse("copy pose from b.png")


@pytest.mark.parametrize(
    ("axis", "request_"),
    [
        ("yaw", RigEdit(pose=Pose(yaw=10))), ("azimuth", RigEdit(light=Light(azimuth=10))),
        ("12", RigEdit(expression={"AU12": 10})),
    ],
)  # fmt: skip
def test_an_attribute_at_a_level(axis, request_):
    assert RigEdit().with_level(RigEdit.axis(axis), 10) == request_
    assert len(RigEdit.levels(RigEdit.axis(axis))) > 4


def test_unknown_attributes_are_named():
    with pytest.raises(ActionUnitError):
        RigEdit.axis("jaw")


def test_two_requests_at_once():
    both = RigEdit.parse("yaw=5,azimuth=20,AU12=2").plus(RigEdit.parse("pitch=3,elevation=10,AU12=1"))
    assert both == RigEdit.parse("yaw=5,pitch=3,azimuth=20,elevation=10,AU12=3")
    assert RigEdit().plus(RigEdit()) == RigEdit()
    there = RigEdit.parse("yaw=5,absolute")
    assert there.plus(RigEdit.parse("pitch=3")) == RigEdit.parse("yaw=5,pitch=3,absolute")
    assert RigEdit.parse("AU12=3").plus(there) == RigEdit.parse("yaw=5,absolute,AU12=3")


def test_what_lies_between():
    one, other = RigEdit.parse("azimuth=-60"), RigEdit.parse("azimuth=60,yaw=10,AU12=4")
    assert one.blend(other, 0.0) == one
    assert one.blend(other, 1.0) == other
    assert one.blend(other, 0.5) == RigEdit.parse("azimuth=0,yaw=5,AU12=2")
    assert RigEdit().blend(RigEdit.parse("yaw=-10"), 0.5) == RigEdit.parse("yaw=-5")
    for this, that in (("neutral", "azimuth=60"), ("yaw=5", "yaw=0,absolute")):
        with refused(InputError, "conflict"):
            RigEdit.parse(this).blend(RigEdit.parse(that), 0.5)


def test_a_measured_expression_is_a_change():
    present, wanted = AUIntensity.parse("AU12=3"), AUIntensity.parse("AU4=1")
    assert RigEdit.toward(present, wanted) == RigEdit(expression=AUDelta.parse("AU12=-3,AU4=1"))


@pytest.mark.slow
def test_a_sweep_is_its_edits(photo):
    found = sweep(photo, "yaw", (0, 6), **FAST)
    assert found.labels == [["yaw=0", "yaw=6"]]
    assert np.array_equal(found.pictures[0][0], photo)
    assert np.array_equal(found.pictures[0][1], edit(photo, pose="yaw=6", **FAST))


@pytest.mark.slow
def test_a_grid_crosses_light_and_expression(photo):
    found = grid(photo, "azimuth", "AU12", (-40, 40), (0, 2), **FAST)
    assert found.titles == ["azimuth=-40", "azimuth=40"]
    assert np.array_equal(found.pictures[1][1], edit(photo, light="azimuth=40", expression="AU12=2", **FAST))


def test_a_head_turns_and_comes_back(photo):
    found = animate(photo, rise_and_fall("yaw=6", onset=0.2, apex=0.1, offset=0.2, rest=0.1), fps=10, **FAST)
    assert np.array_equal(found.frames[0], photo)
    assert np.array_equal(found.frames[-1], photo)
    assert not np.array_equal(found.frames[3], photo)


def test_measured_expressions(photo):
    for made in (neutralize(photo, **FAST), transfer(photo, "examples/portraits/calm.jpg", **FAST)):
        assert made.size == photo.size
        assert not np.array_equal(made, photo)


@pytest.mark.parametrize(
    ("arguments", "name"),
    breadth(
        [
            (["animate", "PHOTO", "0:neutral", "0.4:yaw=5", "--fps", "5"], "astronaut-moving.gif"),
            (["sweep", "PHOTO", "yaw", "--levels=-5,5", "--side", "64"], "astronaut-sweep.png"),
            (["grid", "PHOTO", "azimuth", "AU12", "--levels=0,30", "--column-levels", "0,2"], "astronaut-grid.png"),
            (["neutralize", "PHOTO"], "astronaut-edited.png"),
            (["transfer", "PHOTO", "PHOTO"], "astronaut-edited.png"),
            (["chain", "PHOTO", "rigface:yaw=4", "magicface:AU12=2"], "astronaut-chain.png"),
        ]
    ),
)
def test_the_commands_write_pictures(arguments, name, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "astronaut.png"
    photo.save(file)
    shown = [str(file) if each == "PHOTO" else each for each in arguments]
    assert command.main([*shown, "--engine", "warp", "-q"]) == 0
    with Image.open(tmp_path / name) as found:
        assert found.size >= (64, 64)


@pytest.mark.parametrize("asked", ["nobody:AU12=2", "AU12=2", "numpy:AU12=2", "magicface:AU99=2"])
def test_a_chain_names_editors(asked, photo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    photo.save(tmp_path / "a.png")
    assert command.main(["chain", "a.png", asked, "--engine", "warp"]) == 2
    assert "expected" in capsys.readouterr().err or asked.startswith("magicface")


def test_other_commands(capsys, tmp_path, photo):
    assert command.main(["explain", "AU4"]) == 0
    assert "corrugator" in capsys.readouterr().out.lower()
    photo.save(tmp_path / "a.png")
    edit(photo, pose="yaw=5", **FAST).save(tmp_path / "b.png")
    assert command.main(["measure", str(tmp_path / "a.png"), str(tmp_path / "b.png")]) == 0
    assert "AU12" in capsys.readouterr().out
