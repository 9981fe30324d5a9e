"""Train the small network of `common.face3d.fitting.points` on landmarks that the detector finds in drawn faces.

    python examples/train_points.py --cache out/points --output out/points-network

Faces that the cache lacks are drawn first, a person at a time (a sixth of a second each face on one core); the network
then learns in a few minutes. Both may be stopped at any time and resume. The output folder holds `points.safetensors`,
whose metadata says how well each value is read on people that the network has not seen, and the same as a CSV table.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors.torch import save_file
from scipy.optimize import linear_sum_assignment
from torch.nn import functional as F
from tqdm import tqdm

from common.cli.console import guarded
from common.core.files import replace_file
from common.core.parallel import each
from common.face3d.fitting.points import EYES, GAZE_SCALE, UNIT_SCALE, PointNetwork, upright
from common.face3d.heads.head_units import HEAD_UNITS, UNITS
from common.faces.landmarker import Landmarker, Square
from common.faces.landmarks import five_points
from common.faces.tracking import PRESENT
from common.facs.expressions import EXPRESSIONS
from common.synthetic.data.draw import draw_scene
from common.synthetic.data.draw_person import draw_person
from common.synthetic.render.picture import make
from common.synthetic.scene.factors import Background, Person, Scene, Wear

FACES = 16  # of each person, the first one calm
SIZE = 256
HELD_OUT = 300  # people, the last ones
BATCH = 256
# What the network reads on each side: units of the head, of those that look alike one.
SIDED = tuple(unit for unit in HEAD_UNITS if unit not in ("AU45", "AU46", "AU61", "AU62", "AU63", "AU64"))
# Units that a face cannot show together.
OPPOSED = (
    ("AU5", "AU43"), ("AU18", "AU20"), ("AU22", "AU20"), ("AU18", "AU12"), ("AU24", "AU25"), ("AU23", "AU25"),
    ("AU28", "AU25"), ("AU24", "AU26"), ("AU23", "AU26"), ("AU24", "AU27"), ("AU28", "AU27"), ("AU23", "AU27"),
    ("AU26", "AU27"), ("AU16", "AU17"), ("AU22", "AU28"), ("AU24", "AU22"),
)  # fmt: skip
JITTER = 0.003  # of the distance between the eyes: noise of the landmarks


@dataclass(frozen=True)
class Faces:
    """Everything that the network learns from; N faces.

    Attributes:
        points: (N, 478, 3) upright, see `upright`.
        turns: (N, 3) radians.
        values: (N, V) truth: `names` of the left, of the right, of the whole face.
        people: (N,) who.
    """

    points: np.ndarray
    turns: np.ndarray
    values: np.ndarray
    people: np.ndarray


def main() -> int:
    """Draw, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("out/points"), help="folder of the drawn faces' landmarks")
    parser.add_argument("--output", type=Path, default=Path("out/points-network"), help="folder of the results")
    parser.add_argument("--people", type=int, default=800, help="who are drawn (default: 800)")
    parser.add_argument("--seed", type=int, default=40, help="seed of people and faces (default: 40)")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw (default: 1)")
    parser.add_argument("--steps", type=int, default=9000, help="steps of the training (default: 9000)")
    args = parser.parse_args()
    return guarded(lambda: run(args))


def run(args: argparse.Namespace) -> int:
    """Draw what lacks, then train."""
    args.cache.mkdir(parents=True, exist_ok=True)
    draw = partial(draw_faces, seed=args.seed, folder=args.cache)
    lacking = [number for number in range(args.people) if not shard(args.cache, args.seed, number).is_file()]
    for _ in tqdm(each(draw, lacking, args.workers), total=len(lacking), unit="person", desc="drawing"):
        pass
    shards = [np.load(shard(args.cache, args.seed, number)) for number in range(args.people)]
    train(shards, args.output, args.steps)
    return 0


