"""How describing a place grows with the years, and what learning a year of trajectories costs.

    python benchmarks/tracks.py tracks/                  3, 10 and 30 million points; the trajectories of a year
    python benchmarks/tracks.py tracks/ --points 1e6 --skip-trajectories

Ten years of one camera are made from what it recorded: each day is some recorded days on top of each other, moved by a
pixel or two, as many as it takes. They are written as files, and described by the command in a process of its own with
two threads, so that reading counts and the memory is that of all. Ratios are to the first size of the same run.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from surveillance.reading import read_tracks
from surveillance.recording import Recording
from surveillance.trajectories import Options, score_days

DAYS = 3650
START = pd.Timestamp("2012-01-01")
GB = 1024**2
"""Of ru_maxrss's kB."""


def resample(recording: Recording, folder: Path, points: int, days: int, rng: np.random.Generator) -> int:
    """Writes so many days with so many points in all, or a few more; returns how many."""
    folder.mkdir()
    table = recording.points[["track", "frame", "x", "y"]].to_numpy(np.int32)
    bounds = np.searchsorted(recording.day_number, np.arange(len(recording.days) + 1))
    written = 0
    for day in tqdm(range(days), desc=f"Making {points:,} points", unit="day"):
        parts, wanted, shift = [], (day + 1) * points / days - written, 0
        while sum(map(len, parts)) < wanted:
            which = rng.integers(len(recording.days))
            part = table[bounds[which] : bounds[which + 1]].copy()
            part[:, 0] += shift
            part[:, 2:] = (part[:, 2:] + rng.integers(-2, 3, 2)).clip(0, np.array(recording.size) - 1)
            shift = int(part[:, 0].max()) + 1
            parts.append(part)
        if not parts:  # the days before had more than their share
            continue
        rows = np.concatenate(parts)
        name = folder / f"cam_{START + pd.Timedelta(days=day):%Y%m%d}.txt"
        pd.DataFrame(rows).to_csv(name, sep=" ", header=False, index=False)
        written += len(rows)
    return written


def described(folder: Path, output: Path, threads: int) -> tuple[float, float]:
    """Seconds and GB at most of the command, reading included."""
    before = time.perf_counter()
    words = [sys.executable, "-m", "surveillance", "describe", str(folder), "-o", str(output), "--fps", "7.2", "-q"]
    child = subprocess.Popen(
        words, env={**os.environ, "OMP_NUM_THREADS": str(threads)}, cwd=Path(__file__).parents[1],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"describe failed with {child.returncode}")
    return time.perf_counter() - before, used.ru_maxrss / GB


def trajectories(recording: Recording) -> None:
    """Prints what the first 365 recorded days take, in the corrected form and as released."""
    year = recording.of(recording.days[:365])
    for name, options in {
        "corrected": Options(), "as released": Options(released_lines=True, released_scores=True),
    }.items():  # fmt: skip
        before = time.perf_counter()
        scores = score_days(year, options)
        print(f"trajectories of {len(year.days)} days, {name}: {len(scores)} scored, "
              f"{time.perf_counter() - before:.0f} s")  # fmt: skip


def main() -> None:
    """The benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracks", type=Path, help="what `surveillance` reads")
    parser.add_argument("--points", type=float, nargs="+", default=[3e6, 1e7, 3e7])
    parser.add_argument("--days", type=int, default=DAYS, help="at the largest size; fewer at smaller ones")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--skip-trajectories", action="store_true")
    args = parser.parse_args()
    recording = read_tracks(args.tracks)
    if not args.skip_trajectories:
        trajectories(recording)
    first = None
    for points in args.points:
        days = max(1, round(args.days * points / max(args.points)))
        with tempfile.TemporaryDirectory() as folder:
            count = resample(recording, Path(folder, "tracks"), int(points), days, np.random.default_rng(0))
            seconds, memory = described(Path(folder, "tracks"), Path(folder, "out"), args.threads)
        first = first or (count, seconds)
        print(f"{count:>11,} points, {days:>5} days: {seconds:6.1f} s, {memory:.2f} GB; "
              f"{count / first[0]:.1f} times the points in {seconds / first[1]:.1f} times the time")  # fmt: skip
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GB
    print(f"(the benchmark itself: {own:.2f} GB)")


if __name__ == "__main__":
    main()
