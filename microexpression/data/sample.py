"""Annotations of clips, and the faults of a data set."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from common.core.errors import InputError

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17)
"""The twelve action units of CD6ME, in its order."""


@dataclass(frozen=True)
class Sample:
    """Annotations of a clip: first, strongest and last frame by the numbers in the file names, action units, emotion in
    the data set's word, SAMM's objective class (1 to 7, 0 for none), and folder of frames (None if not on this
    machine).

    Raises InputError: the times are not in order (code "order").
    """

    dataset: str
    subject: str
    clip: str
    onset: int
    apex: int
    offset: int
    units: frozenset[int] = frozenset()
    emotion: str = ""
    objective: int = 0
    frames: Path | None = None

    def __post_init__(self) -> None:
        if not self.onset <= self.apex <= self.offset:
            times = f"{self.onset}, {self.apex}, {self.offset}"
            raise InputError(f"expected onset <= apex <= offset; got {times}", code="order")

    @property
    def key(self) -> tuple[str, str, str]:
        """Data set, subject and clip, unique."""
        return self.dataset, self.subject, self.clip

    @property
    def person(self) -> tuple[str, str]:
        """Data set and subject: subjects of two data sets are two people."""
        return self.dataset, self.subject

    def labels(self, units: Iterable[int] = UNITS) -> list[int]:
        """1 for each unit of the expression, else 0."""
        return [int(unit in self.units) for unit in units]


class DataSetError(InputError):
    """A data set cannot be used; carries all its `faults`."""

    code = "data_set"

    def __init__(self, where: str, faults: Iterable[str]) -> None:
        self.where = where
        self.faults = tuple(faults)
        shown = [f"  {fault}" for fault in self.faults[:30]]
        more = [f"  ... and {len(self.faults) - 30} more"] if len(self.faults) > 30 else []
        super().__init__("\n".join([f"{where}: {len(self.faults)} faults", *shown, *more]))


def units_of(text: object, *, marked: bool = False) -> frozenset[int]:
    """The action units of an annotation: "AU4+L12B" gives 4 and 12, without sides, intensities and doubts. Units with
    4DME's mark "(k)" are left out unless `marked`.
    """
    plain = str(text) if marked else re.sub(r"[A-Za-z]*\d+[A-Za-z]*\s*\(k\)", "", str(text))
    return frozenset(int(number) for number in re.findall(r"\d+", plain))


def check(samples: Iterable[Sample], where: str) -> list[Sample]:
    """The samples. Raises DataSetError: two have the same key."""
    samples = list(samples)
    counts = Counter(sample.key for sample in samples)
    if faults := [f"{' '.join(key)}: {count} rows" for key, count in counts.items() if count > 1]:
        raise DataSetError(where, faults)
    return samples


def count_units(samples: Iterable[Sample], units: Iterable[int] = UNITS) -> Mapping[int, int]:
    """Number of samples with each unit."""
    samples = list(samples)
    return {unit: sum(unit in sample.units for sample in samples) for unit in units}
