"""The small networks inside the package: they run where they are named, and do as their file says."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from common.core.errors import CheckpointError, InputError, MissingCheckpointError
from common.diffusion.loading import missing_files
from common.editing.defaults import Defaults, write_defaults
from common.editing.models import EMBEDDED_NOTE
from common.editing.options import EditOptions
from common.weights.state_dict import read_weights
from magicface import MagicFace, edit
from magicface.__main__ import main

OFFLINE = {"device": "cpu", "detector": "mediapipe", "parser": "grabcut"}
SMALL = Defaults(steps=2, guidance=1.0, region="face", paste_back="detail")


@pytest.fixture(scope="module")
def folder(model_folder, tmp_path_factory) -> Path:
    """Stands for the package's: tiny random networks that say how they are to be used."""
    folder = tmp_path_factory.mktemp("package") / "embedded"
    shutil.copytree(model_folder, folder)
    write_defaults(folder, SMALL)
    return folder


@pytest.fixture
def embedded(folder, tmp_path, monkeypatch) -> Path:
    """In place of the package's model, on a machine that has no other."""
    monkeypatch.setattr(MagicFace, "embedded", folder)
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    return folder


def contents(folder: Path):
    return sorted((path, path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*"))


def test_asked_for_by_name_it_says_in_one_line_what_it_is_for(embedded, caplog):
    with caplog.at_level(logging.WARNING):
        editor = MagicFace.from_pretrained("embedded", **OFFLINE)
    assert caplog.messages == [EMBEDDED_NOTE]
    assert "\n" not in EMBEDDED_NOTE
    assert editor.defaults == SMALL


def test_not_asked_for_it_is_not_loaded(embedded, caplog):
    with caplog.at_level(logging.WARNING):
        editor = MagicFace.from_pretrained(**OFFLINE)
    assert editor.resolve(EditOptions()).engine == "warp"
    assert [message.count("magicface download") for message in caplog.messages] == [1]


def test_loading_writes_nothing_into_the_package(embedded, astronaut):
    before = contents(embedded)
    editor = MagicFace.from_pretrained("embedded", size=64, **OFFLINE)
    editor.edit(editor.encode(astronaut), {"AU12": 3}, progress=False)
    assert contents(embedded) == before


def test_a_fetched_release_comes_first(embedded, model_folder, tmp_path, caplog):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mengtingwei--magicface").symlink_to(model_folder)
    with caplog.at_level(logging.WARNING):
        assert MagicFace.from_pretrained(**OFFLINE).defaults == Defaults()
    assert not caplog.messages


@pytest.mark.parametrize("name", ["mengtingwei/magicface", "owner/absent"])
def test_a_named_model_that_is_missing_is_an_error(embedded, astronaut, name):
    with pytest.raises(MissingCheckpointError, match="magicface download"):
        edit(astronaut, {"AU12": 3}, model=name)


def test_an_unfinished_download_is_an_error(embedded, tmp_path):
    (tmp_path / "home" / "mengtingwei--magicface" / "vae").mkdir(parents=True)
    with pytest.raises(MissingCheckpointError, match="--model embedded"):
        MagicFace.from_pretrained(**OFFLINE)


def test_an_installation_without_it(embedded, tmp_path, monkeypatch):
    monkeypatch.setattr(MagicFace, "embedded", tmp_path / "nowhere")
    with pytest.raises(MissingCheckpointError, match="embedded"):
        MagicFace.from_pretrained("embedded", **OFFLINE)


def test_its_own_settings_are_taken_unless_others_are_given(embedded, astronaut, monkeypatch):
    editor = MagicFace.from_pretrained("embedded", size=64, **OFFLINE)
    subject = editor.encode(astronaut)
    assert subject.record["region"] == "face"
    assert editor.encode(astronaut, region="head").record["region"] == "head"

    def pixels(**options):
        return np.array(editor.edit(subject, {"AU12": 3}, progress=False, **options)).astype(int)

    own = pixels()
    assert (own == pixels(steps=2, guidance=1.0, paste_back="detail")).all()
    for option in ({"steps": 3}, {"guidance": 3.0}, {"paste_back": "replace"}):
        assert (own != pixels(**option)).any(), option
    assert pixels(paste_back=False).shape == (64, 64, 3)


def test_its_own_crop_is_closer(folder, astronaut, tmp_path):
    shutil.copytree(folder, tmp_path / "model")
    write_defaults(tmp_path / "model", replace(SMALL, zoom=2.0))
    far, near = (
        MagicFace.from_pretrained(at, size=64, **OFFLINE).encode(astronaut) for at in (folder, tmp_path / "model")
    )
    np.testing.assert_allclose(near.crop.matrix[:, :2], 2 * far.crop.matrix[:, :2])


def test_its_guide_may_be_the_photo(folder, astronaut, tmp_path):
    shutil.copytree(folder, tmp_path / "model")
    write_defaults(tmp_path / "model", replace(SMALL, conditioning_image="photo"))
    hidden, shown = (
        MagicFace.from_pretrained(at, size=64, **OFFLINE).encode(astronaut) for at in (folder, tmp_path / "model")
    )
    assert np.array_equal(shown.background, shown.source)
    assert (hidden.background != hidden.source).any()
    assert np.array_equal(shown.mask, hidden.mask)  # what an edit may change is another question


def test_the_command_line(embedded, astronaut, tmp_path, capsys):
    Image.fromarray(astronaut).save(tmp_path / "photo.png")
    command = [str(tmp_path / "photo.png"), "AU12=3", "--size", "64", "--json", "-q", "-o", str(tmp_path / "out.png")]
    command += ["--detector", "mediapipe", "--parser", "grabcut", "--device", "cpu", "--model", "embedded"]
    assert main(command) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["steps"], record["guidance"], record["paste_back"], record["region"]) == (2, 1.0, "detail", "face")
    assert main([*command, "--steps", "1", "--paste", "none", "--region", "head"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["steps"], record["guidance"], record["paste_back"], record["region"]) == (1, 1.0, False, "head")


def test_settings_that_no_edit_can_use(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model" / "editor.json").write_text('{"steps": -1}')
    with pytest.raises(CheckpointError, match=r"editor\.json"):
        MagicFace.from_pretrained(tmp_path / "model", **OFFLINE)
    with pytest.raises(InputError, match="steps"):
        MagicFace.from_pretrained(folder, **OFFLINE).edit([], {}, steps=-1)


@pytest.fixture(scope="module")
def shipped() -> Path:
    assert not missing_files(MagicFace.embedded)
    return MagicFace.embedded


def test_the_shipped_model_is_small_and_half_precise(shipped):
    files = [path for path in shipped.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 40 * 2**20
    for path in files:
        if path.suffix == ".safetensors":
            assert {tensor.dtype for tensor in read_weights(path).values()} == {torch.float16}, path


def test_the_shipped_model_edits(shipped, astronaut):
    editor = MagicFace.from_pretrained("embedded", **OFFLINE)
    assert editor.size >= 128
    assert editor.pipeline.unet.dtype == editor.pipeline.vae.dtype == torch.float32
    assert (editor.defaults.guidance, editor.defaults.region, editor.defaults.paste_back) == (1.0, "face", "detail")
    image = editor.edit(editor.encode(astronaut), {"AU12": 3}, progress=False)
    changed = np.abs(np.array(image).astype(int) - astronaut).max(2) > 0
    assert 0.005 < changed.mean() < 0.5
