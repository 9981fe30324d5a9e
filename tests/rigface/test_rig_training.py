"""RigFace learns from pairs that are seen as photos are seen, and what it leaves behind edits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from common.synthetic.data.dataset import SyntheticFaces
from common.warp.delta import VECTOR_SIZE
from rigface import RigFace
from rigface.data import STILL_EVERY, SyntheticRigs
from rigface.request import RigEdit
from rigface.task import RigFaceTask
from rigface.train import main

CONFIG = """
output = "{output}"
synthetic_count = 4
synthetic_people = 4
synthetic_cache = "{cache}"
size = 64
prediction = "v_prediction"
zero_terminal_snr = true
vector_dropout = 0.0
steps = 2
batch_size = 2
workers = 0
tensorboard = false
cache_latents = "memory"
validation_count = 1
validation_steps = 1
validation_guidance = 1.0
half = true

[defaults]
steps = 1
conditioning_image = "photo"

[unet]
block_out_channels = [16, 16]
down_block_types = ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D"]
up_block_types = ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]
layers_per_block = 1
attention_head_dim = 2
norm_num_groups = 4

[autoencoder]
block_out_channels = [16, 16]
down_block_types = ["DownEncoderBlock2D", "DownEncoderBlock2D"]
up_block_types = ["UpDecoderBlock2D", "UpDecoderBlock2D"]
latent_channels = 4
norm_num_groups = 4
"""


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> SyntheticFaces:
    cache = tmp_path_factory.mktemp("faces")
    return SyntheticFaces(
        STILL_EVERY, size=64, people=4, pairs="mixed", cache=cache, names=("image", "angles", "light")
    )


def test_pairs_hold_what_the_network_sees(faces):
    pair = SyntheticRigs(faces)[0]
    assert {name: tuple(value.shape) for name, value in pair.items()} == {
        "source": (3, 64, 64),
        "target": (3, 64, 64),
        "conditioning_images": (2, 3, 64, 64),
        "vector": (VECTOR_SIZE,),
    }
    assert torch.equal(pair["conditioning_images"][0], pair["source"])
    assert pair["vector"].abs().max() > 0
    assert not torch.equal(pair["source"], pair["target"])


def test_every_twentieth_photo_stays_as_it_is(faces):
    pair = SyntheticRigs(faces)[STILL_EVERY - 1]
    assert torch.equal(pair["source"], pair["target"])
    assert pair["vector"].abs().max() < 1e-6


def test_vectors_in_words():
    vector = torch.zeros(VECTOR_SIZE)
    assert RigFaceTask.named(vector.tolist()) == "nothing"
    vector[6], vector[12], vector[20] = 2.5, -1.2, 0.3
    assert RigFaceTask.named(vector.tolist()) == "AU12=2.5 yaw=-12 light"


@pytest.mark.slow
def test_a_trained_model_edits(tmp_path, astronaut, monkeypatch):
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(output=tmp_path / "run", cache=tmp_path / "cache"))
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    assert main([str(config)]) == 0
    assert list((tmp_path / "run" / "validation").glob("step-*.png"))
    editor = RigFace.from_pretrained(tmp_path / "run" / "model", device="cpu", detector="mediapipe", parser="grabcut")
    assert editor.defaults.conditioning_image == "photo"
    subject = editor.encode(astronaut)
    requests = [RigEdit(light="azimuth=60"), RigEdit(pose="yaw=15", expression={"AU12": 3})]
    lit, turned = editor.edit(subject, requests, progress=False)
    assert lit.size == turned.size == (512, 512)
    assert not np.array_equal(np.array(lit), np.array(turned))


def test_the_guide_must_be_the_photo(tmp_path, capsys):
    config = tmp_path / "config.toml"
    text = CONFIG.format(output=tmp_path / "run", cache=tmp_path / "cache")
    config.write_text(text.replace('conditioning_image = "photo"', ""))
    assert main([str(config)]) == 2
    assert 'conditioning_image = "photo"' in capsys.readouterr().err
