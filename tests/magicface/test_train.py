"""A training from the command to the model that an editor loads: killed, shared, resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from common import checkpoints
from common.defaults import Defaults, read_defaults
from common.training.config import describe, documentation
from common.training.records import read_log
from magicface.train import MagicFaceConfig, main

ROOT = Path(__file__).parents[2]
CONFIG = """
output = "{folder}/out"
manifest = "{folder}/pairs.jsonl"
validation_manifest = "{folder}/pairs.jsonl"
size = 16
steps = 6
batch_size = 4
workers = 0
learning_rate = 2e-3
warmup = 0
checkpoint_every = 2
validation_count = 0
tensorboard = false
[unet]
block_out_channels = [8, 16]
down_block_types = ["CrossAttnDownBlock2D", "DownBlock2D"]
up_block_types = ["UpBlock2D", "CrossAttnUpBlock2D"]
layers_per_block = 1
norm_num_groups = 4
attention_head_dim = 2
[autoencoder]
block_out_channels = [8, 16]
down_block_types = ["DownEncoderBlock2D", "DownEncoderBlock2D"]
up_block_types = ["UpDecoderBlock2D", "UpDecoderBlock2D"]
norm_num_groups = 4
latent_channels = 4
"""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


@pytest.fixture(autouse=True)
def one_thread():
    """Networks as small as these gain nothing from more, and wait long for them on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def config(tmp_path) -> Path:
    """Four pairs whose target is the source with its middle in another colour."""
    rng, rows = np.random.default_rng(0), []
    for i in range(4):
        source = np.full((32, 32, 3), rng.integers(0, 256, 3), np.uint8)
        target, background = source.copy(), source.copy()
        target[8:24, 8:24], background[8:24, 8:24] = rng.integers(0, 256, 3), 0
        for name, pixels in (("s", source), ("t", target), ("b", background)):
            Image.fromarray(pixels).save(tmp_path / f"{name}{i}.png")
        rows.append({
            "source": f"s{i}.png", "target": f"t{i}.png", "background": f"b{i}.png", "au_source": {},
            "au_target": {"AU12": i + 1},
        })  # fmt: skip
    (tmp_path / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "config.toml").write_text(CONFIG.format(folder=tmp_path))
    return tmp_path / "config.toml"


def start(config: Path, *overrides: str) -> int:
    return main([str(config), *(part for text in overrides for part in ("--set", text))])


def losses(folder: Path) -> list[float]:
    rows = read_log(folder / "log.csv")
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["loss"] for row in rows]


def weights(model: Path) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{key}": value
        for name in ("denoising_unet", "ID_enc")
        for key, value in load_file(model / name / "diffusion_pytorch_model.safetensors").items()
    }


def test_trained_model_loads_and_edits(config):
    assert start(config, "validation_count=2", "validation_steps=2", "validate_every=3", "keep=2", "ema=0.5") == 0
    out = config.parent / "out"
    assert sorted(p.name for p in (out / "checkpoints").iterdir()) == ["step-00000004", "step-00000006"]
    for model in (out / "model", out / "checkpoints" / "step-00000004" / "model"):
        pipeline = checkpoints.load(model, dtype=torch.float32, device="cpu")
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
    pipeline = checkpoints.load(out / "model", dtype=torch.float32, device="cpu")
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
    checkpoints.load(config.parent / "out" / "model", dtype=torch.float32, device="cpu")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["unet.layer_per_block=2"], "'layers_per_block'"),
        (["sise=64"], "'size'"),
        (["manifest=none.csv"], "Cannot read"),
        (["batch_size=3", "accumulation=2"], "batch_size must divide"),
        (["model=x"], "what to begin with"),
        (["defaults.step=3"], "unknown names"),
        (["synthetic_count=3"], "Name the data"),
        (["size=33"], "divide by 2"),
        (["size=-16"], "size must be at least 0"),
    ],
)
def test_wrong_configs_are_told(config, capsys, overrides, words):
    assert start(config, *overrides) == 2
    assert words in capsys.readouterr().err


def test_a_file_in_the_place_of_the_output_is_told(config, capsys):
    (config.parent / "out").write_text("")
    assert start(config) == 1
    assert "Cannot read or write" in capsys.readouterr().err


