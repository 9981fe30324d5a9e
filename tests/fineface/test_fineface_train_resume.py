"""FineFace's trainings that are killed, gone on with, and shared among processes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from runs import kill, losses, share
from safetensors.torch import load_file
from small_fineface import start

pytest.importorskip("peft")
pytestmark = pytest.mark.usefixtures("one_thread")


def assert_same_model(one, other, atol):
    files = sorted(path.relative_to(one) for path in one.rglob("*.safetensors"))
    assert files == sorted(path.relative_to(other) for path in other.rglob("*.safetensors"))
    assert files
    for file in files:
        found = load_file(other / file)
        for name, value in load_file(one / file).items():
            torch.testing.assert_close(found[name], value, rtol=0, atol=atol)


@pytest.mark.slow  # MagicFace's, through the same loop, runs by default
@pytest.mark.parametrize("kind", ["config", "whole"])
def test_killed_training_goes_on_as_if_it_had_not_been(request, kind, capsys):
    """After the kill, the same command again."""
    config = request.getfixturevalue(kind)
    out, more = config.parent / "out", ["steps=12", "checkpoint_every=4", "ema=0.9", "log_every=3"]
    kill("fineface.train", config, *more)
    assert start(config, *more) == 0
    assert "resuming from step" in capsys.readouterr().out
    straight = config.parent / "straight"
    assert start(config, *more, f"output={straight}") == 0
    assert len(losses(out)) == 12
    np.testing.assert_allclose(losses(out), losses(straight), rtol=1e-5)
    assert_same_model(out / "model", straight / "model", 1e-6)


def test_a_checkpoint_of_another_lora_is_told(config, capsys):
    start(config, "steps=2")
    assert start(config, "steps=3", "lora_rank=3") == 1
    assert "lora_rank" in capsys.readouterr().err


@pytest.mark.slow  # MagicFace's, through the same loop, run by default
def test_two_processes_equal_one_and_go_on_as_one(config):
    start(config, "steps=4", f"output={config.parent / 'one'}")
    two = config.parent / "two"
    share("fineface.train", config, "steps=2", f"output={two}")
    assert len(list(two.glob("checkpoints/step-00000002/state/random_states_*.pkl"))) == 2
    assert start(config, "steps=4", f"output={two}") == 0
    np.testing.assert_allclose(losses(config.parent / "one"), losses(two), rtol=1e-4)
    assert_same_model(config.parent / "one" / "model", two / "model", 5e-5)
