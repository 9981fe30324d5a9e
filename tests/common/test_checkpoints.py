"""Published layouts load strictly; what is missing or wrong is named."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from diffusers import UNet2DConditionModel
from refusals import refused
from safetensors.torch import load_file, save_file

from common.core.errors import CheckpointError, InputError, MissingCheckpointError
from common.core.files import model_folder
from common.diffusion import loading
from common.diffusion.conditioning import Rig
from common.weights.unet import WEIGHTS


@pytest.fixture
def copy(model_folder, tmp_path):
    return shutil.copytree(model_folder, tmp_path / "model")


def spoil(path, change):
    state = load_file(path)
    change(state)
    save_file(state, path)


def test_the_released_scheduler(copy):
    """PNDM's published config becomes UniPC as diffusers 0.25.1 made it; ours is taken as it stands."""
    scheduler = loading.load(copy, device="cpu").scheduler
    scheduler.set_timesteps(50)
    assert scheduler.sigmas[-1] == pytest.approx(0.0291675, abs=1e-6)
    assert scheduler.timesteps.tolist()[:2] == [999, 979]
    shutil.rmtree(copy / "scheduler")
    without = loading.load(copy, device="cpu").scheduler
    without.set_timesteps(50)
    assert torch.equal(without.sigmas, scheduler.sigmas)
    own = type(scheduler).from_config(scheduler.config, final_sigmas_type="zero")
    own.save_config(copy / "scheduler")
    assert loading.load(copy, device="cpu").scheduler.config.final_sigmas_type == "zero"


def test_keys_are_checked(copy):
    denoiser = copy / "denoising_unet" / WEIGHTS
    spoil(denoiser, lambda state: state.update(stray=state.pop("conv_out.bias")))
    with pytest.raises(CheckpointError, match=r"conv_out\.bias[\s\S]*stray"):
        loading.load(copy, device="cpu")


def test_shapes_are_checked(copy):
    spoil(copy / "ID_enc" / WEIGHTS, lambda state: state.update({"conv_in.bias": torch.zeros(3)}))
    with pytest.raises(CheckpointError, match=r"conv_in\.bias.*\(8,\).*\(3,\)"):
        loading.load(copy, device="cpu")


def test_a_denoiser_without_the_vector_is_refused(copy):
    spoil(copy / "denoising_unet" / WEIGHTS, lambda state: state.pop("au_aug_mlp.weight"))
    with pytest.raises(CheckpointError, match="au_aug_mlp"):
        loading.load(copy, device="cpu")


def test_vae_keys_are_checked(copy):
    spoil(copy / "vae" / WEIGHTS, lambda state: state.pop("decoder.conv_in.bias"))
    with pytest.raises(CheckpointError, match=r"decoder\.conv_in\.bias"):
        loading.load(copy, device="cpu")


@pytest.mark.parametrize("network", ["ID_enc", "denoising_unet", "vae"])
def test_a_broken_download_is_named(copy, network):
    path = copy / network / WEIGHTS
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=network):
        loading.load(copy, device="cpu")


@pytest.mark.parametrize("content", ["", "[]", '{"in_channels": "many"}', '{"block_out_channels": [0]}'])
@pytest.mark.parametrize("network", ["ID_enc", "denoising_unet"])
def test_a_broken_config_is_named(copy, network, content):
    (copy / network / "config.json").write_text(content)
    with pytest.raises(CheckpointError, match=network):
        loading.load(copy, device="cpu")


def test_a_prompt_of_another_model_is_refused(copy):
    save_file({"prompt_embeds": torch.zeros(1, 77, 768)}, copy / "prompt_embeds.safetensors")
    with refused(CheckpointError, "shape", expected="(1, 77, 24)", actual=(1, 77, 768)):
        loading.load(copy, device="cpu")


def test_missing_files_are_all_named(copy):
    (copy / "denoising_unet" / WEIGHTS).unlink()
    shutil.rmtree(copy / "vae")
    assert loading.missing_files(copy) == [
        f"denoising_unet/{WEIGHTS}",
        "vae/config.json",
        f"vae/{WEIGHTS}",
    ]
    with pytest.raises(MissingCheckpointError, match=r"vae/config.json[\s\S]*magicface download"):
        loading.load(copy, device="cpu")
    with pytest.raises(MissingCheckpointError):
        loading.load(copy / "nowhere", device="cpu")


def test_base_supplies_what_the_folder_lacks(copy, tmp_path):
    (tmp_path / "base").mkdir()
    for name in ("vae", "scheduler", "prompt_embeds.safetensors"):
        shutil.move(copy / name, tmp_path / "base" / name)
    loaded = loading.load(copy, base=tmp_path / "base", device="cpu")
    assert loaded.prompt_embeds.shape == (1, 77, 24)


def test_helper_files_lie_in_utils_or_at_the_top(copy):
    assert loading.auxiliary(copy, "79999_iter.pth") is None
    (copy / "79999_iter.pth").touch()
    assert loading.auxiliary(copy, "79999_iter.pth") == copy / "79999_iter.pth"
    (copy / "utils").mkdir()
    (copy / "utils" / "79999_iter.pth").touch()
    assert loading.auxiliary(copy, "79999_iter.pth") == copy / "utils" / "79999_iter.pth"


def test_loads_in_half_precision_and_ours(copy, tmp_path):
    loaded = loading.load(copy, dtype=torch.bfloat16, device="cpu")
    assert {n.dtype for n in (loaded.vae, loaded.unet, loaded.id_encoder)} == {torch.bfloat16}
    loaded.save_pretrained(tmp_path / "ours")
    again = loading.load(tmp_path / "ours", dtype=torch.bfloat16, device="cpu")
    assert all(torch.equal(a, b) for a, b in zip(again.unet.parameters(), loaded.unet.parameters()))
    assert again.unet.dtype == torch.bfloat16


