"""How well action units are read from landmarks: on drawn people whose units are known, and on film against scores.

    python benchmarks/readers.py --cache out/points --film CLIPS

For each unit and side: Pearson's correlation with the known intensities on drawn people whom the network has not seen,
of single pictures and of the changes within pairs of pictures of one person (in which the head turns too); for the
network alone, MediaPipe's scores alone, and both as they are read; and of the fitted 3D head on some of them.

For film: the correlation over time of what the network alone reads with the mapped scores, clip by clip where the score
moves (standard deviation 0.25 of an intensity or more), its median over the clips; the noise of the whole reading on
film that is still (median absolute step from frame to frame in the calmest quarter of the frames); and the time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common.face3d.fitting.fit import fit
from common.face3d.fitting.points import PointReader
from common.faces.blendshapes import BlendshapeNetwork
from common.faces.tracking import FaceTracker
from common.facs.action_units import ACTION_UNITS
from common.imaging.videos import read_frames
from common.measure.blendshapes import blendshapes_of
from common.measure.readings import au_maps, mapped_scores, units_of

MOVES = 0.25  # intensities


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, help="folder of `examples/train_points.py`")
    parser.add_argument("--people", type=int, default=300, help="the last ones, unseen by the network (default: 300)")
    parser.add_argument("--fits", type=int, default=200, help="pictures to which the 3D head is fitted (default: 200)")
    parser.add_argument("--film", type=Path, help="folder of clips of single people")
    args = parser.parse_args()
    if args.cache:
        drawn(args.cache, args.people, args.fits)
    if args.film:
        filmed(sorted(args.film.glob("*.mp4")))


def drawn(cache: Path, people: int, fits: int) -> None:
    """The table of drawn people."""
    reader, network = PointReader(), BlendshapeNetwork()
    maps = {unit: au_maps()[unit] for unit in reader.units}
    truth: list[np.ndarray] = []
    single: dict[str, list[np.ndarray]] = {"network": [], "scores": [], "both": []}
    steps: list[np.ndarray] = []
    change: dict[str, list[np.ndarray]] = {"network": [], "scores": [], "both": []}
    parts = np.array([maps[unit]["points"] for unit in reader.units])[:, None]
    heads: list[tuple[np.ndarray, np.ndarray]] = []
    for path in tqdm(sorted(cache.glob("*.npz"))[-people:], unit="person"):
        arrays = np.load(path)
        before: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        for points, shown in zip(arrays["points"], arrays["units"], strict=True) if "points" in arrays else ():
            scores = network(points)
            mapped = np.array([mapped_scores(maps[unit]["terms"], scores) for unit in reader.units])
            found = np.array(list(reader.read(points).units.values()))
            truth.append(shown.T)
            _add(single, found, mapped, parts)
            if before is not None:
                steps.append(shown.T - before[1])
                _add(change, np.array(list(reader.change(before[0], points).units.values())), mapped - before[2], parts)
            before = points, shown.T, mapped
            if len(heads) < fits:
                heads.append((shown[:, : len(ACTION_UNITS)].T, fit(points, size=256).expression[0].numpy().T))
    print("\n| unit | side | network | scores | both | change: network | scores | both | fitted head |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row, unit in enumerate(reader.units):
        for side, name in enumerate(("left", "right")):
            cells = [_r(truth, values, row, side) for values in single.values()]
            cells += [_r(steps, values, row, side) for values in change.values()]
            fitted = _r([t for t, _ in heads], [f for _, f in heads], row, side) if row < len(ACTION_UNITS) else "-"
            print("|", " | ".join([unit, name, *cells, fitted]), "|")


def _add(rows: dict[str, list[np.ndarray]], network: np.ndarray, scores: np.ndarray, parts: np.ndarray) -> None:
    rows["network"].append(network)
    rows["scores"].append(scores)
    rows["both"].append(parts * network + (1 - parts) * scores)


def _r(truth: list[np.ndarray], found: list[np.ndarray], row: int, side: int) -> str:
    t, f = np.array([each[row, side] for each in truth]), np.array([each[row, side] for each in found])
    if min(t.std(), f.std()) < 1e-6:
        return "-"
    return f"{np.corrcoef(t, f)[0, 1]:.2f}"


def filmed(clips: list[Path]) -> None:
    """The tables of film."""
    reader = PointReader()
    agreement: dict[str, list[float]] = {unit: [] for unit in reader.units}
    together: dict[str, list[float]] = {unit: [] for unit in reader.units}
    noise: dict[str, list[float]] = {unit: [] for unit in reader.units}
    spent, frames = 0.0, 0
    for clip in clips:
        network, scores, whole = [], [], []
        started = time.perf_counter()
        for face in _tracked(clip):
            read = blendshapes_of(face)
            if read.reason is not None or face.mesh is None:
                continue
            found = reader.read(face.mesh).units
            network.append([np.mean(found[unit]) for unit in reader.units])
            scores.append([np.mean(mapped_scores(au_maps()[unit]["terms"], read)) for unit in reader.units])
            whole.append([units_of(face)[unit].both for unit in reader.units])
        spent += time.perf_counter() - started
        frames += len(network)
        for column, unit in enumerate(reader.units):
            s, n = np.array(scores)[:, column], np.array(network)[:, column]
            if s.std() >= MOVES:
                agreement[unit].append(float(np.corrcoef(s, n)[0, 1]))
            values = np.array(whole, float)[:, column]
            known = np.isfinite(values)
            if s.std() >= MOVES:
                together[unit].append(float(np.corrcoef(s[known], values[known])[0, 1]))
            steps = np.abs(np.diff(values))
            noise[unit].append(float(np.nanmedian(np.sort(steps)[: max(1, len(steps) // 4)])))
    print("\n| unit | clips | r of network and scores | r of reading and scores | noise |\n|---|---|---|---|---|")
    for unit in reader.units:
        cells = [f"{np.median(rows[unit]):.2f}" if rows[unit] else "-" for rows in (agreement, together)]
        print("|", " | ".join([unit, str(len(agreement[unit])), *cells, f"{np.median(noise[unit]):.3f}"]), "|")
    print(f"\n{frames} frames, {1000 * spent / max(frames, 1):.0f} ms each with all three readings")


def _tracked(clip: Path) -> Iterator:
    tracker = FaceTracker(threads=1)
    for _, frame in read_frames(clip):
        face = None if frame is None else tracker.follow(frame)
        if face is not None:
            yield face


if __name__ == "__main__":
    main()
