"""The small networks inside the packages train on, without any published weights, and say whether it was worth it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from common.diffusion import loading
from common.training.logs import read_log
from common.training.sheet import judged

EXAMPLES = Path(__file__).parents[1] / "examples"
FAST = {
    "steps": 2, "batch_size": 2, "workers": 0, "validation_count": 2, "validate_every": 0, "warmup": 0,
    "tensorboard": "false", "estimator": "a ruler 1.0",
}  # fmt: skip

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def pictures(tmp_path, monkeypatch) -> Path:
    """Four people, two pictures each, on a machine that has fetched nothing."""
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    rng = np.random.default_rng(0)
    for n in range(8):
        small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
        small.resize((128, 128), Image.Resampling.BICUBIC).save(tmp_path / f"{n}.png")
    return tmp_path


def pairs(folder: Path, **more) -> Path:
    rows = [{"source": f"{2 * n}.png", "target": f"{2 * n + 1}.png", "person": f"p{n}", **more} for n in range(4)]
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder / "pairs.jsonl"


def arguments(name: str, out: Path, **more) -> list[str]:
    given = {**FAST, "output": out, **more}
    return [str(EXAMPLES / name), *(word for key, value in given.items() for word in ("--set", f"{key}={value}"))]


def check_card(out: Path) -> None:
    before = json.loads((out / "baseline.json").read_text())
    assert before.keys() == read_log(out / "validation.csv")[-1].keys() - {"step"}
    assert (out / "validation" / "step-00000000.png").is_file()
    card = (out / "model" / "README.md").read_text()
    for words in ("before training", "a ruler 1.0", "held out: 1 rows of 1 other people", "torch 2", "## Limits"):
        assert words in card, words
    assert "inside the package" in card


def test_magicface_trains_on_from_the_small_network(pictures, caplog):
    from magicface import MagicFace
    from magicface.train import main

    out = pictures / "out"
    manifest = pairs(pictures, au_source={}, au_target={"AU12": 3})
    assert main(arguments("train_magicface_small.toml", out, manifest=manifest, learning_rate=0.5)) == 0
    check_card(out)
    editor = MagicFace.from_pretrained(out / "model", device="cpu", detector="mediapipe", parser="grabcut")
    assert editor.defaults == MagicFace.from_pretrained("embedded", device="cpu", detector="mediapipe").defaults
    # A rate that ruins the network: what is worse than the unedited photo is said, and stands in the card.
    assert read_log(out / "validation.csv")[-1]["edit_to_nothing"] > 1
    assert "do harm" in caplog.text.replace("does", "do")
    assert "does harm there" in (out / "model" / "README.md").read_text()


def test_the_published_config_takes_the_small_network_too(pictures):
    from common.training.command import read
    from magicface.train import MagicFaceConfig

    config = read(MagicFaceConfig, EXAMPLES / "train_magicface.toml", ["model=embedded"])
    assert config.prediction == "epsilon"
    assert (config.of_model().prediction, config.of_model().zero_terminal_snr) == ("v_prediction", True)
    assert config.use().conditioning_image == "photo"


@pytest.mark.slow
def test_rigface_trains_on_from_the_small_network(pictures):
    from common.warp.delta import VECTOR_SIZE
    from rigface.train import main

    out, numbers = pictures / "out", [0.1] * VECTOR_SIZE
    manifest = pairs(pictures, background="0.png", render="1.png", coefficients=numbers)
    assert main(arguments("train_rigface_small.toml", out, manifest=manifest)) == 0
    check_card(out)
    assert loading.load(out / "model", device="cpu", release=loading.RIGFACE).vector_size == VECTOR_SIZE


@pytest.mark.slow
def test_fineface_trains_on_from_the_small_model(pictures):
    from fineface import FineFace
    from fineface.train import main
    from fineface.variants import EMBEDDED_FOLDER

    rows = [f"{n}.png,a person,{n % 5},p{n // 2}" for n in range(8)]
    (pictures / "metadata.csv").write_text("\n".join(["file_name,caption,AU12,person", *rows]))
    out = pictures / "out"
    assert main(arguments("train_fineface_small.toml", out, folder=pictures, validation_steps=2)) == 0
    assert json.loads((out / "baseline.json").read_text()).keys() == {"loss", "loss_without_units"}
    card = (out / "model" / "README.md").read_text()
    assert "held out: 2 rows of 1 other people" in card
    assert "a ruler 1.0" in card
    editor = FineFace.from_pretrained(out / "model", device="cpu")
    assert editor.defaults == FineFace.from_pretrained("embedded", device="cpu").defaults
    name = "unet/diffusion_pytorch_model.safetensors"
    before, after = load_file(EMBEDDED_FOLDER / name), load_file(out / "model" / name)
    assert before.keys() == after.keys()
    assert any((before[key] != after[key]).any() for key in before)


@pytest.mark.parametrize(("ratio", "wrong"), [(0.4, False), (0.999, False), (1.0, True), (1.7, True)])
def test_worse_than_nothing_is_said(ratio, wrong):
    assert bool(judged({"edit_to_nothing": ratio})) == wrong
