"""NaN and infinity never leave a network unsaid: the error names cause, dtype and what to try."""

from __future__ import annotations

import pickle
import shutil
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused
from safetensors.torch import load_file, save_file

from common.core.errors import CheckpointError, InputError, NonFiniteError
from common.core.finite import check_finite, check_weights, is_finite
from common.diffusion import loading
from common.diffusion.conditioning import Rig
from common.parsing.networks import NetworkParser, Preprocessing
from common.weights.unet import WEIGHTS
from common.weights.vae import decode

NAN = float("nan")


@pytest.mark.parametrize("value", [NAN, float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_one_value_among_many_is_found(value, dtype):
    values = torch.full((3, 1000), 60000.0, dtype=dtype)  # a sum overflows float16, the values do not
    assert is_finite(values, torch.arange(3), torch.empty(0))
    values[1, 77] = value
    assert not is_finite(torch.ones(2), values)


@pytest.mark.parametrize(
    ("dtype", "tried", "left"),
    [("float16", ("bfloat16", "float32"), ()), ("bfloat16", ("--dtype float32",), ()), ("float32", (), ("--dtype",))],
)
def test_the_error_names_the_dtype_and_wider_ones(dtype, tried, left):
    network = torch.nn.Linear(2, 2).to(getattr(torch, dtype))
    with pytest.raises(NonFiniteError) as caught:
        check_finite(torch.tensor([NAN]), "The latents", {"unet": network, "scheduler": object()})
    error = caught.value
    assert (error.what, error.dtype) == ("The latents", dtype)
    assert all(word in str(error) for word in (dtype, "download them again", *tried))
    assert not any(word in str(error) for word in left)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # out of a worker process


def test_damaged_weights_are_named_and_a_callers_own_nan_is_told_apart():
    network = torch.nn.Linear(2, 2)
    with refused(InputError, "values", expected="finite numbers"):
        check_finite(torch.tensor([NAN]), "The latents", {"vae": network}, image=torch.tensor([NAN]))
    network.bias.data[0] = NAN
    with pytest.raises(NonFiniteError, match="vae: bias"):
        check_finite(np.array([NAN]), "The latents", {"unet": torch.nn.Linear(1, 1), "vae": network})


def test_weights_beyond_float16_are_told_from_damaged_ones():
    network = torch.nn.Linear(2, 2)
    network.weight.data[0, 0] = 1e5
    check_weights(network, "f")
    with pytest.raises(CheckpointError, match="weight") as caught:
        check_weights(network.half(), "f")
    assert caught.value.code == "values"
    assert "--dtype bfloat16 or --dtype float32" in str(caught.value)


@pytest.mark.parametrize("name", ["unet", "id_encoder", "vae"])
def test_a_network_with_one_nan_makes_no_picture(pipeline, name):
    source = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    person = pipeline.encode_identity(source)
    request = Rig(torch.zeros(1, 12), (torch.full((1, 3, 64, 64), 0.5),))
    layer = {"unet": "conv_in.bias", "id_encoder": "conv_in.bias", "vae": "decoder.conv_out.bias"}[name]
    getattr(pipeline, name).get_parameter(layer).data[0] = NAN

    def edit():
        identity = pipeline.encode_identity(source) if name == "id_encoder" else person
        return pipeline(identity, request, num_inference_steps=4)

    with pytest.raises(NonFiniteError, match=f"{name}: {layer}") as caught:
        edit()
    assert caught.value.dtype == "float32"
    if name == "unet":
        assert "after step 1 of 4" in caught.value.what  # not after all of them


def test_nan_from_the_caller_is_the_callers(pipeline):
    picture = torch.zeros(1, 3, 64, 64)
    picture[0, 0, 0, 0] = NAN
    with pytest.raises(InputError, match="image"):
        pipeline.encode_image(picture)
    with pytest.raises(InputError, match="latents"):
        decode(pipeline.vae, torch.full((1, 4, 8, 8), NAN))


@pytest.mark.parametrize("folder", ["denoising_unet", "ID_enc", "vae"])
def test_damaged_files_are_refused_when_they_are_loaded(model_folder, tmp_path, folder):
    model = shutil.copytree(model_folder, tmp_path / "model")
    state = {key: value.clone() for key, value in load_file(model / folder / WEIGHTS).items()}
    key = next(key for key in state if key.endswith("conv_in.weight"))
    state[key].view(-1)[5] = NAN
    save_file(state, model / folder / WEIGHTS)
    with pytest.raises(CheckpointError) as caught:
        loading.load(model, device="cpu")
    assert all(word in str(caught.value) for word in (folder, key, "NaN", "download them again"))


def test_an_edit_saves_nothing(model_folder, tmp_path, astronaut, monkeypatch, capsys):
    from common.diffusion.pipeline import FaceEditPipeline
    from magicface.__main__ import main

    Image.fromarray(astronaut).save(tmp_path / "photo.png")
    step = FaceEditPipeline._begin

    def damaged(self, *args):
        self.unet.conv_in.bias.data[0] = NAN
        return step(self, *args)

    monkeypatch.setattr(FaceEditPipeline, "_begin", damaged)
    argv = [str(tmp_path / "photo.png"), "AU12=3", "--model", str(model_folder), "--size", "64", "--steps", "1"]
    argv += ["-o", str(tmp_path / "edit.png"), "--detector", "mediapipe", "--parser", "grabcut", "--device", "cpu"]
    assert main(argv) != 0
    assert not (tmp_path / "edit.png").exists()
    assert "float32" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "adapter"])
def test_fineface_makes_no_picture_of_nan(sd21_folder, part):
    from fineface.checkpoints import load
    from fineface.editor import FineFace
    from fineface.variants import SD21

    networks = load(sd21_folder, sd21_folder, SD21, device="cpu")
    editor = FineFace(networks, size=64, detector="mediapipe", parser="grabcut")
    network: Any = networks.adapter if part == "adapter" else getattr(networks.pipeline, part)
    network = network.decoder if part == "vae" else network
    list(network.parameters())[-1].data.view(-1)[0] = NAN
    with pytest.raises(NonFiniteError, match="damaged"):
        editor.generate("a face", {"AU12": 3}, steps=2, size=64, progress=False)


def test_fineface_edits_are_checked_too(text_editor, astronaut, monkeypatch):
    subject = text_editor.encode(astronaut)
    unet = text_editor.pipeline.unet
    monkeypatch.setattr(unet.conv_in.bias, "data", torch.full_like(unet.conv_in.bias.data, NAN))
    with pytest.raises(NonFiniteError, match="unet"):
        text_editor.edit(subject, {"AU12": 3}, steps=2, progress=False)


def test_readers_and_parsers_answer_no_nan(astronaut):
    from common.measure.regressor import Regressor
    from microexpression.reader import EMBEDDED, load_reader

    regressor = Regressor()
    regressor.network.head.bias[0] = NAN
    with pytest.raises(NonFiniteError, match="regressor"):
        regressor(astronaut)
    reader = load_reader(EMBEDDED / "emotion")
    next(reader.network.parameters()).data.view(-1)[0] = NAN
    with pytest.raises(NonFiniteError, match="damaged"):
        reader.probabilities(np.zeros((3, 64, 64, 3), np.uint8), 1)
    answer = torch.full((1, 19, 8, 8), NAN)
    parser = NetworkParser(lambda _: answer, np.arange(19, dtype=np.uint8), "cpu", Preprocessing((64, 64)))
    with pytest.raises(NonFiniteError, match="parser"):
        parser.parse(astronaut)