def shard(folder: Path, seed: int, number: int) -> Path:
    """Where the landmarks of one person's faces are."""
    return folder / f"{seed}-{number:05d}.npz"


def draw_faces(number: int, seed: int, folder: Path) -> None:
    """Draw one person's faces, find their landmarks, write both with the truth."""
    rng = np.random.default_rng([seed, number])
    person = draw_person(seed, number)
    found = [seen for scene in scenes(person, rng, seed, number) if (seen := look(scene)) is not None]
    arrays = {name: np.stack([row[name] for row in found]) for name in found[0]} if found else {}
    replace_file(shard(folder, seed, number), lambda path: np.savez(path, **arrays))  # type: ignore[arg-type]


def scenes(person: Person, rng: np.random.Generator, seed: int, number: int) -> Iterator[Scene]:
    """The scenes of one person; the first is calm and looks ahead."""
    for count in range(FACES):
        drawn = draw_scene(seed, number * FACES + count, person=person)
        calm = count == 0
        shown = as_scene(np.zeros((2, len(SIDED)), np.float32) if calm else expression(rng))
        yield replace(
            drawn,
            wear=drawn.wear if rng.random() < 0.15 else Wear(clothes=drawn.wear.clothes),
            units=shown[:2],
            others=shown[2:],
            blink=(0.0, 0.0),
            gaze=(0.0, 0.0) if calm else tuple(np.clip(rng.normal(0, (9, 6)), -25, 25).tolist()),
            angles=tuple(np.clip(rng.normal(0, (4, 3, 3) if calm else (16, 9, 6)), -50, 50).tolist()),
            shot=replace(drawn.shot, face_height=float(rng.uniform(0.38, 0.55)), shift=(0.0, 0.0)),
            background=Background(colour=drawn.background.colour),
        )


def expression(rng: np.random.Generator) -> np.ndarray:
    """Intensities (2, S) of `SIDED`, the person's left side, then the right: one unit, a word, or any of them."""
    values = dict.fromkeys(SIDED, 0.0)
    kind = rng.choice(["none", "one", "word", "several"], p=[0.06, 0.34, 0.2, 0.4])
    if kind == "word":
        strength = rng.uniform(0.3, 1.6)
        for unit, value in words()[int(rng.integers(len(words())))].items():
            values[unit] = strength * value * rng.uniform(0.7, 1.3)
    elif kind != "none":
        for unit in rng.choice(SIDED, 1 if kind == "one" else int(rng.integers(2, 6)), replace=False):
            values[str(unit)] = rng.uniform(0.2, 5)
    for weaker, stronger in OPPOSED:
        if values[weaker] and values[stronger]:
            values[weaker if rng.random() < 0.5 else stronger] = 0.0
    both = np.array(list(values.values()), np.float32)
    sides = 1 + rng.uniform(-0.05, 0.05, (2, len(both)))
    if rng.random() < 0.35:
        chosen = rng.random(len(both)) < 0.7
        sides[int(rng.integers(2)), chosen] *= rng.uniform(0, 0.85, chosen.sum())
    jaw = [SIDED.index(unit) for unit in ("AU26", "AU27")]
    sides[:, jaw] = 1.0  # one bone
    return np.clip(both * sides, 0, 5).astype(np.float32)


@cache
def words() -> list[dict[str, float]]:
    """What expressions are made of, in the units that the network reads."""
    return [{unit: value for unit, value in word.whole.items() if unit in SIDED} for word in EXPRESSIONS.values()]


