"""Sweeps, grids and animations, through warps and through the small networks."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from breadth import breadth
from PIL import Image

from common.cli.verb_commands import keyframes
from common.core.errors import ActionUnitError, InputError
from common.facs.action_units import AUDelta
from common.imaging.contact_sheet import LINE
from magicface import __main__ as command
from magicface import animate, edit, grid, rise_and_fall, sweep

FAST = {"engine": "warp", "progress": False}


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def photo(astronaut):
    return Image.fromarray(astronaut).crop((110, 0, 366, 256))


@pytest.fixture(scope="module")
def file(photo, tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    photo.save(path)
    return path


def test_a_sweep_is_its_edits(photo):
    found = sweep(photo, "12", (0, 2), **FAST)
    assert found.requests == [[AUDelta(), AUDelta.parse({"AU12": 2})]]
    assert np.array_equal(found.pictures[0][0], photo)
    assert np.array_equal(found.pictures[0][1], edit(photo, {"AU12": 2}, **FAST))
    page = found.sheet(96)
    assert page.size == (2 * 100 + 4, 16 + 96 + 8)


def test_sheets_keep_the_photo_s_aspect_ratio(astronaut):
    found = sweep(Image.fromarray(astronaut).crop((80, 0, 400, 512)), "AU12", (0, 3), **FAST)
    whole, close = found.sheet(128), found.sheet(128, crop="face")
    assert whole.size == (2 * (80 + 4) + 4, LINE + 128 + 8)
    assert found.face is not None
    x0, y0, x1, y1 = found.face
    left = np.asarray(close.crop((4, LINE + 4, 132, LINE + 132))).astype(int)
    assert left.shape[:2] == (128, 128)
    reach = (0.5 + 0.3) * max(x1 - x0, y1 - y0)
    around = ((x0 + x1) / 2 - reach, (y0 + y1) / 2 - reach, (x0 + x1) / 2 + reach, (y0 + y1) / 2 + reach)
    true = pixels(found.pictures[0][0].crop(tuple(round(each) for each in around)).resize((128, 128)))
    assert np.abs(left - true).mean() < 8, "the face, in the middle"
    with pytest.raises(InputError, match="crop"):
        found.sheet(crop="head")  # type: ignore[arg-type]
    with pytest.raises(InputError):
        replace(found, face=None).sheet(crop="face")


def test_a_crop_alone_is_its_own_close_up(photo):
    found = sweep(photo, "AU12", (0, 3), size=128, paste_back=False, **FAST)
    assert np.array_equal(found.sheet(64), found.sheet(64, crop="face"))


def test_a_close_up_moves(astronaut):
    asked = [(0, {}), (0.5, {"AU26": 4})]
    found = animate(Image.fromarray(astronaut), asked, fps=4, side=100, crop="face", **FAST)
    assert {max(frame.size) for frame in found.frames} == {100}
    assert np.abs(pixels(found.frames[-1]) - pixels(found.frames[0])).max() > 30
    for wrong in ({"side": 0}, {"crop": "head"}):
        with pytest.raises(InputError):
            animate(astronaut, asked, **wrong, **FAST)


def test_a_grid_crosses_two_units(photo):
    found = grid(photo, "AU4", "AU12", (0, 3), (0, 2, 4), **FAST)
    assert [len(row) for row in found.pictures] == [3, 3]
    assert found.requests[1][2].to_json() == {"AU4": 3.0, "AU12": 4.0}
    assert found.titles == ["AU4=0", "AU4=3"]
    assert np.array_equal(found.pictures[1][1], edit(photo, "AU4=3,AU12=2", **FAST))


def test_an_animation_moves_only_where_it_is_requested(photo):
    found = animate(photo, rise_and_fall("AU12=3", onset=0.3, apex=0.2, offset=0.3, rest=0.1), fps=10, **FAST)
    assert len(found.frames) == len(found.requests) == 11
    assert np.array_equal(found.frames[0], photo)
    assert np.array_equal(found.frames[-1], photo)
    assert np.abs(pixels(found.frames[5]) - pixels(photo)).max() > 30
    flicker = found.flicker()
    assert flicker is not None
    assert flicker < 0.5


def test_the_small_networks_do_not_flicker_outside_the_face():
    found = animate(
        "examples/portraits/calm.jpg", [(0, {}), (0.4, {"AU12": 3})], fps=5, model="embedded", progress=False
    )
    flicker = found.flicker()
    assert len(found.frames) == 3
    assert flicker is not None
    assert flicker < 1.5


def test_what_makes_no_sweep_is_refused(photo):
    with pytest.raises(InputError):
        sweep(photo, "AU12", ())
    with pytest.raises(ActionUnitError, match="AU3"):
        sweep(photo, "AU3")
    with pytest.raises(InputError, match="AU12"):
        grid(photo, "AU12", "12")
    with pytest.raises(InputError, match="400"):
        grid(photo, "AU4", "AU12", np.linspace(0, 3, 30))


def test_keyframes_of_a_command_line():
    assert keyframes(["0:neutral", "0.5:happy:0.7", "2:AU12=3,AU6=1"]) == [
        (0.0, "neutral"), (0.5, "happy:0.7"), (2.0, "AU12=3,AU6=1"),
    ]  # fmt: skip
    assert keyframes(["happy:0.7"]) == []
    with pytest.raises(InputError, match="happy"):
        keyframes(["0:neutral", "happy"])


@pytest.mark.parametrize(
    ("arguments", "name"),
    breadth(
        [
            (["sweep", "PHOTO", "AU12", "--levels", "0,3", "--side", "64"], "astronaut-sweep.png"),
            (["grid", "PHOTO", "AU4", "AU12", "--levels=-1,3", "--side", "64"], "astronaut-grid.png"),
            (["neutralize", "PHOTO"], "astronaut-edited.png"),
            (["transfer", "PHOTO", "PHOTO", "--fraction", "0.5"], "astronaut-edited.png"),
            (["animate", "PHOTO", "0:neutral", "0.4:happy", "--fps", "5"], "astronaut-moving.gif"),
            (["sweep", "PHOTO", "AU12", "--levels", "0,3", "--crop", "face"], "astronaut-sweep.png"),
        ],
        2,
    ),
)
def test_the_commands_write_pictures(arguments, name, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = [str(file) if each == "PHOTO" else each for each in arguments]
    assert command.main([*given, "--engine", "warp", "-q"]) == 0
    with Image.open(tmp_path / name) as found:
        assert found.size >= (64, 64)


@pytest.mark.parametrize(
    "arguments",
    [
        ["sweep", "PHOTO", "AU3"],
        ["sweep", "PHOTO", "AU12", "--levels", "0,x"],
        ["sweep", "PHOTO", "AU12", "--side", "0"],
        ["animate", "PHOTO", "happy", "--side", "-5"],
        ["grid", "PHOTO", "AU12", "AU12"],
        ["animate", "PHOTO", "hapy"],
        ["animate", "PHOTO", "happy", "-o", "x.png"],
        ["animate", "PHOTO", "happy", "--onset", "-1"],
        ["neutralize", "PHOTO", "--fraction", "3"],
        ["sweep", "PHOTO", "AU12", "-o", "PHOTO"],
    ],
)
def test_the_commands_say_what_is_wrong(arguments, file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = file.read_bytes()
    assert command.main([str(file) if each == "PHOTO" else each for each in arguments] + ["--engine", "warp"]) != 0
    assert "Traceback" not in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert file.read_bytes() == before


def test_strict_makes_a_doubt_an_error(astronaut, tmp_path, capsys):
    framed = tmp_path / "framed.png"
    Image.fromarray(np.pad(astronaut, [(0, 0), (60, 60), (0, 0)])).save(framed)
    asked = [str(framed), "AU12=2", "--engine", "warp", "-q", "--json", "-o", str(tmp_path / "out.png")]
    assert command.main([*asked, "--strict"]) == 1
    assert "black borders" in json.loads(capsys.readouterr().out)["error"]
    assert command.main(asked) == 0
    assert "black borders" in json.loads(capsys.readouterr().out)["warnings"][0]
