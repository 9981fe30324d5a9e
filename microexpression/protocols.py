"""The field's protocols, as folds of training and test samples.

Samples are sorted by their keys first, so that results do not depend on the order of a table's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from common.core.errors import InputError

from .data.load import DATASETS
from .data.sample import UNITS, Sample

EMOTIONS = ("negative", "positive", "surprise")
DROPPED = {("casme2", "04", "EP12_01f"), ("casme2", "05", "EP09_05f"), ("casme2", "24", "EP02_07")}
"""Clips of disgust that MEGC2019's list leaves out."""
_MEGC2019 = {
    "smic": {"negative": 0, "positive": 1, "surprise": 2},
    "casme2": {"disgust": 0, "repression": 0, "happiness": 1, "surprise": 2},
    "samm": {**dict.fromkeys(("anger", "contempt", "disgust", "sadness", "fear"), 0), "happiness": 1, "surprise": 2},
}
Label = Callable[[Sample], "int | tuple[int, ...] | None"]


@dataclass(frozen=True)
class Fold:
    """Rows of the training and test samples; `name` is that of the tested subject or data set."""

    name: str
    train: tuple[int, ...]
    test: tuple[int, ...]


@dataclass(frozen=True)
class Protocol:
    """Samples with folds and labels: a class's number each, or 0 and 1 for each of the `units`; `label_of` labels any
    sample, or returns None.

    Raises InputError: a sample is tested twice (code "duplicate"), or trained on and tested in a fold ("conflict").
    """

    name: str
    samples: tuple[Sample, ...] = field(repr=False)
    labels: tuple[int | tuple[int, ...], ...] = field(repr=False)
    names: tuple[str, ...]
    folds: tuple[Fold, ...] = field(repr=False)
    units: bool = False
    label_of: Label = field(default=lambda _: None, repr=False, compare=False)

    def __post_init__(self) -> None:
        tested = sorted(row for fold in self.folds for row in fold.test)
        if len(set(tested)) != len(tested):
            raise InputError(f"{self.name}: a sample is tested twice.", code="duplicate")
        if any(set(fold.train) & set(fold.test) for fold in self.folds):
            raise InputError(f"{self.name}: a sample is trained on and tested in one fold.", code="conflict")


def megc2019(samples: Iterable[Sample]) -> Protocol:
    """The composite of MEGC2019: SMIC, CASME II and SAMM; three classes, leave one subject out."""
    return _of("megc2019", samples, _emotion, EMOTIONS, lambda sample: sample.person)


def megc2018_composite(samples: Iterable[Sample]) -> Protocol:
    """The composite (CDE) of MEGC2018: objective classes I to V of CASME II and SAMM, leave one subject out."""
    return _of("megc2018-cde", samples, _objective, _FIVE, lambda sample: sample.person)


def megc2018_holdout(samples: Iterable[Sample]) -> Protocol:
    """The holdout (HDE) of MEGC2018: the same classes, leave one data set out."""
    return _of("megc2018-hde", samples, _objective, _FIVE, lambda sample: sample.dataset)


def cd6me(samples: Iterable[Sample], units: Sequence[int] = UNITS) -> Protocol:
    """CD6ME (Varanka et al. 2023, arXiv 2211.11425): twelve action units, leave one data set out."""

    def label(sample: Sample) -> tuple[int, ...]:
        return tuple(sample.labels(units))

    names = [f"AU{unit}" for unit in units]
    return _of("cd6me", samples, label, names, lambda sample: sample.dataset, units=True)


PROTOCOLS: dict[str, Callable[[Iterable[Sample]], Protocol]] = {
    "megc2019": megc2019,
    "megc2018-cde": megc2018_composite,
    "megc2018-hde": megc2018_holdout,
    "cd6me": cd6me,
}
_FIVE = ("I", "II", "III", "IV", "V")


def _emotion(sample: Sample) -> int | None:
    if sample.key in DROPPED:
        return None
    return _MEGC2019.get(sample.dataset, _MEGC2019["smic"]).get(sample.emotion.lower())


def _objective(sample: Sample) -> int | None:
    return sample.objective - 1 if 1 <= sample.objective <= 5 else None


def _of(
    name: str,
    samples: Iterable[Sample],
    label: Label,
    names: Sequence[str],
    group: Callable[[Sample], str | tuple[str, str]],
    *,
    units: bool = False,
) -> Protocol:
    labelled = [(sample, found) for sample in sorted(samples, key=_order) if (found := label(sample)) is not None]
    if len({sample.key for sample, _ in labelled}) < len(labelled):
        raise InputError(f"{name}: two samples have the same data set, subject and clip.", code="duplicate")
    groups = [group(sample) for sample, _ in labelled]
    if len(set(groups)) < 2:
        message = f"{name} needs two subjects or data sets to leave one out."
        raise InputError(message, code="count", expected="2 or more", actual=len(set(groups)))
    folds = []
    for each in dict.fromkeys(groups):
        test = tuple(row for row, other in enumerate(groups) if other == each)
        train = tuple(row for row, other in enumerate(groups) if other != each)
        folds.append(Fold(each if isinstance(each, str) else "-".join(each), train, test))
    chosen, labels = zip(*labelled)
    return Protocol(name, chosen, labels, tuple(names), tuple(folds), units, label)


def _order(sample: Sample) -> tuple[int, str, str, str]:
    known = DATASETS.index(sample.dataset) if sample.dataset in DATASETS else len(DATASETS)
    return known, *sample.key
