"""The small model inside the package: it is there, small, and makes faces of its captions."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline

from common.imaging.images import read_image
from common.weights.state_dict import read_weights
from common.weights.vae import load_vae
from fineface import FineFace, edit, generate
from fineface.__main__ import main
from fineface.variants import EMBEDDED_FOLDER, WHOLE, missing_base_files, missing_files

pytestmark = pytest.mark.usefixtures("one_thread")

FAST = {"seed": 3, "steps": 3, "progress": False, "device": "cpu"}
CAPTION = "a close-up of a man with a full beard and red hair"


@pytest.fixture(scope="module")
def shipped() -> Path:
    assert not missing_files(EMBEDDED_FOLDER, WHOLE)
    assert not missing_base_files(EMBEDDED_FOLDER)
    return EMBEDDED_FOLDER


@pytest.fixture
def bare(shipped, tmp_path, monkeypatch) -> Path:
    """A machine that has fetched nothing."""
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_is_small_and_half_precise(shipped):
    files = [path for path in shipped.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 40 * 2**20
    for path in files:
        if path.suffix == ".safetensors":
            kinds = {tensor.dtype for tensor in read_weights(path).values() if tensor.is_floating_point()}
            assert kinds == {torch.float16}, path


def test_without_weights_it_steps_in_and_says_so(bare, caplog):
    with caplog.at_level(logging.WARNING):
        image = generate(CAPTION, {"AU12": 4}, **FAST)
    assert sum("fineface download" in message for message in caplog.messages) == 1
    assert image.size == (128, 128)
    assert np.asarray(image).std() > 20  # a picture, not a plain field


def test_action_units_change_the_face_and_little_else(bare):
    editor = FineFace.from_pretrained(model="embedded", device="cpu")
    calm, open_mouth = editor.generate(CAPTION, [{}, {"AU25": 4, "AU26": 5}], seed=3, steps=10, progress=False)
    change = np.abs(np.asarray(calm, int) - np.asarray(open_mouth, int)).mean(2)
    assert change[64:112, 36:92].mean() > 2 * change[:24].mean()


def test_a_photo_is_edited_within_its_face(bare, astronaut):
    image = edit(astronaut, {"AU12": 4}, detector="mediapipe", parser="grabcut", **FAST)
    changed = np.abs(np.array(image).astype(int) - astronaut).max(2) > 0
    assert 0.005 < changed.mean() < 0.5


def test_stock_diffusers_carries_it(shipped):
    pipeline = FineFace.from_pretrained(model="embedded", device="cpu").pipeline
    assert type(pipeline) is StableDiffusionPipeline
    vae = load_vae(shipped / "vae")
    other = StableDiffusionImg2ImgPipeline.from_pretrained(shipped, vae=vae, safety_checker=None)
    assert other.unet.config["sample_size"] == pipeline.unet.config["sample_size"]


def test_the_command_line(bare, capsys):
    command = [CAPTION, "AU12=4", "--steps", "2", "--seed", "1", "--device", "cpu", "-q", "--json", "-o", "out.png"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["seed"] == 1
    assert read_image("out.png").size == (128, 128)
