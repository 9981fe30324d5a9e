"""A training from the command to the model that an editor loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from breadth import breadth
from runs import ROOT, losses
from safetensors.torch import load_file
from small_training import start, weights, write_config

from common.diffusion import loading
from common.editing.defaults import Defaults, read_defaults
from common.training.command import describe, documentation
from common.training.logs import read_log
from magicface.train import MagicFaceConfig, main

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def config(tmp_path) -> Path:
    return write_config(tmp_path)


def test_trained_model_loads_and_edits(config):
    assert start(config, "validation_count=2", "validation_steps=2", "validate_every=3", "keep=2", "ema=0.5") == 0
    out = config.parent / "out"
    assert sorted(p.name for p in (out / "checkpoints").iterdir()) == ["step-00000004", "step-00000006"]
    for model in (out / "model", out / "checkpoints" / "step-00000004" / "model"):
        pipeline = loading.load(model, dtype=torch.float32, device="cpu")
        assert pipeline.vector_size == 12
    assert (out / "validation" / "step-00000003.png").is_file()
    assert [row["step"] for row in read_log(out / "validation.csv")] == [3, 6]
    card = (out / "model" / "README.md").read_text()
    assert "edit_to_nothing" in card
    assert "`ema` | `0.5`" in card


def test_half_is_the_same_model_in_half_the_space(config):
    start(config, "steps=2", "output=" + str(config.parent / "whole"))
    start(config, "steps=2", "half=true", "output=" + str(config.parent / "half"))
    whole, half = (
        {p.relative_to(at): p for p in at.rglob("*.safetensors")}
        for at in (config.parent / name / "model" for name in ("whole", "half"))
    )
    assert whole.keys() == half.keys()
    for name, path in whole.items():
        one, other = load_file(path), load_file(half[name])
        assert all(tensor.dtype == torch.float16 for tensor in other.values()), name
        for key, value in one.items():
            assert torch.equal(other[key], value.half()), (name, key)
    assert losses(config.parent / "whole") == losses(config.parent / "half")


def test_averaged_weights_are_published(config):
    """A decay near 0 leaves the last weights, one near 1 averages; the training itself does not notice."""
    start(config, "steps=3", "output=" + str(config.parent / "plain"))
    start(config, "steps=3", "ema=0.0001", "output=" + str(config.parent / "last"))
    start(config, "steps=3", "ema=0.9999", "output=" + str(config.parent / "slow"))
    plain, last, slow = (weights(config.parent / name / "model") for name in ("plain", "last", "slow"))
    for name, value in plain.items():
        torch.testing.assert_close(last[name], value, rtol=0, atol=1e-5)
    assert max(float((slow[name] - value).abs().max()) for name, value in plain.items()) > 1e-4
    assert losses(config.parent / "plain") == losses(config.parent / "slow")


@pytest.mark.slow
def test_four_pairs_are_learned(config):
    """The loss falls to a third in seconds; 0.4 leaves room for other machines' rounding."""
    start(config, "steps=80", "learning_rate=1e-2", "cache_latents=memory", "log_every=100", "checkpoint_every=100",
          "schedule=cosine", "vector_dropout=0.0")  # fmt: skip
    found = losses(config.parent / "out")
    assert np.mean(found[-20:]) < 0.4 * np.mean(found[:5])


def test_variants_run(config):
    start(config, "prediction=v_prediction", "zero_terminal_snr=true", "region_weight=3.0",
          "accumulation=2", "gradient_checkpointing=true", f"cache_latents={config.parent / 'latents'}",
          "validation_count=1", "validation_steps=2")  # fmt: skip
    out = config.parent / "out"
    assert all(np.isfinite(losses(out)))
    pipeline = loading.load(out / "model", dtype=torch.float32, device="cpu")
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    assert pipeline.scheduler.config.rescale_betas_zero_snr


def test_accumulation_changes_nothing(config):
    start(config, f"output={config.parent / 'one'}")
    start(config, "accumulation=4", f"output={config.parent / 'four'}")
    np.testing.assert_allclose(losses(config.parent / "one"), losses(config.parent / "four"), rtol=1e-4)


def test_published_layout_is_fine_tuned(config, model_folder, tmp_path):
    text = config.read_text().split("[unet]")[0]
    config.write_text(f'{text}\nmodel = "{model_folder}"\n')
    assert start(config, "steps=1", "size=64", "batch_size=2") == 0
    before, after = weights(model_folder), weights(tmp_path / "out" / "model")
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name].float(), after[name]) for name in before)


def test_what_a_model_has_learned_is_not_changed_unasked(config, model_folder, capsys):
    text = config.read_text().split("[unet]")[0]
    config.write_text(f'{text}\nmodel = "{model_folder}"\n')
    assert start(config, "steps=1", "size=64", "prediction=v_prediction") == 2
    assert 'prediction = "epsilon"' in capsys.readouterr().err


def test_a_model_is_told_how_it_is_to_be_used(config):
    """What the config names, else what the model it began with says, else the published values."""
    out, again = config.parent / "out" / "model", config.parent / "again"
    assert start(config, "steps=1", "defaults.steps=12", 'defaults.paste_back="detail"') == 0
    assert read_defaults(out) == Defaults(steps=12, paste_back="detail")
    text = config.read_text().split("[unet]")[0]
    config.write_text(f'{text}\nmodel = "{out}"\n')
    assert start(config, "steps=1", "defaults.steps=7", f"output={again}") == 0
    assert read_defaults(again / "model") == Defaults(steps=7, paste_back="detail")


def test_lora_is_published_merged(config):
    pytest.importorskip("peft")
    assert start(config, "lora_rank=2") == 0
    loading.load(config.parent / "out" / "model", dtype=torch.float32, device="cpu")


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["unet.layer_per_block=2"], "'layers_per_block'"),
        (["sise=64"], "'size'"),
        (["manifest=none.csv"], "none.csv"),
        (["batch_size=3", "accumulation=2"], "batch_size"),
        (["model=x"], "model"),
        (["defaults.step=3"], "step"),
        (["synthetic_count=3"], "manifest"),
        (["size=33"], "33"),
        (["size=-16"], "size"),
        (["lora_rank=2", "lora_targets=[]"], "lora_targets"),
        (["timestep_shift=0"], "timestep_shift"),
    ],
)
def test_wrong_configs_are_refused(config, capsys, overrides, name):
    assert start(config, *overrides) == 2
    assert name in capsys.readouterr().err


def test_a_file_in_the_place_of_the_output_is_refused(config, capsys):
    (config.parent / "out").write_text("")
    assert start(config) == 2
    assert "out" in capsys.readouterr().err


def test_help_explains_every_key(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    texts = documentation(MagicFaceConfig)
    assert all(texts.values())
    assert describe(MagicFaceConfig) in shown


@pytest.mark.parametrize("package", breadth(["magicface", "rigface", "fineface"]))
def test_without_docstrings_help_is_shown_and_a_training_says_what_to_do(package, tmp_path):
    """`python -OO` takes them away, and transformers cannot be imported then."""
    command = [sys.executable, "-OO", "-m", f"{package}.train"]
    shown = subprocess.run([*command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "learning_rate" in shown.stdout
    config = f"examples/train_{package}_small.toml"
    ended = subprocess.run(
        [*command, config, "--set", f"output={tmp_path / 'out'}"], cwd=ROOT, capture_output=True, text=True
    )
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1), ended.stderr
    assert "-OO" in ended.stderr
