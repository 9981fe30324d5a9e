"""Train the small network of `common.measure.regressor` on pairs of synthetic faces whose truth is known.

    python examples/train_regressor.py --cache out/pairs --output out/regressor

Pictures that the cache lacks are made first (a third of a second each pair on one core). The training may be stopped at
any time; called again, it goes on from its last checkpoint. The output folder then holds `regressor.safetensors`, the
log as CSV and the curve as PNG. A finished training goes on when `--cycles` names another one: 5200,4000.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm
from variations import relight, variation, worsen

from common.cli.console import guarded
from common.core.errors import FaceEditError
from common.core.files import alone, replace_file
from common.core.fingerprint import claim
from common.face3d.camera import rotation_matrix
from common.face3d.heads.au_scale import AU_SCALE
from common.face3d.rendering.lighting import rotate
from common.faces.affine import compose, transform
from common.facs.action_units import ACTION_UNITS
from common.measure.regressor import (
    ANGLE_SCALE,
    AU_SCALE_KEY,
    SIDE,
    UNIT_SCALE,
    Network,
    level,
    square,
    to_input,
    turn_of,
)
from common.synthetic.data.dataset import SyntheticFaces

ROLES = ("source", "target")
TRUTHS = ("landmarks", "units", "angles", "light")
INNER = range(17, 68)  # landmarks that the network learns to see besides, which tells it where to look
# Which landmark stands in each place in a mirror.
INNER_MIRRORED = (
    *(*range(26, 16, -1), *range(27, 31), *range(35, 30, -1)),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65),
)
MIRRORED = np.array([-1.0, 1, -1])  # yaw, pitch, roll seen in a mirror
MIRRORED_LIGHT = np.array([1.0, -1, 1, 1, -1, -1, 1, 1, 1])[:, None]  # harmonics with an odd power of x
MIRROR = np.array([[-1.0, 0, SIDE - 1], [0, 1, 0]])
HELD_OUT = 200  # of the last pairs, or a fifth if there are few, validate


@dataclass(frozen=True)
class Batch:
    """Squares of pairs, sources first, then their targets: B is twice the number of pairs.

    Attributes:
        squares: (B, 3, SIDE, SIDE) in [-1, 1].
        units: (B, 12) over UNIT_SCALE.
        angles: (B, 3) over ANGLE_SCALE.
        light: (B, 9, 3).
        landmarks: (B, 51, 2) in half squares from the middle.
    """

    squares: torch.Tensor
    units: torch.Tensor
    angles: torch.Tensor
    light: torch.Tensor
    landmarks: torch.Tensor


def main() -> int:
    """Train, or go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", default="out/pairs", help="folder of the pairs of pictures (default: out/pairs)")
    parser.add_argument("--count", type=int, default=11200, help="pairs (default: 11200)")
    parser.add_argument("--people", type=int, default=8000, help="who take turns in them (default: 8000)")
    parser.add_argument("--seed", type=int, default=1, help="of the pairs (default: 1)")
    parser.add_argument("--output", default="out/regressor", help="folder of results (default: out/regressor)")
    parser.add_argument("--cycles", default="5200", help="steps of each cycle of the rate (default: 5200)")
    parser.add_argument("--pairs", type=int, default=24, help="in a batch (default: 24)")
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate of the first cycle (default: 0.002)")
    parser.add_argument("--start", help="file of weights to begin with, as this writes them (default: by chance)")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU (default: 1)")
    args = parser.parse_args()
    if args.pairs < 1 or args.count < 5 or args.pairs > 0.8 * args.count:
        parser.error(f"--pairs must be 1 to four fifths of --count, which is 5 or more; got {args.pairs}, {args.count}")
    try:
        cycles = [int(steps) for steps in args.cycles.split(",")]
    except ValueError:
        parser.error(f"--cycles takes whole numbers, such as 5200,4000; got {args.cycles!r}")
    return guarded(lambda: run(args, cycles))


def run(args: argparse.Namespace, cycles: list[int]) -> int:
    """Load the pairs and train."""
    torch.set_num_threads(args.threads)
    output = Path(args.output)
    faces = SyntheticFaces(
        args.count, size=128, seed=args.seed, pairs="expression", people=args.people, cache=args.cache
    )
    facts = {name: getattr(args, name) for name in ("count", "people", "seed", "pairs", "rate")}
    with alone(output):
        claim(output / "settings.json", facts, "go on with those, or name another --output")
        data = load(faces, output / f"pairs-{args.seed}-{args.count}-{args.people}.npz")
        train(data, output, cycles, args.pairs, args.rate, args.start)
    return 0


