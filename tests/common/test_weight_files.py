"""Weights in every form in which they are published are read alike; what is not there is told exactly."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from breadth import breadth
from refusals import refused
from safetensors.torch import load_file, save_file

from common.core.errors import CheckpointError, MissingCheckpointError
from common.diffusion import loading
from common.parsing.bisenet import BiSeNet, BiSeNetParser
from common.weights.files import WEIGHTS, find_weights, missing_weights
from common.weights.state_dict import read_network, read_pickled, read_state
from common.weights.text_encoder import load_text

NETWORKS = ("ID_enc", "denoising_unet", "vae")


def shards(folder: Path, stem: str, end: str, state: dict[str, torch.Tensor], middle: str = "") -> Path:
    """Two shards and their index; returns the second shard."""
    keys = sorted(state)
    parts, where = (keys[::2], keys[1::2]), {}
    for number, part in enumerate(parts, 1):
        name = f"{stem}{middle}-{number:05d}-of-00002{end}"
        where |= dict.fromkeys(part, name)
        tensors = {key: state[key] for key in part}
        save_file(tensors, folder / name) if end == ".safetensors" else torch.save(tensors, folder / name)
    (folder / f"{stem}{end}.index{middle}.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return folder / f"{stem}{middle}-00002-of-00002{end}"


def rewrite(folder: Path, form: str) -> None:
    """The only safetensors file of a network's folder, in another form."""
    (path,) = folder.glob("*.safetensors")
    state = {key: value.clone() for key, value in load_file(path).items()}
    path.unlink()
    stem = path.stem
    pickled = "pytorch_model" if stem == "model" else stem
    if form == "bin":
        torch.save(state, folder / f"{pickled}.bin")
    elif form == "fp16":
        save_file({key: value.half() for key, value in state.items()}, folder / f"{stem}.fp16.safetensors")
    elif form == "fp16 bin":
        torch.save({key: value.half() for key, value in state.items()}, folder / f"{pickled}.fp16.bin")
    elif form == "shards":
        shards(folder, stem, ".safetensors", state)
    elif form == "fp16 shards":
        shards(folder, stem, ".safetensors", {key: value.half() for key, value in state.items()}, ".fp16")
    elif form == "bin shards":
        shards(folder, pickled, ".bin", state)
    elif form == "state_dict":
        torch.save({"epoch": 3, "state_dict": state}, folder / f"{pickled}.bin")
    elif form == "accelerate":
        save_file(state, folder / "model.safetensors")
    else:
        save_file({form + key: value for key, value in state.items()}, path)


FORMS = ("bin", "fp16", "fp16 bin", "shards", "fp16 shards", "bin shards", "state_dict", "accelerate")
PREFIXES = ("module.", "_orig_mod.", "module._orig_mod.")


@pytest.fixture
def copy(model_folder, tmp_path) -> Path:
    return shutil.copytree(model_folder, tmp_path / "model")


@pytest.mark.parametrize("form", breadth([*FORMS, *PREFIXES], 4))
def test_every_network_loads_from_every_form(model_folder, copy, form):
    for name in NETWORKS:
        rewrite(copy / name, form)
    assert loading.missing_files(copy) == []
    whole, other = (loading.load(folder, device="cpu") for folder in (model_folder, copy))
    for part in ("id_encoder", "unet", "vae"):
        one, two = (getattr(pipeline, part).state_dict() for pipeline in (whole, other))
        assert one.keys() == two.keys()
        assert all(torch.equal(one[key], two[key]) for key in one)  # golden weights are what float16 holds


@pytest.mark.parametrize("form", [*FORMS, "module."])
def test_text_encoders_too(sd21_folder, tmp_path, form):
    folder = shutil.copytree(sd21_folder / "text_encoder", tmp_path / "text_encoder")
    rewrite(folder, form)
    one, two = (load_text(place, sd21_folder / "tokenizer")[1] for place in (sd21_folder / "text_encoder", folder))
    assert all(torch.allclose(value, two.state_dict()[key], atol=2e-3) for key, value in one.state_dict().items())


