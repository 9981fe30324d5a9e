"""How well edits are measured: errors of a measurer on synthetic faces whose truth is known.

    python benchmarks/measure.py --count 100

For each action unit the mean absolute error in FACS intensities (0 to 5), that of always answering the mean, and
Pearson's correlation; then the errors of pose and of the light's direction in degrees.
"""

from __future__ import annotations

import argparse

import numpy as np
from tqdm import tqdm

from common.action_units import ACTION_UNITS
from common.errors import FaceNotFoundError
from common.measure import get_measurer
from common.measure.compare import light_turn
from common.synthetic.dataset import SyntheticFaces


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="faces to measure (default: 100)")
    parser.add_argument("--size", type=int, default=256, help="of the pictures in pixels (default: 256)")
    parser.add_argument("--seed", type=int, default=990_000, help="one that nothing was trained on (default: 990000)")
    parser.add_argument("--measurer", default="auto", help="name as get_measurer knows it (default: auto)")
    args = parser.parse_args()
    measurer = get_measurer(args.measurer)
    faces = SyntheticFaces(args.count, size=args.size, seed=args.seed, people=args.count)
    units, angles, turns, missed = [], [], [], 0
    for index in tqdm(range(args.count), unit="face"):
        face = faces[index]
        try:
            found = measurer(face["image"])
        except FaceNotFoundError:
            missed += 1
            continue
        units.append((face["units"].numpy(), found.units))
        angles.append(np.abs(face["angles"].numpy() - found.angles))
        turns.append(light_turn(face["light"].numpy(), found.light))
    print(f"{measurer.name}: {len(units)} faces of {args.size} px, seed {args.seed}; no face found in {missed}")
    if units:
        report(np.array(units), np.array(angles), [turn for turn in turns if turn is not None])


def report(units: np.ndarray, angles: np.ndarray, turns: list[float]) -> None:
    """Print errors of units (N, 2, 12), truth and measured, of angles (N, 3) and of the light's direction."""
    print(f"{'':6}{'MAE':>7}{'of mean':>9}{'Pearson':>9}")
    truth, found = units[:, 0], units[:, 1]
    rows = [(np.abs(t - f).mean(), np.abs(t - t.mean()).mean(), pearson(t, f)) for t, f in zip(truth.T, found.T)]
    for name, row in zip((*ACTION_UNITS, "mean"), (*rows, np.nanmean(rows, axis=0))):
        print(f"{name:6}{row[0]:7.2f}{row[1]:9.2f}{row[2]:9.2f}")
    for name, error in zip(("yaw", "pitch", "roll"), angles.T):
        print(f"{name:6}{error.mean():7.1f} degrees in the mean, {np.median(error):.1f} in the median")
    if turns:
        print(f"{'light':6}{np.mean(turns):7.1f} degrees in the mean, {np.median(turns):.1f} in the median")


def pearson(truth: np.ndarray, found: np.ndarray) -> float:
    """Correlation of two rows (N,); NaN where one is constant."""
    if min(truth.std(), found.std()) < 1e-6:
        return float("nan")
    return float(np.corrcoef(truth, found)[0, 1])


if __name__ == "__main__":
    main()
