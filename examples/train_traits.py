"""Train the small network of `common.measure.traits` on synthetic faces whose traits are known.

    python examples/train_traits.py --cache out/pairs --output out/traits

Pictures that the cache lacks are made first. The output folder then holds `traits.safetensors` and, for the people that
were held out, how often each trait was read right.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from tqdm import tqdm

from common.cli.console import guarded
from common.core.files import alone, replace_file
from common.core.fingerprint import claim
from common.measure.regressor import to_input
from common.measure.traits import SIDE, TRAITS, Network, head_square
from common.synthetic.data.dataset import SyntheticFaces
from common.synthetic.scene.captions import true_traits

ROLES, MARGIN, HELD_OUT = ("source", "target"), 4, 0.1


def main() -> int:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", default="out/pairs", help="folder of the pairs of pictures (default: out/pairs)")
    parser.add_argument("--count", type=int, default=8000, help="pairs, each of another person (default: 8000)")
    parser.add_argument("--seed", type=int, default=1, help="of the pairs (default: 1)")
    parser.add_argument("--output", default="out/traits", help="folder of results (default: out/traits)")
    parser.add_argument("--epochs", type=int, default=6, help="passes over the pictures (default: 6)")
    parser.add_argument("--batch", type=int, default=64, help="pictures in a step (default: 64)")
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate (default: 0.002)")
    args = parser.parse_args()
    return guarded(lambda: run(args))


def run(args: argparse.Namespace) -> int:
    """Load the pictures and train."""
    output = Path(args.output)
    faces = SyntheticFaces(
        args.count,
        seed=args.seed,
        pairs="expression",
        people=args.count,
        cache=args.cache,
        names=("image", "landmarks"),
    )
    with alone(output):
        claim(output / "settings.json", {"count": args.count, "seed": args.seed}, "name another --output")
        squares, truth = load(faces, output / "squares.npz")
        right = train(squares, truth, args, output)
    print(json.dumps(right))
    return 0


def load(faces: SyntheticFaces, kept: Path) -> tuple[np.ndarray, dict[str, torch.Tensor]]:
    """Squares (2 N, side, side, 3) uint8 with a margin, and trait -> classes (2 N,), -1 where none is seen."""
    if not kept.is_file():
        side = SIDE + 2 * MARGIN
        squares = np.zeros((len(faces), 2, side, side, 3), np.uint8)
        for index in tqdm(range(len(faces)), desc="reading pictures", unit="pair"):
            pair = faces[index]
            for place, role in enumerate(ROLES):
                photo = np.rint(pair[role]["image"].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
                squares[index, place] = head_square(photo, pair[role]["landmarks"].numpy(), MARGIN)
        replace_file(kept, lambda path: np.savez(path, squares=squares))  # type: ignore[arg-type]
    with np.load(kept) as arrays:
        squares = arrays["squares"]
    scenes = [true_traits(faces.plan.scenes(index)[role]) for index in range(len(faces)) for role in ROLES]
    truth = {
        name: torch.tensor([classes.index(word) if (word := scene[name]) else -1 for scene in scenes])
        for name, classes in TRAITS.items()
    }
    return squares.reshape(-1, *squares.shape[2:]), truth


def train(
    squares: np.ndarray, truth: dict[str, torch.Tensor], args: argparse.Namespace, output: Path
) -> dict[str, float]:
    """The loop; returns trait -> share of held-out pictures that were read right, rare classes as much as frequent."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    known = int(len(squares) * (1 - HELD_OUT))
    weights = {name: balance(classes[:known], len(TRAITS[name])) for name, classes in truth.items()}
    network = Network()
    steps = args.epochs * (known // args.batch)
    optimizer = torch.optim.AdamW(network.parameters(), args.rate, weight_decay=0.02)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.rate, total_steps=steps)
    order = np.concatenate([rng.permutation(known) for _ in range(args.epochs)])
    bar = tqdm(range(steps), desc="training", unit="step", mininterval=2)
    for step in bar:
        chosen = order[step * args.batch : (step + 1) * args.batch]
        logits = network(worsened(squares[chosen], rng))
        losses = [
            F.cross_entropy(logits[name], classes[chosen], weights[name], ignore_index=-1)
            for name, classes in truth.items()
        ]
        loss = torch.stack(losses).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
        if step % 50 == 0:
            bar.set_postfix(loss=f"{float(loss.detach()):.3f}")
    network.eval()
    state = {name: value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()}
    replace_file(output / "traits.safetensors", lambda path: save_file(state, path))
    right = accuracy(network, squares[known:], {name: classes[known:] for name, classes in truth.items()})
    replace_file(output / "held_out.json", lambda path: path.write_text(json.dumps(right, indent=1)))
    return right


def balance(classes: torch.Tensor, count: int) -> torch.Tensor:
    """Weights (count,) that make rare classes count for more, by the root of how rare they are."""
    share = torch.bincount(classes[classes >= 0], minlength=count).clamp(min=1).float()
    weights = share.rsqrt()
    return weights / weights.mean()


def worsened(squares: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """Squares as the network takes them, shifted, mirrored, dimmed, and half of them as soft as what networks make."""
    x, y = rng.integers(0, 2 * MARGIN + 1, 2)
    pixels = to_input(squares[:, y : y + SIDE, x : x + SIDE])
    if rng.random() < 0.5:
        pixels = pixels.flip(3)
    if rng.random() < 0.5:
        less = F.interpolate(pixels, scale_factor=float(rng.uniform(0.4, 0.9)), mode="area")
        pixels = F.interpolate(less, size=(SIDE, SIDE), mode="bilinear")
    light = torch.from_numpy(rng.normal(0, 0.06, (len(pixels), 1, 1, 1))).float()
    return (pixels + light + 0.03 * torch.randn(pixels.shape)).clamp(-1, 1)


@torch.no_grad()
def accuracy(network: Network, squares: np.ndarray, truth: dict[str, torch.Tensor]) -> dict[str, float]:
    """Trait -> mean over its classes of the share that was read right."""
    inner = squares[:, MARGIN : MARGIN + SIDE, MARGIN : MARGIN + SIDE]
    parts = [network(to_input(part)) for part in np.array_split(inner, max(1, len(inner) // 256))]
    found: dict[str, float] = {}
    for name, classes in truth.items():
        guess = torch.cat([part[name] for part in parts]).argmax(1)
        shares = [float((guess[classes == c] == c).float().mean()) for c in classes.unique().tolist() if c >= 0]
        found[name] = sum(shares) / len(shares)
    return found


if __name__ == "__main__":
    sys.exit(main())