def test_a_text_encoder_that_lacks_weights_is_refused(sd21_folder, tmp_path):
    folder = shutil.copytree(sd21_folder / "text_encoder", tmp_path / "text_encoder")
    state = load_file(folder / "model.safetensors")
    lost = next(key for key in state if "token_embedding" in key)
    save_file({key: value.clone() for key, value in state.items() if key != lost}, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="token_embedding"):
        load_text(folder, sd21_folder / "tokenizer")


def test_full_precision_wins_unless_half_is_asked_for_and_safetensors_win(tmp_path):
    folder, name = tmp_path, "diffusion_pytorch_model"
    chosen = []
    for other in ("fp16.bin", "fp16.safetensors", "bin", "safetensors"):
        (folder / f"{name}.{other}").touch()
        found = [find_weights(folder, dtype=dtype) for dtype in ("float32", "bfloat16", "float16")]
        chosen.append([each.path.name.removeprefix(f"{name}.") for each in found if each])
    assert chosen == [
        ["fp16.bin"] * 3,
        ["fp16.safetensors"] * 3,
        ["bin", "fp16.safetensors", "fp16.safetensors"],
        ["safetensors", "safetensors", "fp16.safetensors"],
    ]


def test_a_missing_shard_is_named(copy):
    folder = copy / "denoising_unet"
    rewrite(folder, "shards")
    lost = folder / "diffusion_pytorch_model-00002-of-00002.safetensors"
    lost.unlink()
    assert loading.missing_files(copy) == [f"denoising_unet/{lost.name}"]
    for read in (lambda: loading.load(copy, device="cpu"), lambda: read_network(folder)):
        with pytest.raises(MissingCheckpointError, match=lost.name):
            read()


def test_shards_without_their_index_ask_for_it(copy):
    rewrite(copy / "vae", "shards")
    (copy / "vae" / f"{WEIGHTS}.index.json").unlink()
    assert missing_weights(copy / "vae") == [f"{WEIGHTS}.index.json"]


def test_what_lies_there_instead_is_told(copy):
    (copy / "vae" / WEIGHTS).rename(copy / "vae" / "vae-ft-mse-840000.safetensors")
    with pytest.raises(MissingCheckpointError) as caught:
        loading.load(copy, device="cpu")
    assert f"vae/{WEIGHTS} (found there: vae-ft-mse-840000.safetensors)" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["../other.safetensors", "/etc/x.safetensors", "a/b.safetensors", "..\\x.safetensors", "..", "x.py", ""]
)
def test_an_index_that_points_elsewhere_is_refused(copy, name):
    save_file({"stolen": torch.zeros(1)}, copy / "other.safetensors")
    folder = copy / "vae"
    (folder / WEIGHTS).unlink()
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"weight_map": {"stolen": name}}))
    with refused(CheckpointError, "refused"):
        loading.load(copy, device="cpu")


def test_shards_that_disagree_with_their_index_are_refused(tmp_path):
    state = {"a": torch.zeros(1), "b": torch.ones(1)}
    second = shards(tmp_path, "model", ".safetensors", state)
    save_file({"c": torch.zeros(1)}, second)
    with pytest.raises(CheckpointError, match=second.name):
        read_network(tmp_path)
    save_file(state, second)
    with refused(CheckpointError, "keys"):
        read_network(tmp_path)


@pytest.mark.parametrize("form", ["bin", "fp16", "shards"])
def test_a_damaged_file_is_named(copy, form):
    rewrite(copy / "ID_enc", form)
    path = next(path for path in sorted((copy / "ID_enc").iterdir()) if "config" not in path.name)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CheckpointError, match=path.name):
        loading.load(copy, device="cpu")


class Harm:
    def __reduce__(self):
        return print, ("harm",)


