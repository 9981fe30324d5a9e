"""Trainings that are killed, gone on with, and shared among processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from runs import kill, losses, share
from small_training import start, weights, write_config

from common.core.files import alone
from common.training.logs import read_log

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def config(tmp_path) -> Path:
    return write_config(tmp_path)


def test_another_seed_does_not_go_on(config, capsys):
    start(config, "steps=2")
    assert start(config, "seed=1") == 2
    assert "seed" in capsys.readouterr().err
    assert start(config, "resume=false") == 2


def test_what_a_resumed_training_is_told_anew_holds(config):
    """A smaller learning rate acts from the first step on, and another number of passes cuts no step short."""
    out, more = config.parent / "out", ["steps=3", "accumulation=4"]
    start(config, "steps=2", "accumulation=2", "ema=0.5")
    start(config, *more, "ema=0.9", "learning_rate=1e-3", "weight_decay=0.2")
    assert [row["learning_rate"] for row in read_log(out / "log.csv")] == [2e-3] * 2 + [1e-3]
    whole = config.parent / "whole"
    start(config, "steps=2", "ema=0.5", f"output={whole}")
    start(config, "steps=3", "ema=0.9", "learning_rate=1e-3", "weight_decay=0.2", f"output={whole}")
    np.testing.assert_allclose(losses(out), losses(whole), rtol=1e-4)
    state = torch.load(out / "checkpoints/step-00000003/state/optimizer.bin", weights_only=True)
    assert {group["weight_decay"] for group in state["param_groups"]} == {0.2}
    averages = torch.load(out / "checkpoints/step-00000003/state/custom_checkpoint_1.pkl", weights_only=False)
    assert averages["decay"] == 0.9


@pytest.mark.parametrize(("override", "code", "name"), [("steps=1", 2, "step 2"), ("ema=0.9", 1, "ema")])
def test_a_training_that_cannot_resume_says_why(config, capsys, override, code, name):
    start(config, "steps=2")
    assert start(config, "steps=4", override) == code
    assert name in capsys.readouterr().err


def test_weights_that_are_no_numbers_are_not_kept(config, monkeypatch, capsys):
    """A gradient that is none at the step of a checkpoint: the loss, which comes before it, still looked well."""
    start(config, "steps=2")
    monkeypatch.setattr("common.training.loop.Run.clip", lambda run: run.parameters[0].grad.fill_(float("nan")))
    assert start(config, "steps=3", "checkpoint_every=1") == 1
    assert "step 3" in capsys.readouterr().err
    assert not (config.parent / "out/checkpoints/step-00000003").exists()


def test_a_finished_training_ends_again_without_its_log(config):
    start(config, "steps=2")
    (config.parent / "out" / "log.csv").unlink()
    assert start(config, "steps=2") == 0


def test_killed_training_goes_on_as_if_it_had_not_been(config, capsys):
    """After the kill, the same command again."""
    out, more = config.parent / "out", ["steps=12", "checkpoint_every=4", "ema=0.9", "log_every=3"]
    kill("magicface.train", config, *more)
    assert start(config, *more) == 0
    assert "resuming from step" in capsys.readouterr().out
    whole = config.parent / "whole"
    assert start(config, *more, f"output={whole}") == 0
    assert len(losses(out)) == 12
    np.testing.assert_allclose(losses(out), losses(whole), rtol=1e-6)
    one, other = weights(out / "model"), weights(whole / "model")
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=0, atol=1e-6)


@pytest.mark.slow
def test_two_processes_equal_one(config):
    start(config, "steps=2", f"output={config.parent / 'one'}")
    share("magicface.train", config, "steps=2", f"output={config.parent / 'two'}")
    assert len(list(config.parent.glob("two/checkpoints/step-00000002/state/random_states_*.pkl"))) == 2
    np.testing.assert_allclose(losses(config.parent / "one"), losses(config.parent / "two"), rtol=1e-4)
    one, two = weights(config.parent / "one" / "model"), weights(config.parent / "two" / "model")
    for name, value in one.items():
        torch.testing.assert_close(value, two[name], rtol=0, atol=5e-5)


def test_processes_that_do_not_know_of_each_other_are_refused(config, capsys, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert start(config) == 2
    assert "ACCELERATE_USE_CPU=true" in capsys.readouterr().err
    assert not list((config.parent / "out").glob("[!.]*"))


def test_two_trainings_do_not_share_a_folder(config, capsys, monkeypatch):
    monkeypatch.setattr("common.training.loop.PATIENCE", 0.3)
    with alone(config.parent / "out"):
        assert start(config) == 2
    assert str(config.parent / "out") in capsys.readouterr().err
    assert start(config, "steps=2") == 0
