"""Folders of models that would have code loaded, other files read, or memory filled: refused by the file's name."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from breadth import breadth
from diffusers import UNet2DConditionModel
from guards import guarded
from safetensors.torch import save_file

from common.core.errors import CheckpointError
from common.diffusion import loading
from common.weights.config_guard import read_architecture
from common.weights.text_encoder import load_text
from common.weights.unet import WEIGHTS
from fineface.checkpoints import load as load_fineface
from fineface.variants import SD21

HACK = "from pathlib import Path\nPath({!r}).touch()\nclass Hack: pass\n"


@pytest.fixture
def copy(model_folder, tmp_path) -> Path:
    return shutil.copytree(model_folder, tmp_path / "model")


@pytest.fixture(scope="module")
def kept(model_folder, tmp_path_factory) -> Path:
    """A model in diffusers' layout."""
    folder = tmp_path_factory.mktemp("kept") / "saved"
    loading.load(model_folder, device="cpu").save_pretrained(folder)
    return folder


@pytest.fixture
def saved(kept, tmp_path) -> Path:
    """It, with code in every folder that a loader may look for it in."""
    shutil.copytree(kept, tmp_path / "saved")
    for folder in (tmp_path / "saved", *(path for path in (tmp_path / "saved").iterdir() if path.is_dir())):
        (folder / "hack.py").write_text(HACK.format(str(tmp_path / "ran")))
    return tmp_path / "saved"


@pytest.fixture
def base(sd21_folder, tmp_path) -> Path:
    return shutil.copytree(sd21_folder, tmp_path / "base")


def change(path: Path, **values) -> None:
    path.write_text(json.dumps((json.loads(path.read_text()) if path.exists() else {}) | values))


@pytest.mark.parametrize("name", ["StableDiffusionPipeline", "hack", ["hack", "Hack"], None])
def test_an_index_of_another_pipeline_is_refused(saved, name):
    change(saved / "model_index.json", _class_name=name)
    with pytest.raises(CheckpointError, match=r"model_index\.json") as caught:
        loading.load(saved, device="cpu")
    assert caught.value.code == "refused"


@pytest.mark.parametrize(
    "foreign", breadth([["hack", "Hack"], ["os", "system"], "hack", [["os"], {}], [None, None]], 2)
)
def test_classes_that_an_index_names_are_never_loaded(saved, tmp_path, foreign):
    change(saved / "model_index.json", unet=foreign, vae=foreign, scheduler=foreign, extra=foreign)
    with guarded():
        loaded = loading.load(saved, device="cpu")
    assert type(loaded.unet) is UNet2DConditionModel
    assert loaded.id_encoder is not None
    assert not (tmp_path / "ran").exists()
    assert "hack" not in sys.modules


def test_code_beside_the_weights_is_left_alone(saved, tmp_path):
    """Also where the folder says of itself where it came from, or what would load it."""
    change(saved / "unet" / "config.json", _name_or_path="../../elsewhere", custom="hack.Hack")
    assert loading.load(saved, device="cpu").vector_size == 12
    assert not (tmp_path / "ran").exists()


def test_what_was_saved_is_loaded_strictly(saved):
    """diffusers would fill in random numbers for a weight that is not there."""
    save_file({"conv_in.bias": torch.zeros(8)}, saved / "unet" / WEIGHTS)
    with pytest.raises(CheckpointError, match="unet") as caught:
        loading.load(saved, device="cpu")
    assert caught.value.code == "keys"


