"""`cross_dataset_seq.csv`: the 2,031 clips of CD6ME, six data sets in one table."""

from __future__ import annotations

from pathlib import Path

from common.core.errors import InputError
from common.core.records import read_table

from .sample import DataSetError, Sample, check

DATASETS = ("casme", "casme2", "samm", "fourd", "mmew", "casme3a")
"""In the protocol's order."""
COLUMNS = ("subject", "material", "onset", "apex", "offset", "apexf", "AU", "emotion", "n_frames", "dataset")


def read_crossed(path: str | Path) -> list[Sample]:
    """Its rows, in any order; action units by its 0/1 columns.

    Raises:
        InputError: no such file, or another table.
        DataSetError: with every broken row.
    """
    table = read_table(Path(path), COLUMNS)
    names = table.columns
    units = [name for name in names if name.startswith("AU") and name[2:].isdigit()]
    if missing := [name for name in COLUMNS if name not in names] or ([] if units else ["AU1"]):
        raise InputError(f"{path} is another table: it lacks the columns {', '.join(missing)}.")
    samples, faults = [], []
    for number, row in table.rows:
        if isinstance(row, InputError):
            faults.append(f"line {number}: {row}")
            continue
        try:
            times = {name: int(float(row[name])) for name in ("onset", "apex", "offset", "apexf", "n_frames")}
            shown = frozenset(int(name[2:]) for name in units if float(row[name]))
        except (TypeError, ValueError) as error:
            faults.append(f"line {number}: {error}")
            continue
        onset, apex, offset = (times[name] for name in ("onset", "apex", "offset"))
        if times["n_frames"] != offset - onset + 1 or times["apexf"] != apex - onset:
            faults.append(f"line {number}: n_frames or apexf do not fit onset, apex and offset")
        if row["dataset"] not in DATASETS:
            faults.append(f"line {number}: there is no data set {row['dataset']!r}")
        samples.append(
            Sample(row["dataset"], row["subject"], row["material"], onset, apex, offset, shown, row["emotion"])
        )
    if faults:
        raise DataSetError(str(path), faults)
    return check(samples, str(path))
