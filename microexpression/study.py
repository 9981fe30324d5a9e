"""A network under a protocol: each fold trained and predicted, and baselines.

The training of a fold uses its training samples alone; test samples are read when it has ended. The network of the last
step is tested.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
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
from .fit import Study, fit, fold_seed, predict, read_samples
from .inputs import prepare, read, with_latents
from .magnification import load_magnifier
from .protocols import Fold, Protocol


@dataclass(frozen=True)
class Predicted:
    """Predictions of all folds: `logits` (N, K) in the order of the protocol's samples."""

    protocol: Protocol
    logits: np.ndarray


def run(
    study: Study,
    protocol: Protocol,
    output: str | Path,
    *,
    extra: Sequence[Sample] = (),
    jobs: int = 1,
    progress: bool = True,
) -> Predicted:
    """Trains and predicts the missing folds, in a folder with the log, network and predictions of each.

    `extra` samples with labels of the protocol are only trained on; each of `jobs` processes has one thread and trains
    one fold at a time.

    Raises InputError: too few extra samples (code "count"), extra people who are tested ("conflict"), or options that
    differ from those of the run in the folder; DataSetError: with every clip that cannot be used.
    """
    output = Path(output).expanduser()
    more = _labelled(extra, protocol) if study.mix else []
    largest = max((len(fold.train) for fold in protocol.folds), default=0)
    needed = max(1, round(study.mix * largest)) if study.mix else 0
    if len(more) < needed:
        message = f"Too few extra samples with a label of the protocol for mix = {study.mix:g}."
        raise InputError(message, code="count", expected=needed, actual=len(more))
    with alone(output, PATIENCE):
        facts = {"study": asdict(study), "protocol": protocol.name, "answers": list(protocol.names)}
        facts["samples"] = _digest([(s.key, s.onset, s.apex, s.offset) for s in protocol.samples])
        if study.magnifier is not None:
            facts["study"]["magnifier"] = sha256(Path(study.magnifier))  # whatever its path
        facts["extra"] = _digest([s.key for s, _ in more]) if more else ""
        claim(output / "study.json", facts, "name another folder")
        files = _inputs(study, [*protocol.samples, *(sample for sample, _ in more)], output, jobs, progress)
        labels = [*protocol.labels, *(label for _, label in more)]
        own, samples = (protocol.folds, protocol.names, protocol.units), list(zip(files, labels))
        task = partial(_run_fold, study, *own, samples, len(protocol.samples), output)
        with closing(each(task, range(len(protocol.folds)), jobs)) as made:
            found = list(tqdm(made, total=len(protocol.folds), desc=study.model, unit="fold", disable=not progress))
    logits = np.full((len(protocol.samples), len(protocol.names)), np.nan)
    for fold, rows in zip(protocol.folds, found):
        logits[list(fold.test)] = rows
    return Predicted(protocol, logits)


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


def _run_fold(
    study: Study,
    folds: Sequence[Fold],
    names: Sequence[str],
    units: bool,
    samples: Sequence[tuple[Path, int | tuple[int, ...]]],
    own: int,
    output: Path,
    number: int,
) -> np.ndarray:
    """Trains and predicts a fold by its number, in any process; `samples` are files and labels, the extra ones from
    place `own` on.
    """
    fold = folds[number]
    folder = output / "folds" / fold.name
    cached = folder / "predictions.json"
    if cached.is_file():
        return np.array(parse_json(read_text(cached))["logits"])
    seed = fold_seed(study.seed, fold.name)
    order = torch.randperm(len(samples) - own, generator=generator(seed, 1))
    extra = [own + int(place) for place in order[: round(study.mix * len(fold.train))]]
    files, labels = zip(*(samples[row] for row in (*fold.train, *extra)))
    network = fit(study, read_samples(files, labels), names, units, seed, folder)
    logits = predict(study.chosen(), network, [samples[row][0] for row in fold.test])
    values = {"test": list(fold.test), "logits": np.round(logits.astype(np.float64), 6).tolist()}
    replace_file(cached, lambda path: path.write_text(json.dumps(values), encoding="utf-8"))
    return np.array(values["logits"])


def publish(
    study: Study, protocol: Protocol, output: str | Path, trained: str, *, jobs: int = 1, progress: bool = True
) -> Path:
    """Trains on all samples of a protocol; the scores of its folds estimate this network's.

    Returns the network's folder, see `microexpression.reader`. `trained` describes its training data; `jobs` processes
    compute the flow.
    """
    output = Path(output).expanduser()
    files = _inputs(study, protocol.samples, output, jobs, progress)
    samples = read_samples(files, protocol.labels)
    fit(study, samples, protocol.names, protocol.units, study.seed, output / "all", trained)
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
        raise InputError("Extra samples show people who are tested.", code="conflict", actual=both)
    return [(sample, label) for sample in extra if (label := protocol.label_of(sample)) is not None]


# --- baselines ------------------------------------------------------------------------------------------------------

STRENGTH = 0.3
"""Of the ridge, per feature; features have deviation 1."""


def chance(protocol: Protocol) -> np.ndarray:
    """(N, K) logits of constant predictions: each fold's most frequent class, or every unit."""
    logits = np.zeros((len(protocol.samples), len(protocol.names)))
    for fold in protocol.folds:
        if protocol.units:
            logits[list(fold.test)] = 1
        else:
            counts = np.bincount([int(protocol.labels[row]) for row in fold.train], minlength=len(protocol.names))  # pyright: ignore[reportArgumentType]
            logits[list(fold.test), counts.argmax()] = 1
    return logits


def linear(protocol: Protocol, files: Sequence[Path]) -> np.ndarray:
    """(N, K) logits of ridge regression on the flow of each file of `inputs.prepare`, with targets -1 and 1."""
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