def load(faces: SyntheticFaces, kept: Path) -> dict[str, np.ndarray]:
    """All pairs as arrays: image (N, 2, S, S, 3) uint8, and `TRUTHS` (N, 2, ...); kept in a file, it takes minutes."""
    if kept.is_file():
        with np.load(kept) as arrays:
            return {name: arrays[name] for name in arrays.files}
    size = faces.plan.size
    data = {"image": np.zeros((len(faces), 2, size, size, 3), np.uint8)}
    truths: dict[str, list[np.ndarray]] = {name: [] for name in TRUTHS}
    for index in tqdm(range(len(faces)), desc="reading pairs", unit="pair"):
        pair = faces[index]
        for side, role in enumerate(ROLES):
            data["image"][index, side] = np.rint(pair[role]["image"].permute(1, 2, 0).numpy() * 255)
        for name, values in truths.items():
            values.append(np.stack([pair[role][name].numpy() for role in ROLES]))
    data |= {name: np.array(values) for name, values in truths.items()}
    replace_file(kept, lambda path: np.savez(path, **data))  # type: ignore[arg-type]
    return data


def train(
    data: dict[str, np.ndarray], output: Path, cycles: list[int], pairs: int, rate: float, start: str | None = None
) -> None:
    """The loop; the file of weights is written at each validation."""
    torch.manual_seed(0)
    network, points = Network(), nn.Linear(128, 2 * 51)
    if start:
        network.load_state_dict({k: v.float() for k, v in load_file(start).items()}, strict=False)
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    both = nn.ModuleList([network, points])
    mean = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True
    )
    optimizer = torch.optim.AdamW(both.parameters(), lr=rate, weight_decay=0.02)
    state, log, first, steps = output / "state.pt", output / "log.csv", 0, sum(cycles)
    parts = {"both": both, "mean": mean, "optimizer": optimizer}
    rows: list[dict[str, float]] = []
    if state.is_file():
        found = torch.load(state, weights_only=True)
        first, rows = found["step"], found["rows"]
        for name, part in parts.items():
            part.load_state_dict(found[name])
    count = (whole := len(data["image"])) - min(HELD_OUT, whole // 5)
    spread = torch.from_numpy(data["units"].reshape(-1, 12).std(0) / UNIT_SCALE).clamp(min=0.1)
    held = make_batch(data, np.arange(count, whole), None)
    bar = tqdm(range(first, steps), initial=first, total=steps, unit="step")
    for step in bar:
        rng = np.random.default_rng((1, step))
        batch = make_batch(data, chosen(count, pairs, step), rng)
        both.train()
        with torch.autocast("cpu", torch.bfloat16):
            early = network.early(batch.squares.contiguous(memory_format=torch.channels_last))
            features = network.late(early).float()
            change = network.change(*early.chunk(2)).float()
        loss = total_loss(network.head(features), points(features), change, batch, spread)
        if not torch.isfinite(loss):
            raise FaceEditError(f"The loss is no number any more at step {step + 1}; begin anew with a smaller --rate.")
        optimizer.param_groups[0]["lr"] = rate * share_of_rate(step, cycles)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        optimizer.step()
        mean.update_parameters(network)
        done = step + 1
        if done % 250 == 0 or done == steps:
            rows.append({"step": done, "loss": loss.item(), **validate(mean.module, held)})
            kept = {name: part.state_dict() for name, part in parts.items()}
            replace_file(state, lambda path: torch.save({"step": done, "rows": rows, **kept}, path))  # noqa: B023
            write(output, log, rows, mean.module)
            bar.set_postfix(loss=f"{loss.item():.3f}", pearson=f"{rows[-1]['pearson']:.3f}")


def share_of_rate(step: int, cycles: list[int]) -> float:
    """In each cycle the rate rises from 0 and falls again as cosines do, to half the height of the cycle before."""
    number = 0
    while step >= cycles[number]:
        step, number = step - cycles[number], number + 1
    part, rise = (step + 1) / (cycles[number] + 1), 0.08
    turn = part / rise - 1 if part < rise else (part - rise) / (1 - rise)
    return 0.5**number * (1 + math.cos(math.pi * turn)) / 2


def chosen(count: int, pairs: int, step: int) -> np.ndarray:
    """Pairs of a step; each is seen once before any is seen again."""
    epoch, place = divmod(step, count // pairs)
    return np.random.default_rng((0, epoch)).permutation(count)[place * pairs : (place + 1) * pairs]


def total_loss(
    answer: torch.Tensor, points: torch.Tensor, change: torch.Tensor, batch: Batch, spread: torch.Tensor
) -> torch.Tensor:
    """Errors of the units, of their change within each pair read alone and together, of angles, light and landmarks.

    Args:
        answer: (B, 42) of the network's head.
        points: (B, 102) landmarks.
        change: (B / 2, 12) of the network's `change`.
        batch: the truth.
        spread: (12,) standard deviations of the units, by which errors are divided: rare units count as much.
    """
    units, angles, light = answer.split((12, 3, 27), 1)
    error = (units - batch.units) / spread
    sources, targets = error.chunk(2)
    before, after = batch.units.chunk(2)
    seen = (change - (after - before)) / spread
    return (
        F.smooth_l1_loss(error, torch.zeros_like(error))
        + 0.5 * F.smooth_l1_loss(targets - sources, torch.zeros_like(sources))
        + F.smooth_l1_loss(seen, torch.zeros_like(seen))
        + 0.3 * F.smooth_l1_loss(angles, batch.angles)
        + 0.3 * F.smooth_l1_loss(light.flatten(1), batch.light.flatten(1))
        + 2.0 * F.l1_loss(points.unflatten(1, (51, 2)), batch.landmarks)
    )


def make_batch(data: dict[str, np.ndarray], indices: np.ndarray, rng: np.random.Generator | None) -> Batch:
    """Squares with their truth; varied by chance if there is a generator: place, mirroring and light the same for both
    of a pair, as an edit leaves them, and what worsens a picture for each alone.
    """
    chances = [None if rng is None else variation(rng) for _ in indices]
    squares, turns, mirrored = [], [], []
    truths: dict[str, list[np.ndarray]] = {name: [] for name in TRUTHS}
    for side in (0, 1):
        for index, chance in zip(indices, chances):
            landmarks, light = data["landmarks"][index, side], data["light"][index, side]
            mirror = chance is not None and chance.mirror
            matrix = level(data["landmarks"][index, 0])
            if chance is not None:
                matrix = compose(chance.jitter, matrix)
            turns.append(turn_of(matrix))
            angles = data["angles"][index, side] - (0, 0, turns[-1])
            matrix = compose(MIRROR, matrix) if mirror else matrix
            picture = square(data["image"][index, side], matrix)
            if rng is not None and chance is not None:
                picture, light = worsen(relight(picture, chance.gain), rng), light * chance.gain
            squares.append(picture)
            truths["units"].append(data["units"][index, side] / UNIT_SCALE)
            truths["angles"].append(angles * (MIRRORED if mirror else 1) / ANGLE_SCALE)
            truths["light"].append(light)
            seen = transform(landmarks[list(INNER_MIRRORED if mirror else INNER)], matrix)
            truths["landmarks"].append((seen + 0.5) / (SIDE / 2) - 1)
            mirrored.append(mirror)
    tilt = torch.tensor(turns, dtype=torch.float32).deg2rad()[:, None] * torch.tensor([0.0, 0, -1])
    tensors = {name: torch.from_numpy(np.array(values, np.float32)) for name, values in truths.items()}
    tensors["light"] = rotate(tensors["light"], rotation_matrix(tilt))
    tensors["light"][mirrored] *= torch.from_numpy(np.float32(MIRRORED_LIGHT))
    return Batch(squares=to_input(np.stack(squares)), **tensors)


@torch.no_grad()
def validate(network: Any, held: Batch) -> dict[str, float]:
    """Mean absolute errors on faces that were not trained on, and Pearson's correlation of each unit's change."""
    network.eval()
    units, angles, light = network(held.squares)
    change, (before, after) = network.change(*network.early(held.squares).chunk(2)), held.units.chunk(2)
    rows = [*zip(change.T.numpy(), (after - before).T.numpy())]
    # of a few faces, a unit may be the same in all
    correlations = [float(np.corrcoef(*row)[0, 1]) if np.ptp(row, 1).all() else float("nan") for row in rows]
    return {
        "unit error": UNIT_SCALE * float((units - held.units).abs().mean()),
        "degrees": ANGLE_SCALE * float((angles - held.angles).abs().mean()),
        "light error": float((light - held.light).abs().mean()),
        "pearson": float(np.mean(correlations)),
        **dict(zip(ACTION_UNITS, correlations)),
    }


def write(output: Path, log: Path, rows: list[dict[str, float]], network: nn.Module) -> None:
    """The weights in half precision, the log, the curves."""
    from matplotlib.figure import Figure

    weights = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in network.state_dict().items()}
    replace_file(
        output / "regressor.safetensors", lambda path: save_file(weights, path, metadata={AU_SCALE_KEY: str(AU_SCALE)})
    )
    with open(log, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    figure = Figure(figsize=(9, 4), dpi=120, layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = [row["step"] for row in rows]
    left.plot(steps, [row["loss"] for row in rows], label="loss of the last batch")
    left.plot(steps, [row["unit error"] for row in rows], label="unit error, held out")
    for name in ACTION_UNITS:
        right.plot(steps, [row[name] for row in rows], label=name)
    right.set_title("correlation of the change, held out")
    for panel in (left, right):
        panel.set_xlabel("step")
        panel.legend(fontsize=7)
    figure.savefig(output / "curve.png")


if __name__ == "__main__":
    sys.exit(main())