def test_a_model_with_an_exact_autoencoder_comes_back(tmp_path):
    from magicface import MagicFace

    small = loading.load(Path(sys.modules[MagicFace.__module__].__file__ or "").parent / "embedded", device="cpu")
    small.save_pretrained(tmp_path)
    again = loading.load(tmp_path, device="cpu")
    assert type(again.vae) is type(small.vae)
    assert type(again.scheduler) is type(small.scheduler)
    assert all(torch.equal(a, b) for a, b in zip(again.unet.parameters(), small.unet.parameters()))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"auto_map": {"AutoModel": "hack.Hack"}}, "auto_map"), ({"quantization_config": {"a": 1}}, "quantization"),
        ({"_class_name": "DiffusionPipeline"}, "of the class"), ({"_class_name": ["hack", "Hack"]}, "of the class"),
        ({"dropout": float("nan")}, "dropout"), ({"dropout": float("inf")}, "dropout"),
        ({"cross_attention_dim": 10**12}, "cross_attention_dim"), ({"in_channels": 10**400}, "in_channels"),
        ({"layers_per_block": 10**5}, "layers"), ({"layers_per_block": [100] * 2}, "layers_per_block"),
        ({"transformer_layers_per_block": 200, "layers_per_block": 200}, "layers"),
        ({"sample_size": None}, "sample_size"),
        ({"block_out_channels": [8] * 1000}, "blocks"), ({"block_out_channels": [[[8]]]}, "block_out_channels"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("part", breadth(["denoising_unet", "ID_enc"]))
def test_a_config_that_asks_for_more_than_a_network_is_refused(copy, part, values, words):
    change(copy / part / "config.json", **values)
    with guarded(), pytest.raises(CheckpointError, match=f"(?s){part}.*({words})"):
        loading.load(copy, device="cpu")


@pytest.mark.parametrize(
    "values", [{"_class_name": ["AutoencoderKL"]}, {"auto_map": {"a": "b"}}, {"latent_channels": 10**9}]
)
def test_so_is_an_autoencoders(copy, values):
    change(copy / "vae" / "config.json", **values)
    with guarded(), pytest.raises(CheckpointError, match="vae"):
        loading.load(copy, device="cpu")


@pytest.mark.parametrize(
    "values",
    breadth(
        [
            {"num_train_timesteps": 10**13},
            {"auto_map": {"a": "b"}},
            {"num_train_timesteps": "x"},
            {"beta_start": float("nan")},
        ],
        2,
    ),
)
def test_so_is_a_schedulers(copy, base, values):
    for folder in (copy, base):
        change(folder / "scheduler" / "scheduler_config.json", **values)
    with guarded(), pytest.raises(CheckpointError, match=r"scheduler_config\.json"):
        loading.load(copy, device="cpu")
    with guarded(), pytest.raises(CheckpointError, match=r"scheduler_config\.json"):
        load_fineface(base, base, SD21, device="cpu")


@pytest.mark.parametrize("name", breadth(["DiffusionPipeline", ["hack", "Hack"], "AutoencoderKL", "utils", "os", 5], 2))
def test_a_scheduler_is_one_of_the_hosts(saved, base, name):
    change(saved / "scheduler" / "scheduler_config.json", _class_name=name)
    change(base / "scheduler" / "scheduler_config.json", _class_name=name)
    for load in (
        lambda: loading.load(saved, device="cpu"),
        lambda: load_fineface(base, base, SD21, device="cpu"),
    ):
        with guarded(), pytest.raises(CheckpointError, match=r"scheduler_config\.json") as caught:
            load()
        assert caught.value.code == "refused"


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("config.json", {"auto_map": {"AutoModel": "hack.Hack"}}), ("config.json", {"num_hidden_layers": 10**9}),
        ("config.json", {"vocab_size": 10**12}), ("config.json", {"_attn_implementation": "somebody/kernels"}),
        ("config.json", {"quantization_config": {"quant_method": "hqq"}}), ("config.json", {"hidden_size": 10**5}),
        ("adapter_config.json", {"base_model_name_or_path": "../elsewhere", "peft_type": "LORA"}),
    ],
)  # fmt: skip
def test_so_is_a_text_encoders(base, tmp_path, file, values):
    (base / "text_encoder" / "hack.py").write_text(HACK.format(str(tmp_path / "ran")))
    change(base / "text_encoder" / file, **values)
    with guarded(), pytest.raises(CheckpointError, match="text_encoder"):
        load_text(base / "text_encoder", base / "tokenizer")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "shards", [{}, {"a": "absent.safetensors"}, {"a": "../../secret.safetensors"}, {"a": "/dev/zero"}, 5]
)
def test_shards_that_are_not_there_are_told(copy, shards):
    (copy / "vae" / WEIGHTS).unlink()
    (copy / "vae" / f"{WEIGHTS}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": shards}))
    with guarded(), pytest.raises(CheckpointError, match="vae"):
        loading.load(copy, device="cpu")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "dangling"])
@pytest.mark.parametrize("file", ["ID_enc/config.json", f"ID_enc/{WEIGHTS}", f"vae/{WEIGHTS}", "vae/config.json"])
def test_what_is_no_file_is_named_and_not_waited_for(copy, kind, file):
    path = copy / file
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else "nowhere")
    with guarded(), pytest.raises(CheckpointError, match=file):
        loading.load(copy, device="cpu")


def test_links_to_files_are_followed_as_the_hubs_cache_has_them(copy, tmp_path):
    path = copy / "ID_enc" / "config.json"
    shutil.move(path, tmp_path / "blob")
    path.symlink_to(tmp_path / "blob")
    assert loading.load(copy, device="cpu").id_encoder is not None


def test_numbers_of_real_networks_pass(tmp_path):
    """Stable Diffusion XL's layers, DC-AE's nested lists, DPM-Solver's minus infinity."""
    config = {
        "layers_per_block": 2,
        "transformer_layers_per_block": [1, 2, 10],
        "reverse_transformer_layers_per_block": [[1, 2, 10]],
    }
    config |= {"encoder_qkv_multiscales": [[], [], [5]], "lambda_min_clipped": float("-inf"), "sample_size": 1024}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert read_architecture(tmp_path / "config.json")["sample_size"] == 1024
