"""How long the report of a large batch takes, how large it is, and how much memory it needs.

    python benchmarks/report.py --edits 10000

Writes a run with scores into a temporary folder: painted pictures, doses that are answered more or less, a share of
failures and edits that could not be measured. The report is made in a process of its own, so that the peak is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from common.batch.report.page import report
from common.facs.action_units import ACTION_UNITS, to_vector

REQUESTS = [f"{unit}={dose}" for unit in ACTION_UNITS for dose in (-1, 1, 2, 3)] + ["neutral", "happy"]


def write_run(folder: Path, edits: int, side: int) -> None:
    """samples.jsonl, scores.jsonl, run.json and the pictures of a run.

    Args:
        folder: of the run.
        edits: how many.
        side: of the pictures in pixels.
    """
    rng, samples, scores = np.random.default_rng(0), [], []
    photos = -(-edits // len(REQUESTS))
    (folder / "photos").mkdir(parents=True)
    for number in range(edits):
        photo, request = f"person{number // len(REQUESTS):04d}", REQUESTS[number % len(REQUESTS)]
        path, output = folder / "photos" / f"{photo}.jpg", f"edits/{photo}/{request}.png"
        if not path.is_file():
            Image.fromarray(_painted(rng, side)).save(path)
        row = {"key": f"{photo}/{request}", "request": request, "photo": str(path), "sha256": "0" * 64}
        if rng.random() < 0.01:
            samples.append({**row, "state": "failed", "error": f"No face was found in {path}."})
            continue
        (folder / output).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(_painted(rng, side)).save(folder / output, compress_level=1)
        seconds, face = round(2 + rng.random(), 3), [side * 0.3, side * 0.3, side * 0.7, side * 0.7]
        done = {"state": "done", "engine": "diffusion", "output": output, "seconds": seconds, "face": face}
        samples.append({**row, **done, "warnings": ["the face is blurred: take a sharper photo"] * (number % 97 == 0)})
        scores.append({"key": row["key"], "estimator": "regressor", **_scored(rng, to_vector(request))})
    settings = {"program": "magicface", "steps": 50, "guidance": 1.5, "seed": 424, "photos": photos}
    (folder / "run.json").write_text(json.dumps(settings))
    for name, rows in (("samples", samples), ("scores", scores)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _painted(rng: np.random.Generator, side: int) -> np.ndarray:
    """(side, side, 3) uint8: soft colours, which compress as photos do."""
    coarse = rng.integers(0, 256, (6, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def _scored(rng: np.random.Generator, wanted: list[float]) -> dict[str, object]:
    """What an estimator might have read."""
    if rng.random() < 0.02:
        return {"error": "No face was found in the second picture."}
    before = rng.gamma(1, 0.5, 12).clip(0, 5)
    after = (before + 0.7 * np.array(wanted) + rng.normal(0, 0.25, 12)).clip(0, 5)
    found: dict[str, object] = {}
    for unit, request, first, last in zip(ACTION_UNITS, wanted, before.tolist(), after.tolist()):
        found |= {f"{unit}_wanted": request, f"{unit}_before": round(first, 3), f"{unit}_after": round(last, 3)}
    for angle in ("yaw", "pitch", "roll"):
        found[f"{angle}_change"] = round(float(rng.normal()), 2)
    found |= {"light_turn": None, "background_psnr": round(float(rng.normal(34, 3)), 1)}
    return {**found, "identity": round(float(rng.gamma(9, 0.03)), 4), "identity_measure": "dlib L2"}


def main() -> None:
    """Prints the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=10_000, help="how many (default: 10000)")
    parser.add_argument("--side", type=int, default=256, help="of the pictures in pixels (default: 256)")
    parser.add_argument("-o", "--output", type=Path, default=None, help="keep the page here")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        started = time.perf_counter()
        page = report(args.run, to_vector, output=args.output, progress=False)
        seconds, peak = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        print(json.dumps({"seconds": seconds, "size": page.stat().st_size, "before": before, "peak": peak}))
        return
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        write_run(run, args.edits, args.side)
        command = [sys.executable, __file__, "--run", str(run)]
        command += ["--output", str(args.output.resolve())] if args.output else []
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    print(f"{args.edits:,} edits of {-(-args.edits // len(REQUESTS)):,} photos, {args.side} px")
    print(f"the report   {found['seconds']:6.1f} s")
    print(f"the page     {found['size'] / 1e6:6.1f} MB")
    print(f"peak memory  {found['peak']:6.0f} MiB, of which {found['before']:.0f} are the imports")


if __name__ == "__main__":
    main()
