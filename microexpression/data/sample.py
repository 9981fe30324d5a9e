"""What a data set says of a clip, and the faults that it may have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from common.core.errors import InputError

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17)
"""The twelve action units of CD6ME, in its order."""


@dataclass(frozen=True)
class Sample:
    """A clip's row.

    Attributes:
        subject: as the data set names them.
        clip: its name, unique with data set and subject.
        onset: number of the first frame, as its file names count.
        apex: of the strongest one.
        offset: of the last one.
        units: the action units that were seen.
        emotion: the data set's word.
        objective: SAMM's objective class, 1 to 7; 0 where there is none.
        frames: folder of its frames; None where they are not here.
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

    @property
    def key(self) -> tuple[str, str, str]:
        """By which it is told from all others."""
        return self.dataset, self.subject, self.clip

    @property
    def person(self) -> tuple[str, str]:
        """Whose face it is: subjects of two data sets are two people."""
        return self.dataset, self.subject

    def labels(self, units: Iterable[int] = UNITS) -> list[int]:
        """1 where a unit was seen, else 0."""
        return [int(unit in self.units) for unit in units]


class DataSetError(InputError):
    """A data set cannot be used; carries all that is wrong with it as `faults`."""

    code = "data_set"

    def __init__(self, where: str, faults: Iterable[str]) -> None:
        self.where = where
        self.faults = tuple(faults)
        shown = [f"  {fault}" for fault in self.faults[:30]]
        more = [f"  ... and {len(self.faults) - 30} more"] if len(self.faults) > 30 else []
        super().__init__("\n".join([f"{where}: {len(self.faults)} faults", *shown, *more]))


def units_of(text: object, *, marked: bool = False) -> frozenset[int]:
    """The numbers in what a coder wrote: "AU4+L12B" gives 4 and 12; sides, intensities and doubts are left out, and so
    are units with the mark "(k)", which 4DME's own columns leave out, unless they are `marked`.
    """
    plain = str(text)
    if not marked:
        plain = re.sub(r"[A-Za-z]*\d+[A-Za-z]*\s*\(k\)", "", plain)
    return frozenset(int(number) for number in re.findall(r"\d+", plain))


def check(samples: Iterable[Sample], where: str) -> list[Sample]:
    """The samples, if their times are in order and their names differ. Raises DataSetError: with every fault."""
    samples, faults, seen = list(samples), [], set()
    for sample in samples:
        name = " ".join(sample.key)
        if not sample.onset <= sample.apex <= sample.offset:
            faults.append(
                f"{name}: expected onset <= apex <= offset; got {sample.onset}, {sample.apex}, {sample.offset}"
            )
        if sample.key in seen:
            faults.append(f"{name} is there twice")
        seen.add(sample.key)
    if faults:
        raise DataSetError(where, faults)
    return samples


def count_units(samples: Iterable[Sample], units: Iterable[int] = UNITS) -> Mapping[int, int]:
    """How many samples show each unit."""
    samples = list(samples)
    return {unit: sum(unit in sample.units for sample in samples) for unit in units}
