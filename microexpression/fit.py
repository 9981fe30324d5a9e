"""Training of a network on samples, and its predictions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from common.core.finite import check_finite
from common.training.config import TrainConfig
from common.training.loop import State, Task, train
from common.training.sampler import Group

from .inputs import read
from .magnification import load_magnifier
from .models import Model, error, model_of
from .networks.infusenet import InfuseNet
from .networks.rcn import RCN, search
from .reader import AUTO, FACTS, WEIGHTS

Samples = list[dict[str, torch.Tensor]]


@dataclass(frozen=True)
class Study:
    """How a network is trained in each fold.

    Attributes:
        model: of `models.MODELS`, or "rcn_auto", whose parts are searched for with each fold's training samples.
        epochs: passes over the training samples; None takes the model's own, as for the next three.
        size: of the inputs in pixels.
        width: fraction of the layers' sizes (ELRCN, InfuseNet).
        seed: of weights and order, combined with the fold's name.
        detector: face detector that crops the frames first; None takes the frames as they are.
        magnifier: file of released weights for InfuseNet, which are not trained; None trains new ones.
        mix: number of `extra` samples per training sample of a fold.
        training: other options of `common.training.config.TrainConfig`.
    """

    model: str
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    size: int | None = None
    width: float = 1.0
    seed: int = 0
    detector: str | None = None
    magnifier: str | None = None
    mix: float = 0.0
    training: Mapping[str, Any] = field(default_factory=dict)

    def chosen(self) -> Model:
        """The model; RCN-A's for "rcn_auto", which differs in its parts alone."""
        return model_of("rcn_a" if self.model == AUTO else self.model)


def read_samples(files: Sequence[Path], labels: Sequence[int | tuple[int, ...]]) -> Samples:
    """Arrays of the files of `inputs`, with labels."""
    arrays = [{name: torch.from_numpy(value) for name, value in read(path).items()} for path in files]
    return [{**own, "label": torch.tensor(label)} for own, label in zip(arrays, labels)]


def fold_seed(seed: int, name: str) -> int:
    """The seed of a fold, by its name."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:4], "big") >> 1


def fit(
    study: Study,
    data: Samples,
    names: Sequence[str],
    units: bool,
    seed: int,
    folder: Path,
    trained: str = "",
) -> nn.Module:
    """The network of a study, trained on the samples of `data`, with outputs for these names of classes or `units`.

    `folder` takes the training's log and the network; `trained` describes the training data.
    """
    model, answers = study.chosen(), len(names)
    own = {"epochs": study.epochs, "batch_size": study.batch_size, "learning_rate": study.learning_rate}
    options = {**model.training, **{name: value for name, value in own.items() if value is not None}}
    epochs, batch_size = options.pop("epochs"), min(options.pop("batch_size"), len(data))
    steps = max(1, round(epochs * len(data) / batch_size))
    settings: dict[str, Any] = {
        **dict.fromkeys(("warmup", "weight_decay", "clip", "workers", "validation_count"), 0),
        "schedule": "constant",
        "tensorboard": False,
        "quiet": True,
        "checkpoint_every": max(500, steps // 4),
        "keep": 1,
        "log_every": 50,
        "batch_size": batch_size,
    }
    config = TrainConfig(str(folder), seed=seed, steps=steps, **{**settings, **options, **study.training})
    torch.manual_seed(seed)
    network: nn.Module
    if study.model == AUTO:
        flows, labels = (torch.stack([sample[name] for sample in data]) for name in ("flow", "label"))
        architecture, _, _ = search(flows, labels, answers, loss=error, seed=seed)
        network = RCN(architecture, answers)
    else:
        network = model.build(answers, study.width)
    if isinstance(network, InfuseNet) and study.magnifier is not None:
        network.magnifier = load_magnifier(study.magnifier)

    facts = {"model": study.model, "names": list(names), "units": units, "width": study.width}
    facts |= {"size": study.size or model.size, "trained": trained}
    if isinstance(network, RCN):
        facts["architecture"] = asdict(network.architecture)
    train(config, FoldTask(network, model, data, seed, facts, f"{study.model}, fold {folder.name}"))
    return network.eval()


@dataclass(eq=False)
class FoldTask(Task):
    """Training of a network on a fold's samples; `facts` are saved with its weights."""

    module: nn.Module
    model: Model
    samples: Samples
    seed: int
    facts: dict[str, Any]
    title: str

    def data(self, group: Group) -> Any:
        """The samples."""
        return self.samples

    def loss(self, module: Any, batch: Mapping[str, Any], device: torch.device) -> torch.Tensor:
        """The model's own loss."""
        # Dropout follows from the sample's number, so that a resumed training gives the same result.
        torch.manual_seed(fold_seed(self.seed, str(int(batch["number"][0]))))
        return self.model.loss(module, {name: value.to(device) for name, value in batch.items()})

    def save(self, folder: Path, state: State) -> None:
        """Writes the weights and the facts."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: value.contiguous() for name, value in state.items()}, folder / WEIGHTS)
        (folder / FACTS).write_text(json.dumps(self.facts, indent=1) + "\n", encoding="utf-8")


@torch.inference_mode()
def predict(model: Model, network: nn.Module, files: Sequence[Path], batch_size: int = 32) -> np.ndarray:
    """(N, K) logits of the files of `inputs.prepare`."""
    device, found = next(network.parameters()).device, []
    network.eval()
    for first in range(0, len(files), batch_size):
        rows = [read(path) for path in files[first : first + batch_size]]
        batch = {name: torch.from_numpy(np.stack([row[name] for row in rows])).to(device) for name in rows[0]}
        logits = model.answer(network, batch).float()
        check_finite(logits, "The predictions", {"the network": network})
        found.append(logits.cpu().numpy())
    return np.concatenate(found)
