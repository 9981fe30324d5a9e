"""Train the small network of `common.occlusion` on synthetic people before whom things are drawn.

    python examples/train_occlusion.py --cache out/occlusion --output out/occlusion/occlusion.safetensors

People that the cache lacks are made first (half a second each on one core); the training takes some minutes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from occluders import occlude
from safetensors.torch import save_file
from torch.nn import functional as F
from tqdm import tqdm
from variations import relight, worsen

from common.cli.console import guarded
from common.core.face_labels import PARTS
from common.core.files import replace_file
from common.faces import Face
from common.faces.mediapipe import MediaPipeDetector
from common.occlusion.features import ORGANS, Levelled, Network, features, kind_of
from common.synthetic.data.draw import draw_scene
from common.synthetic.render import picture
from common.synthetic.scene.captions import true_traits

SIDE, SEED = 160, 77
HIDDEN, SEEN = (
    0.6,
    0.12,
)  # shares of an organ that something covers, from which it is hidden, and up to which it is seen
AWAY = 0.25  # of the distance of the eyes: organs that are found farther from their place teach nothing
COVERS = [PARTS.index(name) for name in ("hair", "hat", "cloth")]


def main() -> int:
    """Make people, draw things before them, train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("out/occlusion"), help="folder of the people")
    parser.add_argument("--output", type=Path, default=Path("out/occlusion.safetensors"), help="the weights to write")
    parser.add_argument("--count", type=int, default=800, help="people (default: 800)")
    parser.add_argument("--each", type=int, default=5, help="pictures of each with something before them (default: 5)")
    parser.add_argument("--steps", type=int, default=3000, help="of training (default: 3000)")
    args = parser.parse_args()
    return guarded(lambda: run(args))


def run(args: argparse.Namespace) -> int:
    """Everything."""
    args.cache.mkdir(parents=True, exist_ok=True)
    detector, rows = MediaPipeDetector(), []
    for number in tqdm(range(args.count), unit="person"):
        person = _person(args.cache / f"{number:05d}.npz", number)
        rows += _samples(person, detector, np.random.default_rng([SEED, number]), args.each, number)
    network = _trained(rows, args.steps, held_out=args.count * 4 // 5)
    replace_file(args.output, lambda path: save_file(network.state_dict(), path))
    return 0


def _person(path: Path, number: int) -> dict[str, np.ndarray]:
    if not path.is_file():
        scene = draw_scene(SEED, number)
        made = picture.make(scene, SIDE)
        dark = np.array(true_traits(scene)["glasses"] == "dark")
        np.savez_compressed(path, image=np.asarray(made.image), parts=np.asarray(made.parts), dark=dark)
    with np.load(path) as kept:
        return dict(kept)


def _samples(
    person: dict[str, np.ndarray], detector: MediaPipeDetector, rng: np.random.Generator, each: int, number: int
) -> list[tuple[str, np.ndarray, float, int]]:
    """Kind, features, 1 where it is hidden, and number of the person, of every organ in some pictures of one."""
    found = detector.find(person["image"])
    if len(found) != 1:
        return []
    clean, rows = found[0], []
    covers = np.isin(person["parts"], COVERS) | (person["dark"] & (person["parts"] == PARTS.index("eye_g")))
    for turn in range(2 + each):
        image, hides = person["image"], covers.astype(np.float32)
        if turn >= 2:
            image, drawn = occlude(image, clean.landmarks, rng)
            hides = np.maximum(hides, drawn)
        image = _varied(image, rng)
        faces = detector.find(image) if turn else [clean]
        if len(faces) == 1:
            rows += [(*row, number) for row in _organs(image, faces[0], clean, hides)]
    return rows


def _varied(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture in another light, of another camera; some without colours."""
    image = relight(image, np.exp(rng.normal(0, 0.25) + rng.normal(0, 0.1, 3)))
    if rng.random() < 0.08:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    if rng.random() < 0.3:  # light from one side
        ramp = np.linspace(rng.uniform(0.3, 1), rng.uniform(0.3, 1), image.shape[1])[None, :, None]
        image = np.rint(image * ramp).astype(np.uint8)
    return worsen(image, rng)


def _organs(image: np.ndarray, face: Face, clean: Face, hides: np.ndarray) -> list[tuple[str, np.ndarray, float]]:
    levelled, rows = Levelled.of(image, face), []
    unit = float(np.linalg.norm(clean.points[1] - clean.points[0]))
    for name, organ in ORGANS.items():
        there, here = clean.landmarks[organ.points], face.landmarks[organ.points]
        shape = np.zeros(hides.shape, np.uint8)
        cv2.fillConvexPoly(shape, cv2.convexHull(np.rint(there).astype(np.int32)), 1)
        share = float(hides[shape > 0].mean()) if shape.any() else 0.5
        if share >= HIDDEN or (share <= SEEN and np.linalg.norm((there - here).mean(0)) < AWAY * unit):
            rows.append((kind_of(name), features(levelled, organ), float(share >= HIDDEN)))
    return rows


def _trained(rows: list[tuple[str, np.ndarray, float, int]], steps: int, held_out: int) -> Network:
    torch.manual_seed(0)
    network = Network()
    for kind in network.kinds:
        own = [row for row in rows if row[0] == kind]
        numbers = torch.from_numpy(np.stack([row[1] for row in own])).float()
        truth, people = torch.tensor([row[2] for row in own]), torch.tensor([row[3] for row in own])
        train, test = people < held_out, people >= held_out
        optimizer = torch.optim.AdamW(network.kinds[kind].parameters(), 3e-3, weight_decay=0.05)
        rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
        seen, hidden = (torch.nonzero(train & (truth == value))[:, 0] for value in (0, 1))
        network.train()
        for _ in range(steps):
            rows_ = torch.cat([each[torch.randint(len(each), (64,))] for each in (seen, hidden)])
            inputs = numbers[rows_] + 0.03 * torch.randn(len(rows_), numbers.shape[1])
            loss = F.binary_cross_entropy_with_logits(network(kind, inputs), 0.02 + 0.96 * truth[rows_])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rate.step()
        network.eval()
        with torch.no_grad():
            logits = network(kind, numbers[test])
        share = [float(((logits > 0) == (truth[test] > 0))[truth[test] == value].float().mean()) for value in (0, 1)]
        print(f"{kind}: {len(own)} samples; held out: {share[0]:.3f} of the seen, {share[1]:.3f} of the hidden")
    return network


if __name__ == "__main__":
    sys.exit(main())