def test_another_seed_does_not_go_on(config, capsys):
    start(config, "steps=2")
    assert start(config, "seed=1") == 2
    assert "seed" in capsys.readouterr().err
    assert start(config, "resume=false") == 2


def test_what_a_resumed_training_is_told_anew_holds(config):
    """A smaller learning rate acts from the first step on, and another number of passes cuts no step short."""
    out, more = config.parent / "out", ["steps=5", "accumulation=4"]
    start(config, "steps=3", "accumulation=2", "ema=0.5")
    start(config, *more, "ema=0.9", "learning_rate=1e-3", "weight_decay=0.2")
    assert [row["learning_rate"] for row in read_log(out / "log.csv")] == [2e-3] * 3 + [1e-3] * 2
    whole = config.parent / "whole"
    start(config, "steps=3", "ema=0.5", f"output={whole}")
    start(config, "steps=5", "ema=0.9", "learning_rate=1e-3", "weight_decay=0.2", f"output={whole}")
    np.testing.assert_allclose(losses(out), losses(whole), rtol=1e-4)
    state = torch.load(out / "checkpoints/step-00000005/state/optimizer.bin", weights_only=True)
    assert {group["weight_decay"] for group in state["param_groups"]} == {0.2}
    averages = torch.load(out / "checkpoints/step-00000005/state/custom_checkpoint_1.pkl", weights_only=False)
    assert averages["decay"] == 0.9


@pytest.mark.parametrize(
    ("override", "code", "words"), [("steps=1", 2, "at step 2 already"), ("ema=0.9", 1, "lora_rank and ema")]
)
def test_a_training_that_cannot_go_on_is_told(config, capsys, override, code, words):
    start(config, "steps=2")
    assert start(config, "steps=4", override) == code
    assert words in capsys.readouterr().err


def test_a_finished_training_ends_again_without_its_log(config):
    start(config, "steps=2")
    (config.parent / "out" / "log.csv").unlink()
    assert start(config, "steps=2") == 0


def test_help_explains_every_key(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    texts = documentation(MagicFaceConfig)
    assert all(texts.values())
    assert describe(MagicFaceConfig) in shown


def test_killed_training_goes_on_as_if_it_had_not_been(config, capsys):
    """SIGKILL after the first checkpoint, whatever the training is doing; then the same command again."""
    more = ["steps=20", "checkpoint_every=5", "ema=0.9", "log_every=3"]
    command = [sys.executable, "-m", "magicface.train", str(config)]
    command += [part for text in more for part in ("--set", text)]
    process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    out, limit = config.parent / "out", time.monotonic() + 120
    while not list(out.glob("checkpoints/step-*")) and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (out / "model").exists()
    assert start(config, *more) == 0
    assert "going on from step" in capsys.readouterr().out
    whole = config.parent / "whole"
    assert start(config, *more, f"output={whole}") == 0
    assert len(losses(out)) == 20
    np.testing.assert_allclose(losses(out), losses(whole), rtol=1e-6)
    one, other = weights(out / "model"), weights(whole / "model")
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=0, atol=1e-6)


def test_two_processes_equal_one(config):
    """`--cpu --num_processes 2` would start one only: on CPUs accelerate leaves more of them to MPI or to this."""
    start(config, "steps=3", f"output={config.parent / 'one'}")
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    command += ["--main_process_port", "0", "-m", "magicface.train", str(config)]
    command += ["--set", "steps=3", "--set", f"output={config.parent / 'two'}"]
    environment = ENVIRONMENT | {"ACCELERATE_USE_CPU": "true"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert len(list(config.parent.glob("two/checkpoints/step-00000003/state/random_states_*.pkl"))) == 2
    np.testing.assert_allclose(losses(config.parent / "one"), losses(config.parent / "two"), rtol=1e-4)
    one, two = weights(config.parent / "one" / "model"), weights(config.parent / "two" / "model")
    for name, value in one.items():
        torch.testing.assert_close(value, two[name], rtol=0, atol=5e-5)


def test_processes_that_do_not_know_of_each_other_are_told(config, capsys, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert start(config) == 2
    assert "ACCELERATE_USE_CPU=true" in capsys.readouterr().err
    assert not (config.parent / "out").exists()
