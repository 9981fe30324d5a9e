"""A network trained on samples, as a study says, and what it answers."""

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
from torch.utils.data import Dataset

from common.core.finite import check_finite
from common.training.config import TrainConfig
from common.training.loop import State, Task, train
from common.training.sampler import Group

from .inputs import read
from .magnification import load_magnifier
from .models import Model, model_of
from .networks.infusenet import InfuseNet
from .networks.rcn import RCN, search
from .reader import AUTO, FACTS, WEIGHTS


@dataclass(frozen=True)
class Study:
    """How a network is trained in each fold.

    Attributes:
        model: of `models.MODELS`, or "rcn_auto", whose parts are searched for among each fold's training samples.
        epochs: passes over the training samples; None is the model's own, and so below.
        batch_size: samples of a step, at most as many as there are.
        learning_rate: of its optimiser.
        size: of the inputs in pixels.
        width: share of the layers' sizes, where a model is large.
        seed: of weights and order; each fold's own follows from it and the fold's name.
        detector: of the faces that are cut out of the frames first; None takes the frames as they are.
        magnifier: file of released weights for InfuseNet, which then stay as they are; None trains new ones along.
        mix: of `extra` samples in a fold's training, for each of its own; 0 leaves them out.
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
        """The model; of "rcn_auto" what RCN-A's is but for its parts."""
        return model_of("rcn_a" if self.model == AUTO else self.model)


class Clips(Dataset[dict[str, Any]]):
    """Arrays of samples, of the files of `inputs`, with their labels; read once."""

    def __init__(self, files: Sequence[Path], labels: Sequence[int | tuple[int, ...]]) -> None:
        self.files, self.labels = list(files), list(labels)
        self._kept: dict[int, dict[str, Any]] = {}

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> dict[str, Any]:
        if row not in self._kept:
            arrays = {name: torch.from_numpy(value) for name, value in read(self.files[row]).items()}
            self._kept[row] = {**arrays, "label": torch.tensor(self.labels[row])}
        return self._kept[row]


def fold_seed(seed: int, name: str) -> int:
    """Of a fold, whatever its place among the others."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:4], "big") >> 1


def fit(
    study: Study, data: Clips, names: Sequence[str], units: bool, seed: int, folder: Path, trained: str = ""
) -> nn.Module:
    """The network of a study, trained on the samples of `data` and no others, to answer with these names of classes or
    `units`; `folder` takes the training's log and the network, and `trained` says what it was trained on, see
    `publish`.
    """
    model, answers = study.chosen(), len(names)
    options = {name: value for name, value in model.training.items() if name != "epochs"}
    own = {"batch_size": study.batch_size, "learning_rate": study.learning_rate}
    options |= {name: value for name, value in own.items() if value is not None}
    epochs = model.training["epochs"] if study.epochs is None else study.epochs
    options["batch_size"] = min(options["batch_size"], len(data))
    steps = max(1, round(epochs * len(data) / options["batch_size"]))
    settings: dict[str, Any] = {
        **dict.fromkeys(("warmup", "weight_decay", "clip", "workers", "validation_count"), 0),
        "schedule": "constant",
        "tensorboard": False,
        "quiet": True,
        "checkpoint_every": max(500, steps // 4),
        "keep": 1,
        "log_every": 50,
    }
    config = TrainConfig(str(folder), seed=seed, steps=steps, **{**settings, **options, **study.training})
    torch.manual_seed(seed)
    network: nn.Module
    if study.model == AUTO:
        flows = torch.stack([torch.from_numpy(read(path)["flow"]) for path in data.files])
        labels = torch.tensor(data.labels)
        architecture, _, _ = search(flows, labels, answers, seed=seed)
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
    """A network that learns the labels of a fold's samples; `facts` lie beside its weights."""

    module: nn.Module
    model: Model
    clips: Clips
    seed: int
    facts: dict[str, Any]
    title: str

    def data(self, group: Group) -> Clips:
        """The samples, as they are."""
        return self.clips

    def loss(self, module: Any, batch: Mapping[str, Any], device: torch.device) -> torch.Tensor:
        """The model's own loss."""
        # What is dropped out follows from the sample's number, so that a resumed training continues as it would have.
        torch.manual_seed(fold_seed(self.seed, str(int(batch["number"][0]))))
        return self.model.loss(module, {name: value.to(device) for name, value in batch.items()})

    def save(self, folder: Path, state: State) -> None:
        """Writes the weights, and what they are of."""
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
