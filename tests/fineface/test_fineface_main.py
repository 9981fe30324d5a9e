"""The command line: text in, files out, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from common.cli.edit_photos import split_inputs
from common.core.errors import ActionUnitError, MissingCheckpointError
from common.imaging.contact_sheet import MARGIN
from common.imaging.images import read_image
from fineface import variants as module
from fineface.__main__ import main
from fineface.request import expand
from fineface.variants import BASE_FILES, FACEID_REPO, RELEASE, SD15_FACEID, SD21


@pytest.fixture
def options(sd21_folder):
    return ["--model", str(sd21_folder), "--base", str(sd21_folder), "--device", "cpu", "--steps", "1", "-q",
            "--no-watermark"]  # fmt: skip


def test_one_picture(options, tmp_path, capsys):
    target = tmp_path / "out" / "smile.png"
    assert main(["a man", "AU12=4", "AU6=2", "-o", str(target), "--seed", "3", "--json", *options]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["output"], record["seed"], record["requests"]) == (str(target), 3, ["AU6=2,AU12=4"])
    assert read_image(target).size == (64, 64)


def test_a_sweep_becomes_a_sheet(options, tmp_path, capsys):
    assert main(["a man", "AU12=0:5", "--columns", "3", "-o", str(tmp_path / "row.png"), "--json", *options]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["requests"] == ["neutral", "AU12=2.5", "AU12=5"]
    assert isinstance(record["seed"], int)
    width, height = read_image(tmp_path / "row.png").size
    assert width > 3 * 64
    assert height > 64


def test_an_edit(options, tmp_path, astronaut):
    photo = tmp_path / "photo.png"
    Image.fromarray(astronaut).save(photo)
    extra = ["--variant", "sd21", "--size", "128", "--detector", "mediapipe", "--parser", "grabcut"]
    assert main(["edit", str(photo), "AU12=4", "-o", str(tmp_path / "out.png"), *extra, *options]) == 0
    changed = np.abs(np.array(read_image(tmp_path / "out.png")).astype(int) - astronaut).max(2) > 0
    assert 0.005 < changed.mean() < 0.3


def test_a_sweep_of_a_photo_shows_its_face(options, tmp_path, astronaut):
    photo, page = tmp_path / "photo.png", tmp_path / "sheet.png"
    Image.fromarray(astronaut[:, :400]).save(photo)
    extra = ["--variant", "sd21", "--size", "128", "--detector", "mediapipe", "--parser", "grabcut", "--side", "100"]
    asked = ["sweep", str(photo), "AU12", "--levels", "0,4", "-o", str(page), *extra, *options]
    assert main(asked) == 0
    whole = read_image(page)
    assert whole.width == 2 * (78 + MARGIN) + MARGIN
    assert main([*asked, "--crop", "face"]) == 0
    # a face's box is of whole pixels
    assert read_image(page).width == pytest.approx(2 * (100 + MARGIN) + MARGIN, abs=4)


def test_conversion(golden_sd21, tmp_path):
    target = tmp_path / "adapter.safetensors"
    assert main(["convert", "--model", str(golden_sd21), "-o", str(target)]) == 0
    assert {key.split(".")[0] for key in load_file(target)} == {"image_proj", "ip_adapter"}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["a man", "AU13=3"], 2, "AU13"),
        (["a man", "AU12"], 2, "AU12=3"),
        (["a man"], 2, "AU12=3"),
        (["AU12=3"], 2, "got:      0"),
        (["a man", "AU12=99"], 2, "[-5, 10]"),
        (["a man", "AU12=0:5", "--columns", "1"], 2, "at least 2"),
        (["a man", "AU12=3", "-o", "x.txt"], 2, ".txt"),
        (["a man", "AU12=3", "--side", "64"], 2, "--side"),
        (["a man", "AU12=0:5", "--side", "0"], 2, "side"),
        (["a man", "AU12=3", "--steps", "0"], 2, "steps"),
        (["a man", "AU12=3", "--variant", "sd21"], 3, "fineface download"),
        (["a man", "AU12=3", "--model", "absent"], 2, "owner/name"),
        (["edit", "AU12=3"], 2, "photo.jpg"),
        (["edit", "absent.jpg", "AU12=3"], 2, "absent.jpg"),
        (["convert", "--model", "."], 1, "attn_processors"),
    ],
)
def test_exit_codes(arguments, code, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    assert main(arguments) == code
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_words_and_requests():
    words = ["AU12=0:5", "AU4=1,AU6=2"]
    assert split_inputs(["a man, AU fan", *words]) == (["a man, AU fan"], words)
    assert split_inputs(["a happy man", "happy", "angry:0.7"]) == (["a happy man"], ["happy", "angry:0.7"])
    assert split_inputs(["sad, lonely man", "sad,AU4=1"]) == (["sad, lonely man"], ["sad,AU4=1"])
    assert split_inputs(["a man", "neutral"]) == (["a man"], ["neutral"])
    assert split_inputs(["E = m", "AU12 = 3"]) == ([], ["E = m", "AU12 = 3"])


def texts(request, *steps) -> list[str]:
    return [str(each) for each in expand(request, *steps)]


def test_ranges_run_together():
    assert texts("AU12=0:4,AU6=1", 3) == ["AU6=1", "AU6=1,AU12=2", "AU6=1,AU12=4"]
    assert texts("AU12=5:0 AU6=0:-2", 2) == ["AU12=5", "AU6=-2"]
    assert texts("AU12=3", 6) == ["AU12=3"]
    assert texts("neutral") == ["neutral"]
    assert texts("neutral,AU12=3") == ["AU12=3"]
    assert texts("pleasantly surprised:0.5,AU1=0") == ["AU2=1,AU5=0.5,AU12=1.5,AU25=1.5,AU26=0.5"]
    assert texts("AU12=0:4,happy:0.5", 2) == ["AU6=1.5,AU25=1.5", "AU6=1.5,AU12=4,AU25=1.5"]
    with pytest.raises(ActionUnitError, match=r"\[-5, 10\]"):
        expand("AU12=0:20")


def test_help_needs_no_torch():
    code = "import sys; from fineface.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n" \
           "assert 'torch' not in sys.modules"  # fmt: skip
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "AU12=4" in result.stdout


# --- download, from a hub that the test plays ------------------------------------------------------------------------


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Repositories -> their files; the first base is gone. Records what was asked."""
    repos = {
        RELEASE: [
            "attn_processors.ckpt",
            "au_encoder.ckpt",
            SD21.lora,
            "sd15_attn_processors.ckpt",
            "sd15_au_encoder.ckpt",
        ],
        FACEID_REPO: [SD15_FACEID.faceid],
        SD21.bases[1]: [name.replace("*", "vocab.json") for name in BASE_FILES],
        SD15_FACEID.bases[1]: [name.replace("*", "vocab.json") for name in BASE_FILES],
    }
    asked = []

    def fetch(repo, files, folder):
        asked.append(repo)
        if repo not in repos:
            raise MissingCheckpointError(f"Fetching {repo} failed: 404")
        for name in repos[repo]:
            if any(name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1])) for pattern in files):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).touch()

    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(module, "fetch", fetch)
    monkeypatch.setattr(module, "online", lambda: True)
    return asked


@pytest.mark.parametrize("variant", [SD21, SD15_FACEID])
def test_download_from_the_first_base_that_answers(hub, tmp_path, variant):
    folder, base = module.download(variant)
    assert base == tmp_path / "home" / variant.bases[1].replace("/", "--")
    assert hub == [RELEASE, *[FACEID_REPO] * bool(variant.faceid), *variant.bases[:2]]
    names = {path.name for path in folder.iterdir()}
    assert f"{variant.processors}.ckpt" in names
    assert not names & {"sd15_au_encoder.ckpt" if variant is SD21 else "au_encoder.ckpt"}  # no more than is needed
    assert module.download(variant) == (folder, base)
    assert len(hub) == 3 + bool(variant.faceid)  # what is there is not fetched again


def test_download_offline(hub, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(module, "online", lambda: False)
    assert main(["download", "--to", str(tmp_path / "a")]) == 3
    said = capsys.readouterr().err
    assert str(tmp_path / "a" / "attn_processors.ckpt") in said
    assert "--base-to FOLDER" in said
    assert hub == []
