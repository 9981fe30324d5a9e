"""FineFace's training, from the command to the model that the editor loads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from runs import losses
from safetensors.torch import load_file
from small_fineface import CAPTIONS, EXACT_VAE, SIZE, start

from common.core.errors import MissingCheckpointError
from common.core.jsonio import read_config
from common.facs.action_units import to_vector
from common.training.command import describe, documentation, read
from common.training.logs import read_log
from common.weights.vae import AutoencoderDC, load_vae
from fineface.checkpoints import load, read_adapter, updates
from fineface.convert import convert
from fineface.data import sources
from fineface.editor import FineFace
from fineface.request import PUBLISHED
from fineface.text_to_face import initial_networks
from fineface.train import FineFaceConfig, main
from fineface.variants import get_variant

pytestmark = pytest.mark.usefixtures("one_thread")

LORA = "pytorch_lora_weights.safetensors"


def picture(editor, **options):
    request = {"AU12": 4, "AU6": 2}
    made = editor.generate(CAPTIONS[0], request, steps=2, seed=1, progress=False, **options)
    return np.asarray(made).astype(float)


def test_trained_adapter_loads_and_generates(config, base):
    pytest.importorskip("peft")
    more = ["validation_count=2", "validate_every=3", "ema=0.5"]
    assert start(config, *more) == 0
    out = config.parent / "out"
    assert sorted(p.name for p in (out / "model").iterdir()) == [
        "README.md", "attn_processors.safetensors", "au_encoder.safetensors", LORA
    ]  # fmt: skip
    editor = FineFace.from_pretrained(out / "model", base=base, device="cpu", size=SIZE)
    with_units, without = picture(editor), picture(editor, au_scale=0)
    assert with_units.shape == (SIZE, SIZE, 3)
    assert np.abs(with_units - without).max() > 0
    assert (out / "validation" / "step-00000003.png").is_file()
    rows = read_log(out / "validation.csv")
    assert [row["step"] for row in rows] == [3, 6]
    assert all(np.isfinite(list(row.values())).all() for row in rows)
    assert "loss_without_units" in (out / "model" / "README.md").read_text()


def test_only_what_is_stated_is_trained(config, base):
    """Encoder and values have moved, keys are the text's as they were, and checkpoints hold no frozen weight."""
    pytest.importorskip("peft")
    start(config, "steps=2")
    out = config.parent / "out"
    unet = load_file(base / "unet" / "diffusion_pytorch_model.safetensors")
    found = load_file(out / "model" / "attn_processors.safetensors")
    for name, value in found.items():
        layer, _, kind = name.partition(".processor.au_")
        same = torch.equal(value, unet[f"{layer}.{kind}"])
        assert same == (kind == "to_k.weight"), name
    kept = load_file(out / "checkpoints/step-00000002/state/trained.safetensors")
    kinds = {"lora_A" if ".lora_A." in n else "lora_B" if ".lora_B." in n else n.split(".")[1] for n in kept}
    assert kinds == {"lora_A", "lora_B", "projection", "to_v"}
    lora = load_file(out / "model" / LORA)
    assert {name.split(".lora_")[0].split(".", 1)[1].split(".attn")[1][2:] for name in lora} == {
        "to_q", "to_k", "to_v", "to_out.0"
    }  # fmt: skip
    assert any(value.abs().max() > 0 for name, value in lora.items() if "lora_B" in name)
    assert not list((out / "checkpoints/step-00000002/state").glob("model*"))


@pytest.mark.parametrize("alpha", [0.0, 8.0, 3.0])
def test_published_model_predicts_what_the_trained_one_did(config, base, monkeypatch, alpha):
    """Whatever the LoRA's alpha: the editor's network, LoRA merged, against the module as it was trained."""
    pytest.importorskip("peft")
    modules = []
    from fineface.task import FineFaceTask

    save = FineFaceTask.save
    monkeypatch.setattr(FineFaceTask, "save", lambda self, *args: (modules.append(self.module), save(self, *args))[1])
    start(config, "steps=3", f"lora_alpha={alpha}")
    networks = load(
        config.parent / "out" / "model", base, get_variant("sd21"), dtype=torch.float32, device="cpu"
    )  # fmt: skip
    g = torch.Generator().manual_seed(0)
    noisy, text, units = (torch.randn(s, generator=g) for s in ((2, 4, 8, 8), (2, 24, 32), (2, 12)))
    t = torch.tensor([3, 700])
    with torch.no_grad():
        expected = modules[-1].eval()(noisy, t, units, text)
        branch = networks.adapter(networks.pipeline.unet, networks.adapter.projection(units))
        found = networks.pipeline.unet(noisy, t, text, cross_attention_kwargs={"action_units": branch}).sample
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_training_goes_on_from_its_own_result(config, base):
    pytest.importorskip("peft")
    start(config, "steps=3", "lora_alpha=3")
    model, again = config.parent / "out" / "model", config.parent / "again"
    assert start(config, "steps=1", "learning_rate=1e-12", f"adapter={model}", f"output={again}") == 0
    one, other = (updates(load_file(folder / LORA), folder) for folder in (model, again / "model"))
    assert one.keys() == other.keys()
    for name, (down, up) in one.items():
        torch.testing.assert_close(up @ down, other[name][1] @ other[name][0], rtol=0, atol=1e-6)
    first, second = (read_adapter(folder, get_variant("sd21")) for folder in (model, again / "model"))
    for name, value in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], value, rtol=0, atol=1e-6)