@pytest.mark.parametrize("write", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_a_pickle_that_needs_code_is_told_and_not_run(copy, write, capsys):
    (copy / "vae" / WEIGHTS).unlink()
    path = copy / "vae" / "diffusion_pytorch_model.bin"
    write({"conv": Harm()}, path)
    with pytest.raises(CheckpointError, match=rf"{path.name}[\s\S]*(\.safetensors|fetch it again)"):
        loading.load(copy, device="cpu")
    assert not capsys.readouterr().out


def test_an_archive_that_unfolds_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1 << 20)}, tmp_path / "plain.bin")
    with zipfile.ZipFile(tmp_path / "plain.bin") as plain, zipfile.ZipFile(tmp_path / "bomb.bin", "w", 8) as bomb:
        for record in plain.infolist():
            bomb.writestr(record.filename, plain.read(record))
    with refused(CheckpointError, "unreadable"):
        read_pickled(tmp_path / "bomb.bin")


def test_a_git_lfs_pointer_is_told(tmp_path):
    for name in (WEIGHTS, "diffusion_pytorch_model.bin"):
        (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
        with pytest.raises(CheckpointError, match="git lfs pull"):
            read_state(tmp_path / name)


@pytest.mark.parametrize("end", [".safetensors", ".pth"])
def test_the_face_parser_is_read_as_trainers_leave_it(tmp_path, end):
    state = {f"module.{key}": value for key, value in BiSeNet().state_dict().items()}
    path = tmp_path / f"79999_iter{end}"
    save_file(state, path) if end == ".safetensors" else torch.save({"state_dict": state}, path)
    BiSeNetParser(path)
    assert loading.auxiliary(tmp_path, "79999_iter.pth") == path


@pytest.mark.parametrize("form", FORMS)
def test_segformers_too(tmp_path, form):
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    from common.parsing import PARTS
    from common.parsing.hub import on_disk
    from common.parsing.segformer import SegFormerParser

    sizes = {"depths": [1] * 4, "hidden_sizes": [8] * 4, "num_attention_heads": [1] * 4, "decoder_hidden_size": 8}
    names = dict(enumerate(PARTS))
    config: Any = SegformerConfig(**sizes, id2label=names, label2id={name: i for i, name in names.items()})  # type: ignore[arg-type]
    SegformerForSemanticSegmentation(config).save_pretrained(tmp_path)
    rewrite(tmp_path, form)
    assert on_disk(tmp_path)
    SegFormerParser(tmp_path)


def test_fineface_reads_its_files_in_other_forms(sd21_folder, faceid_folder, tmp_path):
    from fineface.checkpoints import load
    from fineface.faceid import read_faceid
    from fineface.variants import SD15_FACEID, SD21, faceid_file, missing_base_files, missing_files

    folder = shutil.copytree(sd21_folder, tmp_path / "sd21")
    for stem in (SD21.processors, SD21.encoder):
        (folder / f"{stem}.ckpt").rename(folder / f"{stem}.bin")
    torch.save(load_file(folder / SD21.lora), folder / "pytorch_lora_weights.bin")
    (folder / SD21.lora).unlink()
    for name in ("unet", "vae", "text_encoder"):
        rewrite(folder / name, "bin")
    assert missing_files(folder, SD21) == missing_base_files(folder) == []
    one, two = (load(place, place, SD21, device="cpu") for place in (sd21_folder, folder))
    for network in (lambda n: n.adapter, lambda n: n.pipeline.unet, lambda n: n.pipeline.vae):
        first, second = network(one).state_dict(), network(two).state_dict()
        assert all(torch.equal(first[key], second[key]) for key in first)

    own = str(SD15_FACEID.faceid)
    published = read_faceid(faceid_folder / own)
    flat = {f"{part}.{key}": value.contiguous() for part, held in published.items() for key, value in held.items()}
    save_file(flat, tmp_path / Path(own).with_suffix(".safetensors"))
    found = faceid_file(tmp_path, SD15_FACEID)
    assert found is not None
    other = read_faceid(found)
    assert all(torch.equal(value, other[part][key]) for part, held in published.items() for key, value in held.items())