@pytest.fixture
def base(model_folder, tmp_path):
    """A tiny Stable Diffusion: the ID encoder's architecture is the base model's own."""
    folder = tmp_path / "sd"
    shutil.copytree(model_folder / "ID_enc", folder / "unet")
    shutil.copytree(model_folder / "vae", folder / "vae")
    shutil.copytree(model_folder / "scheduler", folder / "scheduler")
    return folder


@torch.no_grad()
def test_training_starts_from_the_base_model(base, model_folder):
    """Every new door is shut: vector and conditioning images change nothing, the prediction is the base model's."""
    pipeline = loading.from_stable_diffusion(base, vector_size=12, conditioning_images=1)
    vanilla = UNet2DConditionModel.from_pretrained(base / "unet")
    sample, prompt, vector = torch.randn(2, 8, 16, 16), torch.randn(2, 77, 24), torch.randn(2, 12)
    expected = vanilla(sample[:, :4], 300, prompt).sample
    actual = pipeline.unet(sample, 300, prompt, class_labels=vector).sample
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)
    assert pipeline.unet.config.in_channels == 8
    assert pipeline.unet.conv_in.weight.data_ptr() != pipeline.id_encoder.conv_in.weight.data_ptr()
    shared = pipeline.unet.conv_out.weight.data_ptr() == pipeline.id_encoder.conv_out.weight.data_ptr()
    assert not shared  # the twins are trained apart
    with pytest.raises(MissingCheckpointError, match="unet/"):
        loading.from_stable_diffusion(base / "nowhere", vector_size=12, conditioning_images=1)


def test_the_prompt_is_embedded_once_and_stored(copy):
    transformers = pytest.importorskip("transformers")
    (copy / "prompt_embeds.safetensors").unlink()
    vocabulary = {token: i for i, token in enumerate(
        ["a</w>", "close</w>", "up</w>", "of</w>", "person</w>", ".</w>", *"acloseupfrn.",
         "<|startoftext|>", "<|endoftext|>"]
    )}  # fmt: skip
    tokenizer = copy / "tokenizer"
    tokenizer.mkdir()
    (tokenizer / "vocab.json").write_text(json.dumps(vocabulary))
    (tokenizer / "merges.txt").write_text("#version: 0.2\n")
    (tokenizer / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 77}))
    torch.manual_seed(0)
    config = transformers.CLIPTextConfig(
        vocab_size=len(vocabulary) + 2, hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2
    )
    transformers.CLIPTextModel(config).save_pretrained(copy / "text_encoder")
    embeds = loading.load(copy, device="cpu").prompt_embeds
    assert embeds.shape == (1, 77, 24)
    assert embeds.isfinite().all()
    assert torch.equal(load_file(copy / "prompt_embeds.safetensors")["prompt_embeds"], embeds)
    shutil.rmtree(copy / "text_encoder")
    assert torch.equal(loading.load(copy, device="cpu").prompt_embeds, embeds)


def test_a_pipeline_from_a_checkpoint_runs(copy):
    pipeline = loading.load(copy, device="cpu")
    pipeline.set_progress_bar_config(disable=True)
    identity = pipeline.encode_identity(torch.rand(1, 3, 64, 64))
    assert pipeline(identity, Rig(torch.zeros(1, 12), (torch.rand(1, 3, 64, 64),)), num_inference_steps=1).images


def test_model_names(tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert model_folder(tmp_path) == tmp_path
    assert model_folder("owner/name") == tmp_path / "home" / "owner--name"
    for bad in ("name", "a/b/c", "../x", "/absent", ""):
        with pytest.raises(InputError, match="owner/name"):
            model_folder(bad)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("scheduler/scheduler_config.json", '{"beta_schedule": "foo"}'),
        ("vae/config.json", '{"block_out_channels": "x"}'),
        ("model_index.json", "{}"),
        ("model_index.json", "{"),
    ],
)
def test_any_damage_is_our_error(copy, file, content):
    (copy / file).write_text(content)
    with pytest.raises(CheckpointError):
        loading.load(copy, device="cpu")


def test_a_prompt_file_without_its_tensor_and_empty_encoders(copy):
    save_file({"other": torch.zeros(1)}, copy / "prompt_embeds.safetensors")
    with pytest.raises(CheckpointError, match="prompt_embeds"):
        loading.load(copy, device="cpu")
    (copy / "prompt_embeds.safetensors").unlink()
    (copy / "text_encoder").mkdir()
    (copy / "tokenizer").mkdir()
    with pytest.raises(CheckpointError, match="text_encoder"):
        loading.load(copy, device="cpu")


@pytest.mark.parametrize("options", [{"device": "gpu"}, {"device": 3.5}, {"dtype": "int8"}, {"dtype": torch.int8}])
def test_device_and_dtype_are_checked(copy, options):
    with refused(InputError, "device" if "device" in options else "unknown"):
        loading.load(copy, **{"device": "cpu"} | options)


def test_dtype_by_name(copy):
    assert loading.load(copy, device="cpu", dtype="bfloat16").unet.dtype == torch.bfloat16


def test_the_message_names_the_folder_that_lacks_files(copy):
    (copy / "vae" / WEIGHTS).unlink()
    with pytest.raises(MissingCheckpointError, match=f"magicface download --to {copy}"):
        loading.load(copy, device="cpu")
    with pytest.raises(MissingCheckpointError, match="nowhere"):
        loading.load(copy, base=copy / "nowhere", device="cpu")