def test_variant_without_a_lora(config, base):
    assert start(config, "variant=sd15-faceid", "lora_rank=0", "steps=1") == 0
    names = {path.name for path in (config.parent / "out" / "model").iterdir()}
    assert names == {"README.md", "sd15_attn_processors.safetensors", "sd15_au_encoder.safetensors"}


def test_trained_adapter_is_converted_for_plain_diffusers(config, base, tmp_path):
    pytest.importorskip("peft")
    start(config, "steps=2")
    variant, model = get_variant("sd21"), config.parent / "out" / "model"
    convert(model, variant, tmp_path / "fineface.safetensors")
    stock = StableDiffusionPipeline.from_pretrained(base, local_files_only=True, safety_checker=None)
    stock.set_progress_bar_config(disable=True)
    stock.load_ip_adapter(
        str(tmp_path), subfolder="", weight_name="fineface.safetensors", image_encoder_folder=None
    )  # fmt: skip
    aus = torch.tensor([[[0.0] * 12], [to_vector({"AU12": 4, "AU6": 2})]])
    options = {"num_inference_steps": 2, "height": SIZE, "width": SIZE, "output_type": "np", "guidance_scale": 7.5}
    g = torch.Generator().manual_seed(1)
    latents = torch.randn(1, 4, SIZE // 8, SIZE // 8, generator=g)
    image = stock(CAPTIONS[0], ip_adapter_image_embeds=[aus], latents=latents, **options).images[0]
    editor = FineFace.from_pretrained(model, base=base, device="cpu", size=SIZE)
    assert np.abs(picture(editor) - 255 * image).max() < 2


@pytest.mark.parametrize("half", [False, True])
def test_whole_model_loads_in_stock_diffusers_and_here(whole, half):
    own = ["defaults.steps=3", "defaults.guidance=2.5"]
    assert start(whole, "steps=2", "validation_count=2", f"half={str(half).lower()}", "cache_latents=memory", *own) == 0
    model = whole.parent / "out" / "model"
    stock = StableDiffusionPipeline.from_pretrained(model, local_files_only=True, safety_checker=None)
    stock.set_progress_bar_config(disable=True)
    image = stock(CAPTIONS[0], num_inference_steps=2, height=SIZE, width=SIZE, output_type="np").images[0]
    assert image.shape == (SIZE, SIZE, 3)
    assert np.isfinite(image).all()
    dtype = torch.float16 if half else torch.float32
    assert {v.dtype for v in load_file(model / "unet/diffusion_pytorch_model.safetensors").values()} == {dtype}
    editor = FineFace.from_pretrained(model, device="cpu", size=SIZE, dtype="float32")
    assert editor.defaults == replace(PUBLISHED, steps=3, guidance=2.5)
    assert np.abs(picture(editor) - picture(editor, au_scale=0)).max() > 0


def test_whole_model_learns_in_exact_latents(whole, tmp_path):
    """Of a deep compression autoencoder, which is published as it came, with the size that its pictures have."""
    vae = AutoencoderDC(**EXACT_VAE)
    vae.save_pretrained(tmp_path / "vae")
    whole.write_text(whole.read_text().split("[autoencoder]")[0])
    assert start(whole, f"vae={tmp_path / 'vae'}", "steps=1", "validation_count=2", "cache_latents=memory") == 0
    model = whole.parent / "out" / "model"
    published = load_vae(model / "vae")
    assert all(torch.equal(value, published.state_dict()[name]) for name, value in vae.state_dict().items())
    editor = FineFace.from_pretrained(model, device="cpu")
    assert editor.size == SIZE
    assert editor.defaults == PUBLISHED
    assert np.abs(picture(editor) - picture(editor, au_scale=0)).max() > 0
    assert read_config(model / "vae" / "config.json")["_name_or_path"] == ""
    assert read_config(model / "model_index.json")["vae"] == ["diffusers", "AutoencoderDC"]
    stock = StableDiffusionPipeline.from_pretrained(model, vae=published, local_files_only=True, safety_checker=None)
    stock.set_progress_bar_config(disable=True)
    assert stock(CAPTIONS[0], num_inference_steps=1, output_type="np").images[0].shape == (SIZE, SIZE, 3)


def test_whole_training_begins_with_the_weights_that_fit(whole):
    """Of the same networks all, of others those of the same shape."""
    assert start(whole, "steps=1") == 0
    model = whole.parent / "out" / "model"
    options = [f"start={model}", "unet.addition_embed_type=text", "unet.addition_embed_type_num_heads=2"]
    config = read(FineFaceConfig, whole, options)
    begun = initial_networks(config, SIZE, [row["caption"] for row in sources(config, SIZE)[0]])
    published = load_file(model / "unet/diffusion_pytorch_model.safetensors")
    unet = begun.module.unet.state_dict()
    assert all(torch.equal(unet[name], value) for name, value in published.items())
    assert {name.split(".")[0] for name in unet.keys() - published.keys()} == {"add_embedding"}
    text = load_file(model / "text_encoder/model.safetensors")
    own = begun.text_encoder.state_dict()
    assert all(torch.equal(own[name], value) for name, value in text.items() if name in own)
    adapter = read_adapter(model, get_variant("whole")).state_dict()
    assert all(torch.equal(begun.module.adapter.state_dict()[name], value) for name, value in adapter.items())
    with pytest.raises(MissingCheckpointError, match=r"unet/config\.json"):
        initial_networks(replace(config, start=str(whole.parent)), SIZE, CAPTIONS)


def test_a_folder_without_a_whole_model_is_reported(tmp_path):
    with pytest.raises(MissingCheckpointError, match=r"unet/config\.json"):
        FineFace.from_pretrained(tmp_path, variant="whole")


@pytest.mark.slow
def test_whole_model_learns_five_pictures(whole):
    """All networks take part: the loss falls to half in seconds, and every one of them has moved."""
    more = ["steps=60", "learning_rate=1e-2", "cache_latents=memory", "checkpoint_every=100", "log_every=100"]
    assert start(whole, *more, "schedule=cosine") == 0
    found = losses(whole.parent / "out")
    assert np.mean(found[-10:]) < 0.5 * np.mean(found[:5])


def test_kept_latents_change_nothing(config):
    pytest.importorskip("peft")
    start(config, "steps=3")
    start(config, "steps=3", f"output={config.parent / 'kept'}", f"cache_latents={config.parent / 'latents'}")
    np.testing.assert_allclose(losses(config.parent / "out"), losses(config.parent / "kept"), rtol=2e-3)


def test_synthetic_people_are_learned_from(config, monkeypatch):
    pytest.importorskip("peft")
    import sys
    import types
    from pathlib import Path

    from common.synthetic.data import dataset

    sys.path.insert(0, str(Path(__file__).parents[1] / "synthetic"))
    import stand_in

    monkeypatch.setattr(dataset, "picture", types.SimpleNamespace(make=stand_in.make))
    text = "".join(line for line in config.read_text().splitlines(True) if "folder =" not in line)
    config.write_text(text)
    assert start(config, "steps=1", "synthetic_count=3", "synthetic_pairs=true", "validation_count=1") == 0
    assert "6 samples" in (config.parent / "out" / "model" / "README.md").read_text()


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["sise=64"], "'size'"),
        (["folder="], "synthetic_count"),
        (["folder=none"], "none"),
        (["base=none"], "none"),
        (["base=/"], "unet/config.json"),
        (["lora_rank=0"], "lora_rank = 32"),
        (["variant=sd15-faceid"], "lora_rank = 0"),
        (["variant=whole", "lora_rank=0"], "[text_encoder]"),
        (["lora_targets=[]"], "lora_targets"),
        (["size=60"], "60"),
        (["prediction=v_prediction"], 'prediction = "epsilon"'),
        (["both_dropout=0.95"], "vector_dropout + caption_dropout + both_dropout"),
        (["disfa=x"], "disfa_cache"),
        (["affectnet=x"], "affectnet_units"),
        (["hidden=40"], "AU token"),
        (["start=x"], "adapter"),
        (['defaults.paste_back="detail"'], "paste_back"),
        (["precision=fp16"], "precision"),
        (["batch_size=3", "accumulation=2"], "batch_size"),
    ],
)
def test_wrong_configs_are_reported(config, capsys, overrides, words):
    if words == "precision" and torch.cuda.is_available():
        pytest.skip("a GPU has float16")
    assert start(config, *overrides) in (1, 2, 3)
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["text_encoder.layers=2"], "'layers'"),
        (["unet.layer_per_block=2"], "'layers_per_block'"),
        (["base=x"], "base"),
        (["text_encoder.vocab_size=100"], "at least 514"),
        (["vae=x"], "[autoencoder]"),
    ],
)
def test_wrong_whole_configs_are_reported(whole, capsys, overrides, words):
    assert start(whole, *overrides) in (1, 2, 3)
    assert words in capsys.readouterr().err


def test_help_explains_every_key(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(documentation(FineFaceConfig).values())
    assert describe(FineFaceConfig) in shown