def as_scene(values: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Intensities (2, S) of `SIDED` as a scene takes them: left and right of the editors' units, then of the others."""
    units = np.zeros((2, len(HEAD_UNITS)), np.float32)
    units[:, [list(HEAD_UNITS).index(unit) for unit in SIDED]] = values
    left, right = units.round(4).tolist()
    known = len(UNITS)
    return tuple(left[:known]), tuple(right[:known]), tuple(left[known:]), tuple(right[known:])


def look(scene: Scene) -> dict[str, np.ndarray] | None:
    """What the landmarker finds in a scene's picture, and the truth; None where it sees no face.

    It is shown the face's place, which saves the search; it looks twice, as in a film.
    """
    picture = make(scene, SIZE, 1)
    box = np.concatenate([picture.landmarks.min(0), picture.landmarks.max(0)])
    box[1] -= 0.25 * (box[3] - box[1])  # the detector's box holds half of the forehead
    square = Square.of_box(box, five_points(picture.landmarks)[:2])
    points, _ = landmarker().look(picture.image, square)
    points, presence = landmarker().look(picture.image, Square.of_points(points))
    if presence < PRESENT:
        return None
    shift = cast("tuple[float, float]", picture.camera["shift"])
    units = np.concatenate([np.array(scene.units, np.float32), np.array(scene.others, np.float32)], 1)
    return {
        "points": points,
        "units": units[:, [list(HEAD_UNITS).index(unit) for unit in SIDED]],
        "gaze": np.array(scene.gaze, np.float32),
        "angles": np.array(scene.angles, np.float32),
        "camera": np.array([picture.camera["focal"], picture.camera["distance"], *shift], np.float32),
        "identity": np.array(scene.person.identity, np.float32),
    }


@cache
def landmarker() -> Landmarker:
    """The network whose landmarks are read in use."""
    return Landmarker(threads=1)


def load(shards: list[np.lib.npyio.NpzFile], mean: np.ndarray) -> Faces:
    """All faces, upright."""
    whole = [(number, arrays) for number, arrays in enumerate(shards) if "points" in arrays]
    points = np.concatenate([arrays["points"] for _, arrays in whole])
    moved, turns = upright(points, mean)
    units = np.concatenate([arrays["units"] for _, arrays in whole]) / UNIT_SCALE
    gaze = np.concatenate([arrays["gaze"] for _, arrays in whole]) / GAZE_SCALE
    values = np.concatenate([units.reshape(len(units), -1), gaze], 1).astype(np.float32)
    people = np.concatenate([np.full(len(arrays["points"]), number) for number, arrays in whole])
    return Faces(moved, turns, values, people)


def mean_face(shards: list[np.lib.npyio.NpzFile]) -> np.ndarray:
    """Mean landmarks (478, 3) of the calm faces, the eyes' outer corners 1 apart, found by aligning them to each other
    a few times.
    """
    calm = np.stack([arrays["points"][0] for arrays in shards if "points" in arrays]).astype(np.float64)
    mean = calm[0]
    for _ in range(5):
        mean = upright(calm, mean)[0].astype(np.float64).mean(0)
        mean = (mean - mean[list(EYES)].mean(0)) / np.linalg.norm(mean[EYES[0]] - mean[EYES[1]])
        mean = (mean + (mean * [-1, 1, 1])[mirrored(mean)]) / 2
    return mean.astype(np.float32)


def train(shards: list[np.lib.npyio.NpzFile], output: Path, steps: int) -> None:
    """Learn from all but the last people, state how well the last ones are read, write the network."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    mean = mean_face(shards)
    mirror = mirrored(mean)
    faces = load(shards, mean)
    first_held = len(shards) - min(HELD_OUT, len(shards) // 5)
    seen, held = faces.people < first_held, faces.people >= first_held
    network = PointNetwork(len(SIDED), 2)
    network.mean.copy_(torch.from_numpy(mean))
    network.spread.copy_(torch.from_numpy(faces.points[seen].std(0)).clamp_min(0.004))
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.999), use_buffers=True
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.02)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    rows = np.flatnonzero(seen)
    others = partners(faces.people, rows)
    for step in tqdm(range(steps), unit="step", desc="training"):
        rng = np.random.default_rng([1, step])
        first = rng.choice(rows, BATCH)
        second = np.array([rng.choice(others[int(faces.people[row])]) for row in first])
        before, after = (batch(faces, chosen, rng, mirror, step % 2 == 1) for chosen in (first, second))
        wanted = after[2] - before[2]
        loss = F.smooth_l1_loss(network(*before[:2]), before[2], beta=0.5)
        loss = loss + F.smooth_l1_loss(network.change(before[:2], after[:2]), wanted, beta=0.5)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        rate.step()
        average.update_parameters(network)
    write(cast("PointNetwork", average.module.eval()), faces, np.flatnonzero(held), output)


def batch(
    faces: Faces, rows: np.ndarray, rng: np.random.Generator, mirror: np.ndarray, flipped: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Points, turns and values of some faces, seen in a mirror or not, with the detector's noise."""
    points, turns, values = faces.points[rows], faces.turns[rows], faces.values[rows]
    if flipped:
        points = points[:, mirror] * np.array([-1, 1, 1], np.float32)
        turns = turns * np.array([-1, 1, -1], np.float32)
        size = len(SIDED)
        gaze = values[:, 2 * size :] * np.array([-1, 1], np.float32)
        values = np.concatenate([values[:, size : 2 * size], values[:, :size], gaze], 1)
    noise = rng.normal(0, JITTER, points.shape).astype(np.float32)
    stretch = np.array([1, 1, rng.uniform(0.85, 1.15)], np.float32)
    return torch.from_numpy(points * stretch + noise), torch.from_numpy(turns), torch.from_numpy(values)


def partners(people: np.ndarray, rows: np.ndarray) -> dict[int, np.ndarray]:
    """Person -> rows of that person's faces."""
    return {int(person): rows[people[rows] == person] for person in np.unique(people[rows])}


def mirrored(mean: np.ndarray) -> np.ndarray:
    """Which landmark stands in each place in a mirror, (478,)."""
    distance = np.linalg.norm(mean[:, None] - mean * [-1, 1, 1], axis=2)
    return linear_sum_assignment(distance)[1]


@torch.no_grad()
def write(network: PointNetwork, faces: Faces, rows: np.ndarray, output: Path) -> None:
    """The file of weights, half precision, and the table of how well each value is read in `rows`."""
    seen = [torch.from_numpy(each[rows]) for each in (faces.points, faces.turns)]
    single = network(*seen).numpy()
    rng = np.random.default_rng(0)
    others = partners(faces.people, rows)
    pairs = np.array([rng.choice(others[int(faces.people[row])]) for row in rows])
    there = [torch.from_numpy(each[pairs]) for each in (faces.points, faces.turns)]
    change = network.change((seen[0], seen[1]), (there[0], there[1])).numpy()
    truth, wanted = faces.values[rows], faces.values[pairs] - faces.values[rows]
    names = [*(f"{unit}L" for unit in SIDED), *(f"{unit}R" for unit in SIDED), "gaze yaw", "gaze pitch"]
    scale = [UNIT_SCALE] * (2 * len(SIDED)) + [GAZE_SCALE] * 2
    table = [
        {
            "value": name,
            "r": round(float(np.corrcoef(truth[:, i], single[:, i])[0, 1]), 3),
            "error": round(float(np.abs(truth[:, i] - single[:, i]).mean() * scale[i]), 3),
            "r of change": round(float(np.corrcoef(wanted[:, i], change[:, i])[0, 1]), 3),
            "error of change": round(float(np.abs(wanted[:, i] - change[:, i]).mean() * scale[i]), 3),
        }
        for i, name in enumerate(names)
    ]
    output.mkdir(parents=True, exist_ok=True)
    with open(output / "points.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    state = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    facts = {"units": " ".join(SIDED), "table": json.dumps(table), "faces": str(len(faces.points))}
    replace_file(output / "points.safetensors", lambda path: save_file(state, path, metadata=facts))
    for row in table:
        print(*row.values(), sep="\t")


if __name__ == "__main__":
    sys.exit(main())
