"""A network under a protocol: every fold trained, predicted and kept; all predictions scored together.

A fold's training sees its training samples alone: what it is tested on comes into play when it has ended. Nothing is
chosen by it, and the last step is what counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from common.core.errors import InputError
from common.core.files import PATIENCE, alone, replace_file, sha256
from common.core.fingerprint import claim
from common.core.jsonio import parse_json, read_text
from common.core.parallel import each
from common.training.sampler import generator

from .data.sample import Sample
from .fit import Clips, Study, fit, fold_seed, predict
from .inputs import prepare, read, with_latents
from .magnification import load_magnifier
from .protocols import Fold, Protocol


@dataclass(frozen=True)
class Predicted:
    """All folds' predictions, each sample's once.

    `logits` are (N, K) in the order of the protocol's samples.
    """

    protocol: Protocol
    logits: np.ndarray
    study: Study


def run(
    study: Study,
    protocol: Protocol,
    output: str | Path,
    *,
    extra: Sequence[Sample] = (),
    jobs: int = 1,
    progress: bool = True,
) -> Predicted:
    """Trains and predicts every fold that is not there yet, in a folder in which each has its log, network and
    predictions.

    `extra` samples, labelled by the protocol's words, are only ever trained on; `jobs` processes have one thread and a
    fold of their own each.

    Raises InputError for options that cannot be used, or that differ from those of the run in the folder; DataSetError
    with every clip that cannot be used.
    """
    output = Path(output).expanduser()
    if study.mix and not extra:
        raise InputError("mix needs extra samples to mix in.")
    more = _labelled(extra, protocol) if study.mix else []
    largest = max((len(fold.train) for fold in protocol.folds), default=0)
    if len(more) < round(study.mix * largest):
        raise InputError(
            f"mix = {study.mix:g} takes {round(study.mix * largest)} extra samples in a fold of {largest}; there are"
            f" {len(more)} that have a label of the protocol."
        )
    with alone(output, PATIENCE):
        asked = hashlib.sha256(
            repr([(s.key, s.onset, s.apex, s.offset) for s in protocol.samples]).encode()
        ).hexdigest()
        facts = {"study": asdict(study), "protocol": protocol.name, "answers": list(protocol.names), "samples": asked}
        if study.magnifier is not None:
            facts["study"]["magnifier"] = sha256(Path(study.magnifier))  # wherever it lies
        facts |= {"extra": hashlib.sha256(repr([s.key for s, _ in more]).encode()).hexdigest() if more else ""}
        claim(output / "study.json", facts, "name another folder")
        files = _inputs(study, [*protocol.samples, *(sample for sample, _ in more)], output, jobs, progress)
        labels = [*protocol.labels, *(label for _, label in more)]
        own = protocol.folds, protocol.names, protocol.units
        task = _FoldTask(study, *own, tuple(files), tuple(labels), len(protocol.samples), output)
        with closing(each(task, range(len(protocol.folds)), jobs)) as made:
            found = list(tqdm(made, total=len(protocol.folds), desc=study.model, unit="fold", disable=not progress))
    logits = np.full((len(protocol.samples), len(protocol.names)), np.nan)
    for fold, rows in zip(protocol.folds, found):
        logits[list(fold.test)] = rows
    return Predicted(protocol, logits, study)


@dataclass(frozen=True)
class _FoldTask:
    """Trains and predicts the fold of a number; travels to workers."""

    study: Study
    folds: tuple[Fold, ...]
    names: tuple[str, ...]
    units: bool
    files: tuple[Path, ...]
    labels: tuple[int | tuple[int, ...], ...]
    first: int
    output: Path

    def __call__(self, number: int) -> np.ndarray:
        fold = self.folds[number]
        folder = self.output / "folds" / fold.name
        kept = folder / "predictions.json"
        if kept.is_file():
            return np.array(parse_json(read_text(kept))["logits"])
        seed = fold_seed(self.study.seed, fold.name)
        rows = [*fold.train, *self._mixed(len(fold.train), seed)]
        data = Clips(self._paths(rows), [self.labels[row] for row in rows])
        network = fit(self.study, data, self.names, self.units, seed, folder)
        logits = predict(self.study.chosen(), network, self._paths(fold.test))
        values = {"test": list(fold.test), "logits": np.round(logits.astype(np.float64), 6).tolist()}
        replace_file(kept, lambda path: path.write_text(json.dumps(values), encoding="utf-8"))
        return np.array(values["logits"])

    def _paths(self, rows: Sequence[int]) -> list[Path]:
        return [self.files[row] for row in rows]

    def _mixed(self, own: int, seed: int) -> list[int]:
        order = torch.randperm(len(self.files) - self.first, generator=generator(seed, 1))
        return [self.first + int(place) for place in order[: round(self.study.mix * own)]]


def publish(
    study: Study, protocol: Protocol, output: str | Path, trained: str, *, jobs: int = 1, progress: bool = True
) -> Path:
    """Trains on all samples of a protocol, test samples too, whose folds' scores say how good this network may be;
    returns the network's folder, see `microexpression.reader`. `trained` are words that go with it, `jobs` processes
    for the flow.
    """
    output = Path(output).expanduser()
    files = _inputs(study, protocol.samples, output, jobs, progress)
    fit(study, Clips(files, protocol.labels), protocol.names, protocol.units, study.seed, output / "all", trained)
    return output / "all" / "model"


def _inputs(study: Study, samples: Sequence[Sample], output: Path, jobs: int, progress: bool) -> list[Path]:
    model, folder = study.chosen(), output / "inputs"
    size, options = study.size or model.size, {"workers": jobs, "progress": progress}
    files = prepare(samples, model.kind, size, folder, detector=study.detector, **options)
    if study.magnifier is None or model.kind != "infusenet":
        return files
    path = Path(study.magnifier)
    return with_latents(files, load_magnifier(path), folder / f"latents-{sha256(path)[:8]}", progress)


def _labelled(extra: Sequence[Sample], protocol: Protocol) -> list[tuple[Sample, int | tuple[int, ...]]]:
    known = {sample.person for sample in protocol.samples}
    if both := sorted({" ".join(sample.person) for sample in extra if sample.person in known}):
        raise InputError(f"Extra samples must be of other people than those who are tested: {', '.join(both[:5])}.")
    found = [(sample, label) for sample in extra if (label := protocol.label_of(sample)) is not None]
    if not found:
        raise InputError("None of the extra samples has a label of the protocol.")
    return found


# --- what any network has to beat -----------------------------------------------------------------------------------

STRENGTH = 0.3
"""Of the ridge, for each feature; features have deviation 1."""


def chance(protocol: Protocol) -> np.ndarray:
    """(N, K) logits of one answer for all: each fold's most frequent class; every unit is there."""
    logits = np.zeros((len(protocol.samples), len(protocol.names)))
    for fold in protocol.folds:
        if protocol.units:
            logits[list(fold.test)] = 1
        else:
            counts = np.bincount([int(protocol.labels[row]) for row in fold.train], minlength=len(protocol.names))  # pyright: ignore[reportArgumentType]
            logits[list(fold.test), counts.argmax()] = 1
    return logits


def linear(protocol: Protocol, files: Sequence[Path]) -> np.ndarray:
    """(N, K) logits of ridge regression on the flow of each file of `inputs.prepare`, to -1 and 1 for each answer."""
    features = np.stack([read(path)["flow"].ravel() for path in files]).astype(np.float64)
    if protocol.units:
        targets = 2.0 * np.array(protocol.labels) - 1
    else:
        targets = 2.0 * np.eye(len(protocol.names))[np.array(protocol.labels, int)] - 1
    logits = np.zeros(targets.shape)
    for fold in protocol.folds:
        train, test = list(fold.train), list(fold.test)
        mean, spread = features[train].mean(0), features[train].std(0) + 1e-6
        rows, usual = (features - mean) / spread, targets[train].mean(0)
        kernel = rows[train] @ rows[train].T + STRENGTH * rows.shape[1] * np.eye(len(train))
        logits[test] = rows[test] @ rows[train].T @ np.linalg.solve(kernel, targets[train] - usual) + usual
    return logits
