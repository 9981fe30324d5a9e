"""A network under a protocol: every fold trained, predicted and kept; all predictions scored together.

A fold's training sees its training samples alone: what it is tested on comes into play when it has ended. Nothing is
chosen by it, and the last step is what counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.utils.data import Dataset
from tqdm import tqdm

from common.errors import InputError
from common.files import PATIENCE, alone, replace_file
from common.synthetic.parallel import each
from common.texts import parse_json, read_text
from common.training.config import TrainConfig
from common.training.loop import train
from common.training.order import generator
from common.training.task import Task

from .data.sample import Sample
from .inputs import prepare, read
from .models import Model, model_of
from .networks.rcn import RCN
from .networks.search import search
from .protocols import Fold, Protocol
from .reader import FACTS, WEIGHTS

AUTO = "rcn_auto"


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
    mix: float = 0.0
    training: Mapping[str, Any] = field(default_factory=dict)

    def chosen(self) -> Model:
        """The model; of "rcn_auto" what RCN-A's is but for its parts."""
        return model_of("rcn_a" if self.model == AUTO else self.model)


@dataclass(frozen=True)
class Predicted:
    """All folds' predictions, each sample's once.

    Attributes:
        protocol: what was asked.
        logits: (N, K) in the order of its samples.
        study: how the network was trained.
    """

    protocol: Protocol
    logits: np.ndarray
    study: Study


def run(
    study: Study, protocol: Protocol, output: str | Path, *, extra: Sequence[Sample] = (), jobs: int = 1,
    progress: bool = True,
) -> Predicted:  # fmt: skip
    """Trains and predicts every fold that is not there yet.

    Args:
        study: see there.
        protocol: see there.
        output: folder of everything that is written; a fold has its log, its network and its predictions there.
        extra: samples, labelled by the protocol's words, that only ever are trained on.
        jobs: processes; each has one thread and a fold of its own.
        progress: show bars.

    Raises:
        InputError: options that cannot be used, or other ones than those of the run that is in the folder.
        DataSetError: with every clip that cannot be used.
    """
    output = Path(output).expanduser()
    if study.mix and not extra:
        raise InputError("mix needs extra samples to mix in.")
    more = _labelled(extra, protocol) if study.mix else []
    with alone(output, PATIENCE):
        _claim(output / "study.json", study, protocol, more)
        model = study.chosen()
        size = study.size or model.size
        samples = [*protocol.samples, *(sample for sample, _ in more)]
        files = prepare(samples, model.kind, size, output / "inputs", workers=jobs, progress=progress)
        labels = [*protocol.labels, *(label for _, label in more)]
        own = protocol.folds, protocol.names, protocol.units
        task = _FoldTask(study, *own, tuple(files), tuple(labels), output)
        with closing(each(task, range(len(protocol.folds)), jobs)) as made:
            found = list(tqdm(made, total=len(protocol.folds), desc=study.model, unit="fold", disable=not progress))
    logits = np.full((len(protocol.samples), len(protocol.names)), np.nan)
    for fold, rows in zip(protocol.folds, found):
        logits[list(fold.test)] = rows
    return Predicted(protocol, logits, study)


