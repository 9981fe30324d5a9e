"""How well edits are measured: errors of the estimators on synthetic faces whose truth is known.

    python benchmarks/measure.py --count 100

Pairs of pictures of one person who moves the face, found as in use. For each action unit: the mean absolute error in
FACS intensities (0 to 5) beside that of always answering the mean; Pearson's correlation of the intensities, and of
their change within the pairs, which is what a report of an edit shows. Then the errors of pose in degrees, and of the
light's direction: in degrees, and as the correlation of its components (x to the right, y up, z to the viewer).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from common.core.errors import FaceNotFoundError, InputError
from common.facs.action_units import ACTION_UNITS
from common.imaging.tensors import to_pixels
from common.measure import Measurement, get_estimator
from common.measure.compare import light_turn, measure_both
from common.synthetic.data.dataset import SyntheticFaces

ROLES = ("source", "target")


def main() -> None:
    """Print a table for each estimator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="pairs to measure (default: 100)")
    parser.add_argument("--size", type=int, default=128, help="of the pictures in pixels (default: 128)")
    parser.add_argument("--seed", type=int, default=2, help="one that nothing was trained on (default: 2)")
    parser.add_argument("--cache", help="folder where the pictures are kept (default: nowhere)")
    parser.add_argument("--estimators", default="regressor,fit", help="names (default: regressor,fit)")
    args = parser.parse_args()
    faces = SyntheticFaces(
        args.count, size=args.size, seed=args.seed, pairs="expression", people=args.count, cache=args.cache
    )
    pairs = [faces[index] for index in tqdm(range(args.count), unit="pair", desc="drawing")]
    for name in args.estimators.split(","):
        estimator = get_estimator(name)
        truth, found = [], []
        for pair in tqdm(pairs, unit="pair", desc=name):
            try:
                found.append(measure_both(estimator, *(to_pixels(pair[role]["image"]) for role in ROLES)))
            except (FaceNotFoundError, InputError):  # or one that cannot be read
                continue
            truth.append([Measurement(*(pair[r][key].numpy() for key in ("units", "angles", "light"))) for r in ROLES])
        print(f"\n{name}: {len(found)} pairs of {args.size} px, seed {args.seed}; not read: {len(pairs) - len(found)}")
        if found:
            report(truth, found)


def report(truth: list[list[Measurement]], found: Sequence[Sequence[Measurement]]) -> None:
    """Print the errors; both lists hold the two pictures of each pair."""
    print(f"{'':6}{'error':>7}{'of mean':>9}{'Pearson':>9}{'of change':>11}")
    units, guessed = (np.array([[one.units for one in pair] for pair in rows]) for rows in (truth, found))  # (N, 2, 12)
    rows = []
    for unit in range(12):
        t, f = units[:, :, unit], guessed[:, :, unit]
        change = pearson(t[:, 1] - t[:, 0], f[:, 1] - f[:, 0])
        rows.append((np.abs(t - f).mean(), np.abs(t - t.mean()).mean(), pearson(t.ravel(), f.ravel()), change))
    for name, row in zip((*ACTION_UNITS, "mean"), (*rows, np.nanmean(rows, axis=0))):
        print(f"{name:6}{row[0]:7.2f}{row[1]:9.2f}{row[2]:9.2f}{row[3]:11.2f}")
    flat = [(t, f) for both in zip(truth, found) for t, f in zip(*both)]
    angles = np.array([(t.angles, f.angles) for t, f in flat])  # (N, 2, 3)
    for number, name in enumerate(("yaw", "pitch", "roll")):
        true, seen = angles[:, :, number].T
        error = np.abs(true - seen)
        print(f"{name:6}{error.mean():7.1f} degrees in the mean, {np.median(error):.1f} in the median")
    lit = [(t.light, f.light) for t, f in flat if t.light is not None and f.light is not None]
    turns = [turn for pair in lit if (turn := light_turn(*pair)) is not None]
    if turns:
        print(f"{'light':6}{np.mean(turns):7.1f} degrees in the mean, {np.median(turns):.1f} in the median")
        directions = np.array([[direction(light) for light in pair] for pair in lit])  # (N, 2, 3)
        found_in = (f"{axis} {pearson(*directions[:, :, number].T):.2f}" for number, axis in enumerate("xyz"))
        print(f"{'':13} correlation of the direction: {', '.join(found_in)}")


def direction(light: np.ndarray) -> np.ndarray:
    """Where a light (9, 3) mostly comes from, (3,) of length 1."""
    grey = light.mean(1)[1:4]
    return grey / max(float(np.linalg.norm(grey)), 1e-9)


def pearson(truth: np.ndarray, found: np.ndarray) -> float:
    """Correlation of two rows (N,); NaN where one is constant."""
    if min(truth.std(), found.std()) < 1e-6:
        return float("nan")
    return float(np.corrcoef(truth, found)[0, 1])


if __name__ == "__main__":
    main()
