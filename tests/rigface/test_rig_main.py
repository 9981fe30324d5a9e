"""The command line: photos in, files out, exit codes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from small_rig import Flat

from common.imaging.images import read_image
from rigface.__main__ import main


@pytest.fixture
def photo(tmp_path, astronaut):
    Image.fromarray(astronaut).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def options(rig_folder, monkeypatch):
    monkeypatch.setattr("rigface.editor.get_reconstructor", lambda name, **options: Flat())
    return ["--model", str(rig_folder), "--device", "cpu", "--steps", "1", "-q", "--detector", "mediapipe",
            "--parser", "grabcut", "--no-watermark"]  # fmt: skip


def test_by_numbers(photo, options, tmp_path, capsys):
    out = tmp_path / "out.png"
    request = ["--light", "azimuth=60", "--pose", "yaw=15", "AU12=3", "AU6=1"]
    assert main([str(photo), *request, "-o", str(out), "--json", *options]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["request"] == "light azimuth=60,elevation=0, pose yaw=15, AU6=1,AU12=3"
    assert (record["seed"], record["steps"], record["guidance"]) == (424, 1, 1.0)
    assert (record["input"], record["output"]) == (str(photo), str(out))
    assert read_image(out).size == (512, 512)


def test_from_a_photo_for_several(photo, other, options, tmp_path, capsys):
    Image.fromarray(other).save(tmp_path / "other.png")
    blank = tmp_path / "blank.png"
    Image.fromarray(np.zeros((99, 99, 3), np.uint8)).save(blank)
    request = ["--target", str(tmp_path / "other.png"), "--copy", "light+pose"]
    code = main([str(photo), str(blank), *request, "-o", str(tmp_path / "out"), "--json", *options])
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 1
    assert ["error" in record for record in records] == [False, True]
    assert records[0]["request"] == f"copy light+pose from {tmp_path / 'other.png'}"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["photo-edited.png"]


def test_prepared_before(sitter, options, tmp_path):
    for name, picture in (("crop", sitter.source), ("bg", sitter.background), ("render", sitter.background)):
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    np.save(tmp_path / "exp.npy", np.zeros(64, np.float32))
    given = ["--background", str(tmp_path / "bg.png"), "--render", str(tmp_path / "render.png")]
    crop, out = str(tmp_path / "crop.png"), str(tmp_path / "out.png")
    assert main([crop, *given, "--coefficients", str(tmp_path / "exp.npy"), "-o", out, *options]) == 0
    assert read_image(out).size == (64, 64)
    assert main([crop, *given, "-o", out, *options]) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["PHOTO"], 2, "neutral"),
        (["PHOTO", "neutral"], 0, ""),
        (["PHOTO", "AU12"], 2, "AU12=3"),
        (["PHOTO", "AU13=3"], 2, "AU13"),
        (["PHOTO", "smirk"], 2, "smirk"),
        (["AU12=3"], 2, "photo"),
        (["PHOTO", "--light", "azimut=3"], 2, "azimuth"),
        (["PHOTO", "--pose", "yaw=100"], 2, "100"),
        (["PHOTO", "--copy", "light"], 2, "copy='light'"),
        (["PHOTO", "--target", "PHOTO", "--copy", "light", "--light", "azimuth=3"], 2, "light"),
        (["PHOTO", "--target", "absent.jpg", "--copy", "light"], 2, "absent.jpg"),
        (["PHOTO", "AU12=3", "--guidance", "1.5"], 2, "guidance"),
        (["PHOTO", "AU12=3", "--face", "7"], 1, "7"),
        (["PHOTO", "AU12=3", "--model", "owner/absent"], 3, "rigface download"),
        (["PHOTO", "AU12=3", "--model", "embedded"], 3, "embedded"),
    ],
)
def test_exit_codes(photo, options, arguments, code, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("rigface.RigFace.embedded", None)
    arguments = [str(photo) if argument == "PHOTO" else argument for argument in arguments]
    given = options[2:] if "--model" in arguments else options
    assert main([*arguments, *given]) == code
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo-edited.png", "photo.png"][code != 0 :]


def test_nothing_that_sees_in_3d_is_a_missing_weight(photo, rig_folder, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    arguments = [str(photo), str(photo), "AU12=3", "-o", str(tmp_path / "out"), "--model", str(rig_folder), "-q"]
    assert main([*arguments, "--device", "cpu", "--detector", "mediapipe", "--parser", "grabcut"]) == 3
    assert capsys.readouterr().err.count("prepared pictures") == 1


def test_download_offline_says_what_is_missing(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))
    assert main(["download"]) == 3
    said = capsys.readouterr().err
    assert "unet_denoise/diffusion_pytorch_model.safetensors" in said
    assert "rigface download --to FOLDER" in said