def fold_seed(seed: int, name: str) -> int:
    """Of a fold, whatever its place among the others."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:4], "big") >> 1


@dataclass(frozen=True)
class _FoldTask:
    """Trains and predicts the fold of a number; travels to workers."""

    study: Study
    folds: tuple[Fold, ...]
    names: tuple[str, ...]
    units: bool
    files: tuple[Path, ...]
    labels: tuple[int | tuple[int, ...], ...]
    output: Path

    def __call__(self, number: int) -> np.ndarray:
        fold = self.folds[number]
        folder = self.output / "folds" / fold.name
        kept = folder / "predictions.json"
        if kept.is_file():
            return np.array(parse_json(read_text(kept))["logits"])
        seed = fold_seed(self.study.seed, fold.name)
        rows = [*fold.train, *self._mixed(len(fold.train), seed)]
        data = _Clips(self._paths(rows), [self.labels[row] for row in rows])
        network = fit(self.study, data, self.names, self.units, seed, folder)
        logits = predict(self.study.chosen(), network, self._paths(fold.test))
        values = {"test": list(fold.test), "logits": np.round(logits.astype(np.float64), 6).tolist()}
        replace_file(kept, lambda path: path.write_text(json.dumps(values), encoding="utf-8"))
        return np.array(values["logits"])

    def _paths(self, rows: Sequence[int]) -> list[Path]:
        return [self.files[row] for row in rows]

    def _mixed(self, own: int, seed: int) -> list[int]:
        first = sum(len(fold.test) for fold in self.folds)
        count = min(round(self.study.mix * own), len(self.files) - first)
        order = torch.randperm(len(self.files) - first, generator=generator(seed, 1))
        return [first + int(place) for place in order[:count]]


def publish(
    study: Study, protocol: Protocol, output: str | Path, trained: str, *, jobs: int = 1, progress: bool = True
) -> Path:
    """Trains on all samples, and returns the network's folder, see `microexpression.reader`.

    Args:
        study: see there.
        protocol: whose samples and labels, test samples too: its folds' scores say how good this network may be.
        output: folder of the training.
        trained: words on what it was trained on, which go with it.
        jobs: processes for the flow.
        progress: show bars.
    """
    output = Path(output).expanduser()
    size = study.size or study.chosen().size
    files = prepare(protocol.samples, study.chosen().kind, size, output / "inputs", workers=jobs, progress=progress)
    fit(study, _Clips(files, protocol.labels), protocol.names, protocol.units, study.seed, output / "all", trained)
    return output / "all" / "model"


def fit(
    study: Study, data: _Clips, names: Sequence[str], units: bool, seed: int, folder: Path, trained: str = ""
) -> nn.Module:
    """The network of a study, trained on these samples and no others.

    Args:
        study: see there.
        data: the samples.
        names: of the classes or units.
        units: which of the two.
        seed: of weights and order.
        folder: of the training's log and the network.
        trained: see `publish`.
    """
    model, answers = study.chosen(), len(names)
    options = {name: value for name, value in model.training.items() if name != "epochs"}
    own = {"batch_size": study.batch_size, "learning_rate": study.learning_rate}
    options |= {name: value for name, value in own.items() if value is not None}
    epochs = model.training["epochs"] if study.epochs is None else study.epochs
    options["batch_size"] = min(options["batch_size"], len(data))
    steps = max(1, round(epochs * len(data) / options["batch_size"]))
    settings: dict[str, Any] = {
        "schedule": "constant", "warmup": 0, "weight_decay": 0.0, "clip": 0.0, "workers": 0, "tensorboard": False,
        "validation_count": 0, "quiet": True, "checkpoint_every": max(500, steps // 4), "keep": 1, "log_every": 50,
    }  # fmt: skip
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

    def loss(module: Any, batch: Mapping[str, Any], device: torch.device) -> torch.Tensor:
        # What is dropped out follows from the sample's number, so that a resumed training goes on as it would have.
        torch.manual_seed(fold_seed(seed, str(int(batch["number"][0]))))
        return model.loss(module, {name: value.to(device) for name, value in batch.items()})

    def write(place: Path, state: Mapping[str, torch.Tensor]) -> None:
        place.mkdir(parents=True, exist_ok=True)
        save_file({name: value.contiguous() for name, value in state.items()}, place / WEIGHTS)
        facts = {"model": study.model, "names": list(names), "units": units, "width": study.width}
        facts |= {"size": study.size or model.size, "trained": trained}
        if isinstance(network, RCN):
            facts["architecture"] = asdict(network.architecture)
        (place / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")

    train(config, Task(network, loss, data, write, title=f"{study.model}, fold {folder.name}"))
    return network.eval()


@torch.inference_mode()
def predict(model: Model, network: nn.Module, files: Sequence[Path], batch_size: int = 32) -> np.ndarray:
    """(N, K) logits of the files of `inputs.prepare`."""
    device, found = next(network.parameters()).device, []
    network.eval()
    for first in range(0, len(files), batch_size):
        rows = [read(path) for path in files[first : first + batch_size]]
        batch = {name: torch.from_numpy(np.stack([row[name] for row in rows])).to(device) for name in rows[0]}
        found.append(model.answer(network, batch).float().cpu().numpy())
    return np.concatenate(found)


class _Clips(Dataset[dict[str, Any]]):
    """Arrays of samples with their labels; read once."""

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


def _labelled(extra: Sequence[Sample], protocol: Protocol) -> list[tuple[Sample, int | tuple[int, ...]]]:
    known = {sample.person for sample in protocol.samples}
    if both := sorted({" ".join(sample.person) for sample in extra if sample.person in known}):
        raise InputError(f"Extra samples must be of other people than those who are tested: {', '.join(both[:5])}.")
    found = [(sample, label) for sample in extra if (label := protocol.label_of(sample)) is not None]
    if not found:
        raise InputError("None of the extra samples has a label of the protocol.")
    return found


def _claim(path: Path, study: Study, protocol: Protocol, more: Sequence[tuple[Sample, Any]]) -> None:
    """What the folder's predictions depend on is written down, or was already."""
    asked = hashlib.sha256(repr([(s.key, s.onset, s.apex, s.offset) for s in protocol.samples]).encode()).hexdigest()
    facts = {"study": asdict(study), "protocol": protocol.name, "answers": list(protocol.names), "samples": asked}
    facts |= {"extra": hashlib.sha256(repr([s.key for s, _ in more]).encode()).hexdigest() if more else ""}
    text = json.dumps(facts, sort_keys=True, indent=1, default=list)
    if path.is_file():
        if read_text(path) != text:
            raise InputError(f"{path.parent} holds another study, see {path.name}; name another folder.")
        return
    replace_file(path, lambda file: file.write_text(text, encoding="utf-8"))
