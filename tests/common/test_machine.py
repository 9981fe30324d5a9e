"""What a machine lacks, a device or a place to write, is said in a sentence before any work, and in all packages."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path

import pytest
import torch
from PIL import Image
from refusals import refused

from common.core import files
from common.core.errors import InputError
from common.face3d.heads import anny_data
from common.weights.device import choose_device, devices

NOWHERE = Path("/dev/null/nowhere")
"""A folder that not even root can make."""
ABSENT = next(name for name in ("mps", "cuda", "xpu") if not any(each.startswith(name) for each in devices()))


@pytest.fixture
def photo(tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def nothing_loads(monkeypatch):
    def load(*arguments, **options):
        raise AssertionError("a wrong device must be told first")

    monkeypatch.setattr("common.editing.editor.Editor.load_pipeline", load)
    monkeypatch.setattr("fineface.checkpoints.load", load)
    monkeypatch.setattr("common.faces.detectors.get_detector", load)


def test_devices_are_named_as_torch_names_them():
    assert devices()[-1] == "cpu"
    for name in devices():
        assert choose_device(name)[0] == torch.device(name)
    assert choose_device()[0].type == devices()[0].partition(":")[0]


@pytest.mark.parametrize("device", [ABSENT, f"{ABSENT}:7", "nonsense", "", "cpu:x", "meta", 1.5])
def test_a_device_that_is_not_here_is_told_in_one_sentence(device):
    with pytest.raises(InputError) as caught:
        choose_device(device)
    told = str(caught.value)
    assert "\n" not in told
    assert all(name in told for name in devices())
    assert len(told) < 200


@pytest.mark.parametrize("package", ["magicface", "rigface", "fineface"])
def test_python_and_the_commands_tell_a_wrong_device_before_anything_is_loaded(package, photo, nothing_loads, capsys):
    library, main = import_module(package), import_module(f"{package}.__main__").main
    request = {"expression": "AU12=2"} if package == "rigface" else {"aus" if package == "fineface" else "au_delta": {}}
    for engine in ({}, {"engine": "warp"}):
        with refused(InputError, "device"):
            library.edit(str(photo), **request, device=ABSENT, **engine)
    editor = getattr(library, {"magicface": "MagicFace", "rigface": "RigFace", "fineface": "FineFace"}[package])
    with refused(InputError, "device"):
        editor.from_pretrained(device=ABSENT)
    asked = ["edit"] * (package == "fineface") + [str(photo), "AU12=2"]
    (photo.parent / "requests.txt").write_text("AU12=2\n")
    batch = [
        "batch",
        str(photo.parent),
        "--requests",
        str(photo.parent / "requests.txt"),
        "-o",
        str(photo.parent / "run"),
        "-q",
    ]
    for line in (asked, batch, ["evaluate", "--output", str(photo.parent / "out")], ["app"]):
        assert main([*line, "--device", ABSENT]) == 2
        told = capsys.readouterr().err
        assert "There is no device" in told
        assert len(told.splitlines()) == 1


def test_text_and_conditions_tell_a_wrong_device_too(photo, nothing_loads):
    from fineface import generate
    from rigface import rig

    for ask in (lambda: generate("a man", {}, device=ABSENT), lambda: rig(str(photo), device=ABSENT)):
        with refused(InputError, "device"):
            ask()


@pytest.fixture
def made_head(monkeypatch):
    head = {"points": torch.zeros(2, 3)}, {"actions": "a b"}
    monkeypatch.setattr(anny_data, "build", lambda: head)
    return head


@pytest.mark.parametrize("where", ["FACE_RIG_HOME", "HOME", "no home"])
def test_a_head_that_cannot_be_kept_stays_in_memory_and_this_is_said_before_it_is_made(
    where, monkeypatch, made_head, caplog
):
    monkeypatch.delenv("FACE_RIG_HOME", raising=False)
    monkeypatch.setenv("HOME" if where == "no home" else where, str(NOWHERE))
    if where == "no home":
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home directory")))
    told = []
    monkeypatch.setattr(anny_data, "build", lambda: told.extend(caplog.messages) or made_head)
    with caplog.at_level(logging.WARNING):
        assert anny_data.load() == made_head
    (line,) = told
    assert "FACE_RIG_HOME" in line
    assert caplog.messages == told


def test_a_head_that_a_full_disk_does_not_take_stays_in_memory(monkeypatch, tmp_path, made_head, caplog):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))
    monkeypatch.setattr(anny_data, "save_file", full)
    assert anny_data.load() == made_head
    assert "No space left" in caplog.text
    assert not list((tmp_path / "face3d").iterdir())


def test_a_head_is_kept_where_it_can_be(monkeypatch, tmp_path, made_head, caplog):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))
    anny_data.load()
    monkeypatch.setattr(anny_data, "build", None)
    tensors, labels = anny_data.load()
    assert torch.equal(tensors["points"], made_head[0]["points"])
    assert labels == made_head[1]
    assert not caplog.messages


def test_writable_tries_and_leaves_nothing(tmp_path, monkeypatch):
    assert files.writable(tmp_path / "new" / "folder")
    assert not list(tmp_path.iterdir())
    assert not files.writable(NOWHERE)
    monkeypatch.setenv("FACE_RIG_HOME", "~/models")
    assert files.home() == Path("~/models").expanduser()


@pytest.mark.parametrize(
    "line",
    [
        "magicface {photo} AU12=2 -o {nowhere}/a.png",
        "magicface sweep {photo} AU12 -o {nowhere}/a.png",
        "magicface animate {photo} happy -o {nowhere}/a.gif",
        "magicface explain AU12 -o {nowhere}/a.png",
        "magicface batch {folder} --requests {folder}/requests.txt -o {nowhere}",
        "magicface evaluate -o {nowhere}",
        "rigface {photo} AU12=2 -o {nowhere}/a.png",
        "rigface evaluate -o {nowhere}",
        "fineface man AU12=2 -o {nowhere}/a.png --seed 1",
        "fineface edit {photo} AU12=2 -o {nowhere}/a.png --seed 1",
        "fineface evaluate -o {nowhere}",
        "microexpression analyze {photo} -o {nowhere}",
        "microexpression train --model rcn_a --data {folder} --datasets smic -o {nowhere}",
        "microexpression synthetic -o {nowhere}",
        "surveillance describe {folder} -o {nowhere}",
        "surveillance evaluate {folder} --truth {photo} -o {nowhere}",
        "surveillance predict {folder} -o {nowhere}",
    ],
)
def test_a_place_that_takes_no_result_is_told_before_the_work(line, photo, nothing_loads, capsys):
    (photo.parent / "requests.txt").write_text("AU12=2\n")
    program, *arguments = line.format(photo=photo, folder=photo.parent, nowhere=NOWHERE).split()
    assert import_module(f"{program}.__main__").main(arguments) == 2
    assert f"Nothing can be written to {NOWHERE}" in capsys.readouterr().err
