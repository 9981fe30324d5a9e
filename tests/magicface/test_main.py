"""The command line: photos in, files out, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from breadth import breadth
from PIL import Image

from common.cli.edit_photos import read_inputs
from common.core.errors import InputError
from common.imaging.images import read_image
from magicface.__main__ import main


@pytest.fixture
def photo(tmp_path, astronaut):
    Image.fromarray(astronaut).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def options(model_folder):
    return ["--model", str(model_folder), "--device", "cpu", "--size", "128", "--steps", "1", "-q",
            "--detector", "mediapipe", "--parser", "grabcut", "--no-watermark"]  # fmt: skip


def files(folder: Path):
    return sorted(path.name for path in folder.iterdir())


def test_one_photo(photo, options, tmp_path, capsys):
    target = tmp_path / "out" / "smile.png"
    assert main([str(photo), "AU12=3", "AU6=2", "-o", str(target), "--json", *options]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["output"] == str(target)
    assert record["request"] == "AU6=2,AU12=3"
    assert (record["seed"], record["steps"], record["guidance"]) == (424, 1, 1.5)
    assert record["detector"] == "mediapipe"
    assert len(record["face"]["box"]) == 4
    assert set(record["seconds"]) == {"prepare", "encode", "edit"}
    assert read_image(target).size == (512, 512)
    assert files(tmp_path / "out") == ["smile.png"]


def test_several_photos_continue_after_a_bad_one(photo, options, tmp_path, capsys):
    blank, broken = tmp_path / "blank.png", tmp_path / "broken.jpg"
    Image.fromarray(np.zeros((99, 99, 3), np.uint8)).save(blank)
    broken.write_bytes(photo.read_bytes()[:500])
    out = tmp_path / "out"
    assert main([*map(str, (blank, broken, photo)), "AU12=3", "-o", str(out), "--json", *options]) == 1
    printed = capsys.readouterr()
    records = [json.loads(line) for line in printed.out.splitlines()]
    assert ["error" in record for record in records] == [True, True, False]
    assert "blank.png" in printed.err
    assert files(out) == ["photo-edited.png"]


def test_names_that_collide_are_numbered(photo, options, tmp_path):
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "photo.png"
    twin.write_bytes(photo.read_bytes())
    assert main([str(photo), str(twin), "AU12=3", "-o", str(tmp_path / "out"), *options]) == 0
    assert files(tmp_path / "out") == ["photo-edited-2.png", "photo-edited.png"]


def test_no_input_is_overwritten(photo, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    second = tmp_path / "photo-edited.png"
    second.write_bytes(photo.read_bytes())
    before = second.read_bytes()
    assert main([str(photo), str(second), "AU12=3", *options]) == 2
    assert second.read_bytes() == before


def test_a_folder_with_a_dot(photo, options, tmp_path):
    assert main([str(photo), "AU12=3", "-o", f"{tmp_path}/my.folder/", *options]) == 0
    assert files(tmp_path / "my.folder") == ["photo-edited.png"]


@pytest.mark.parametrize(
    "portrait", breadth(["magicface/00025", "magicface/00381", "rigface/id1/sor", "rigface/id1/tar"])
)
@pytest.mark.parametrize("region", ["head", "face"])
def test_real_portraits(portraits, options, tmp_path, portrait, region):
    """From a raw photo to a file with the offline detector and parser."""
    source = portraits / f"{portrait}.png"
    target = tmp_path / "out.png"
    assert main([str(source), "AU12=2", "--region", region, "-o", str(target), *options]) == 0
    result, photo = (np.array(read_image(path)).astype(int) for path in (target, source))
    changed = np.abs(result - photo).max(2) > 0
    assert 0.1 < changed.mean() < 0.8
    assert not changed[:10, :10].any()


def test_without_output_the_result_lies_here(photo, options, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert main([str(photo), "AU12=3", "--paste", "none", *options]) == 0
    assert files(tmp_path / "here") == ["photo-edited.png"]
    assert read_image("photo-edited.png").size == (128, 128)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["PHOTO", "AU13=3"], 2, "AU13"),
        (["PHOTO", "AU12"], 2, "AU12=3"),
        (["PHOTO", "AU12=99"], 2, "99"),
        (["AU12=3"], 2, "photo"),
        (["PHOTO", "AU12=3", "-o", "PHOTO"], 2, "photo.png"),
        (["PHOTO", "PHOTO", "AU12=3", "-o", "one.png"], 2, "one.png"),
        (["PHOTO", "AU12=3", "-o", "x.txt"], 2, "x.txt"),
        (["PHOTO", "AU12=3", "--steps", "0"], 2, "steps"),
        (["PHOTO", "AU12=3", "--detector", "eyes"], 2, "mediapipe"),
        (["PHOTO", "AU12=3", "--face", "7"], 1, "7"),
        (["PHOTO", "AU12=3", "--face", "5,5"], 1, "5"),
        (["PHOTO", "AU12=3", "--face", "nose"], 2, "nose"),
        (["absent.jpg", "AU12=3"], 2, "absent.jpg"),
        (["PHOTO", "AU12:3"], 2, "AU12=3"),
        (["PHOTO"], 2, "neutral"),
        (["PHOTO", "AU12=3", "--device", "gpu"], 2, "gpu"),
        (["PHOTO", "AU12=3", "--size", "100000"], 2, "size"),
        (["PHOTO", "AU12=3", "--model", "owner/absent"], 3, "magicface download"),
        (["PHOTO", "AU12=3", "--model", "absent"], 2, "owner/name"),
    ],
)
def test_exit_codes(photo, options, arguments, code, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    before = files(tmp_path)
    arguments = [str(photo) if argument == "PHOTO" else argument for argument in arguments]
    given = [] if "--model" in arguments else options[:2]
    own = {"--steps", "--detector", "--device", "--size"} & set(arguments)
    rest = [v for flag, value in zip(options[2:-4:2], options[3:-4:2]) if flag.startswith("--") and flag not in own
            for v in (flag, value)]  # fmt: skip
    assert main([*arguments, *given, *rest, "-q"]) == code
    assert message in capsys.readouterr().err
    assert files(tmp_path) == before


def test_usage_errors_exit_with_2():
    with pytest.raises(SystemExit) as raised:
        main(["photo.jpg", "--frobnicate"])
    assert raised.value.code == 2


def test_download_offline(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))
    assert main(["download"]) == 3
    assert "denoising_unet/diffusion_pytorch_model.safetensors" in capsys.readouterr().err


def test_interruption_keeps_what_is_finished(photo, options, tmp_path, monkeypatch):
    from magicface import MagicFace

    calls = []

    def encode(self, image, **how):
        calls.append(image)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, image, **how)

    original = MagicFace.encode
    monkeypatch.setattr(MagicFace, "encode", encode)
    assert main([str(photo), str(photo), "AU12=3", "-o", str(tmp_path / "out"), *options]) == 130
    assert files(tmp_path / "out") == ["photo-edited.png"]


def test_photos_and_requests_in_any_order(tmp_path):
    odd = tmp_path / "a=b.png"
    odd.touch()
    assert read_inputs(["AU12=3", str(odd), "AU6=-2.5"], "AU12=3") == ([odd], ["AU12=3", "AU6=-2.5"])
    assert read_inputs([str(odd), "neutral"], "AU12=3") == ([odd], ["neutral"])
    for wrong in (["AU12=3"], [str(odd), "nowhere.jpg"], [str(odd), "AU12"]):
        with pytest.raises(InputError):
            read_inputs(wrong, "AU12=3")


def test_help_needs_no_torch():
    code = "import sys; from magicface.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n" \
           "assert 'torch' not in sys.modules"  # fmt: skip
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "AU12=3" in result.stdout
    assert "default: the model's own" in " ".join(result.stdout.split())
