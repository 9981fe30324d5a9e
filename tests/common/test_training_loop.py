"""The loop with the smallest task: it learns, and resumes bit for bit; what a task need not say is left out."""

from __future__ import annotations

import pytest
import torch
from refusals import refused
from runs import losses
from safetensors.torch import load_file, save_file
from torch import nn

from common.core.errors import InputError
from common.training.config import TrainConfig
from common.training.logs import read_log
from common.training.loop import Task, train

pytestmark = pytest.mark.usefixtures("one_thread")


class Line(Task):
    """y = 2 x + 1 from five points; `stop` is how many passes it goes through."""

    def __init__(self, stop: int = 1000) -> None:
        torch.manual_seed(0)
        self.module = nn.Linear(1, 1)
        self.left = stop

    def data(self, group):
        return [{"x": torch.tensor([i / 5]), "y": torch.tensor([2 * i / 5 + 1])} for i in range(5)]

    def loss(self, module, batch, device):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return (module(batch["x"].to(device)) - batch["y"].to(device)).square().mean()

    def save(self, folder, state):
        folder.mkdir(parents=True)
        save_file({name: value.cpu().contiguous() for name, value in state.items()}, folder / "line.safetensors")


def config(folder, **options) -> TrainConfig:
    small = {"steps": 12, "batch_size": 2, "workers": 0, "warmup": 3, "learning_rate": 0.05, "tensorboard": False}
    return TrainConfig(str(folder), **{**small, "checkpoint_every": 4, "ema": 0.5, "quiet": True, **options})


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_training_that_stopped_resumes_bit_for_bit(tmp_path, accumulation):
    whole, stopped = (config(tmp_path / name, accumulation=accumulation) for name in ("whole", "stopped"))
    train(whole, Line())
    with pytest.raises(KeyboardInterrupt):
        train(stopped, Line(stop=7 * accumulation))
    train(stopped, Line())
    assert losses(tmp_path / "whole") == losses(tmp_path / "stopped")
    one, other = (load_file(tmp_path / name / "model" / "line.safetensors") for name in ("whole", "stopped"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_it_learns_and_keeps_what_it_is_told(tmp_path):
    train(config(tmp_path, steps=300, checkpoint_every=100, keep=2), Line())
    found = losses(tmp_path)
    assert sum(found[-10:]) < 0.01 * sum(found[:10])
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["step-00000200", "step-00000300"]
    assert read_log(tmp_path / "validation.csv") == []
    assert "no samples were held out" in (tmp_path / "model" / "README.md").read_text()


def test_a_finished_training_of_another_order_of_samples_is_refused(tmp_path):
    train(config(tmp_path), Line())
    with refused(InputError, "conflict", expected=2, actual=4):
        train(config(tmp_path, batch_size=4, steps=20), Line())
