"""Train the small network of `common.parsing.embedded` on synthetic pictures whose every pixel is known.

    python examples/train_parser.py --cache out/pairs128 --output out/parser

Pictures that the cache lacks are made first (a third of a second each pair on one core). The training may be stopped at
any time; called again, it goes on from its last checkpoint. The output folder then holds `parser.safetensors`, the log
as CSV, and a sheet of held-out pictures with what the network sees in them.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from tqdm import tqdm
from variations import worsen

from common.cli.console import guarded
from common.core.errors import FaceEditError, FaceNotFoundError
from common.core.face_labels import PARTS
from common.core.files import alone, replace_file
from common.core.fingerprint import claim
from common.faces import choose_face, get_detector
from common.faces.affine import compose, invert, transform
from common.imaging.tensors import to_pixels
from common.parsing.embedded import SIDE, Network, to_input, window
from common.synthetic.data.dataset import SyntheticFaces

UNKNOWN = 255  # label of what lies outside a picture
# Which class stands where another does in a mirror.
MIRRORED = np.arange(256, dtype=np.uint8)
for one, other in (("l_brow", "r_brow"), ("l_eye", "r_eye"), ("l_ear", "r_ear")):
    MIRRORED[PARTS.index(one)], MIRRORED[PARTS.index(other)] = PARTS.index(other), PARTS.index(one)
RECOLOURED = [PARTS.index(name) for name in ("cloth", "hair", "hat", "eye_g", "neck_l")]
HELD_OUT = 160  # of the last pictures, or a fifth if there are few, validate


def main() -> int:
    """Train, or go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", default="out/pairs128", help="folder of the pairs (default: out/pairs128)")
    parser.add_argument("--count", type=int, default=3000, help="pairs (default: 3000)")
    parser.add_argument("--people", type=int, default=8000, help="who take turns in them (default: 8000)")
    parser.add_argument("--seed", type=int, default=1, help="of the pairs (default: 1)")
    parser.add_argument("--output", default="out/parser", help="folder of results (default: out/parser)")
    parser.add_argument("--steps", type=int, default=2400, help="of training (default: 2400)")
    parser.add_argument("--batch", type=int, default=16, help="pictures a step (default: 16)")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate (default: 0.002)")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU (default: 2)")
    args = parser.parse_args()
    if args.steps < 1 or args.batch < 1 or args.count < 5:
        parser.error("--steps and --batch must be 1 or more, --count 5 or more")
    return guarded(lambda: run(args))


def run(args: argparse.Namespace) -> int:
    """Load the pictures and train."""
    torch.set_num_threads(args.threads)
    output = Path(args.output)
    faces = SyntheticFaces(
        args.count, size=128, seed=args.seed, pairs="expression", people=args.people, cache=args.cache,
        names=("image", "parts"),
    )  # fmt: skip
    facts = {name: getattr(args, name) for name in ("count", "people", "seed", "steps", "batch", "rate")}
    with alone(output):
        claim(output / "settings.json", facts, "go on with those, or name another --output")
        train(load(faces, output / f"pictures-{args.seed}-{args.count}-{args.people}.npz"), output, args)
    return 0


def load(faces: SyntheticFaces, kept: Path) -> dict[str, np.ndarray]:
    """All pictures in which the face is found: image, parts, and its outline; kept in a file, it takes minutes."""
    if kept.is_file():
        with np.load(kept) as arrays:
            return {name: arrays[name] for name in arrays.files}
    detector, found = get_detector("mediapipe"), {"image": [], "parts": [], "outline": []}
    for index in tqdm(range(len(faces)), desc="reading pairs", unit="pair"):
        for item in (faces[index][role] for role in ("source", "target")):
            image = to_pixels(item["image"])
            try:
                face = choose_face(detector.find(image))
            except FaceNotFoundError:
                continue
            found["image"].append(image)
            found["parts"].append(item["parts"].numpy().astype(np.uint8))
            found["outline"].append(face.outline)
    data = {name: np.array(values) for name, values in found.items()}
    replace_file(kept, lambda path: np.savez(path, **data))  # type: ignore[arg-type]
    return data


def train(data: dict[str, np.ndarray], output: Path, args: argparse.Namespace) -> None:
    """The loop; the file of weights is written at each validation."""
    torch.manual_seed(0)
    network = Network().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    mean = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995), use_buffers=True
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=args.rate, weight_decay=0.02)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.rate, total_steps=args.steps, pct_start=0.1)
    parts = {"network": network, "mean": mean, "optimizer": optimizer, "rate": rate}
    state, first, rows = output / "state.pt", 0, []
    if state.is_file():
        found = torch.load(state, weights_only=True)
        first, rows = found["step"], found["rows"]
        for name, part in parts.items():
            part.load_state_dict(found[name])
    count = (whole := len(data["image"])) - min(HELD_OUT, whole // 5)
    weights = class_weights(data["parts"][:count])
    held = make_batch(data, np.arange(count, whole), None)
    for step in (bar := tqdm(range(first, args.steps), initial=first, total=args.steps, unit="step")):
        rng = np.random.default_rng((1, step))
        squares, truth = make_batch(data, rng.integers(count, size=args.batch), rng)
        network.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(squares.contiguous(memory_format=torch.channels_last)).float()
        loss = F.cross_entropy(logits, truth, weights, ignore_index=UNKNOWN, label_smoothing=0.02)
        if not torch.isfinite(loss):
            raise FaceEditError(f"The loss is no number any more at step {step + 1}; begin anew with a smaller --rate.")
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        rate.step()
        mean.update_parameters(network)
        if (done := step + 1) % 200 == 0 or done == args.steps:
            rows.append({"step": done, "loss": loss.item(), **validate(mean.module, held)})
            kept = {name: part.state_dict() for name, part in parts.items()}
            replace_file(state, lambda path: torch.save({"step": done, "rows": rows, **kept}, path))  # noqa: B023
            write(output, rows, mean.module, held)
            bar.set_postfix(loss=f"{loss.item():.3f}", iou=f"{rows[-1]['iou']:.3f}")


def class_weights(parts: np.ndarray) -> torch.Tensor:
    """Of each class (19,): rare ones count more, but not as much as they are rarer."""
    shares = np.bincount(parts.ravel(), minlength=len(PARTS)) / parts.size
    weights = 1 / np.sqrt(shares + 1e-3)
    return torch.from_numpy((weights / weights.mean()).astype(np.float32))


def make_batch(
    data: dict[str, np.ndarray], indices: np.ndarray, rng: np.random.Generator | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (B, 4, SIDE, SIDE) and labels (B, SIDE, SIDE); varied by chance if there is a generator."""
    squares, outlines, labels = [], [], []
    for index in indices:
        image, parts, outline = (data[name][index] for name in ("image", "parts", "outline"))
        matrix = window(outline)
        if rng is not None:
            image = recoloured(image, parts, rng)
            image = behind(image, parts, data, rng)
            image = worsen(relit(image, rng), rng)
            matrix = compose(jitter(rng), matrix)
            if rng.random() < 0.5:
                matrix, parts = compose(np.array([[-1.0, 0, SIDE - 1], [0, 1, 0]]), matrix), MIRRORED[parts]
        size = (SIDE, SIDE)
        squares.append(cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE))
        labels.append(cv2.warpAffine(
            parts, invert(matrix), size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP, borderValue=UNKNOWN
        ))  # fmt: skip
        outlines.append(transform(outline, matrix))
    return to_input(np.stack(squares), outlines), torch.from_numpy(np.stack(labels).astype(np.int64))


def jitter(rng: np.random.Generator) -> np.ndarray:
    """A change of size, angle and place (2, 3): people lean, and detectors err."""
    scale, angle = np.exp(rng.normal(0, 0.12)), np.radians(rng.normal(0, 10))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.full(2, (SIDE - 1) / 2)
    return np.column_stack([turn, middle - turn @ middle + rng.normal(0, 0.05 * SIDE, 2)])


def recoloured(image: np.ndarray, parts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Hair, clothes and frames in other colours, so that none of them is told by its colour alone."""
    image = image.astype(np.float32)
    for part in RECOLOURED:
        mask = parts == part
        if rng.random() < 0.4 and mask.any():
            soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)[..., None]
            colour = rng.uniform(0, 255, 3) * rng.uniform(0.1, 1)
            contrast, mean = rng.uniform(0.4, 2), image[mask].mean(0)
            image += soft * ((image - mean) * contrast + colour - image) * rng.uniform(0.3, 1)
    return image.clip(0, 255).astype(np.uint8)


def behind(image: np.ndarray, parts: np.ndarray, data: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Another background: a piece of another picture, or one colour, as in a studio."""
    if rng.random() < 0.5:
        return image
    if rng.random() < 0.6:
        other = data["image"][rng.integers(len(data["image"]))]
        side, (x, y) = int(rng.integers(24, 128)), rng.random(2)
        x, y = (int(place * (len(other) - side)) for place in (x, y))
        other = cv2.resize(other[y : y + side, x : x + side], image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    else:
        other = np.broadcast_to(rng.uniform(0, 255, 3), image.shape)
    soft = cv2.GaussianBlur((parts == 0).astype(np.float32), (0, 0), 0.6)[..., None]
    return np.rint(image + soft * (other - image.astype(np.float32))).clip(0, 255).astype(np.uint8)


def relit(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another exposure, contrast and tint, light from a side, and now and then no colour."""
    values = (image.astype(np.float32) / 255) ** np.exp(rng.normal(0, 0.3)) * np.exp(rng.normal(0, 0.2))
    values = (values - values.mean()) * np.exp(rng.normal(0, 0.2)) + values.mean()
    values = values * np.exp(rng.normal(0, 0.08, 3))
    if rng.random() < 0.4:
        y, x = np.mgrid[-1 : 1 : image.shape[0] * 1j, -1 : 1 : image.shape[1] * 1j]
        angle, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.6)
        values = values * np.exp(slope * (np.cos(angle) * x + np.sin(angle) * y))[..., None]
    if rng.random() < 0.1:
        values = np.broadcast_to(values.mean(2, keepdims=True), values.shape)
    return (values * 255).clip(0, 255).astype(np.uint8)


@torch.no_grad()
def seen(network: Any, squares: torch.Tensor) -> torch.Tensor:
    """Classes (B, SIDE, SIDE)."""
    network.eval()
    return torch.cat([network(part).argmax(1) for part in squares.split(16)])


def validate(network: Any, held: tuple[torch.Tensor, torch.Tensor]) -> dict[str, float]:
    """Intersection over union of each class on pictures that were not trained on, and their mean."""
    found, truth = seen(network, held[0]), held[1]
    known = truth != UNKNOWN
    scores = {}
    for number, name in enumerate(PARTS):
        one, other = (found == number) & known, truth == number
        scores[name] = float((one & other).sum() / (one | other).sum().clamp_min(1))
    return {"iou": float(np.mean(list(scores.values()))), **scores}


def write(output: Path, rows: list[dict[str, float]], network: Any, held: tuple[torch.Tensor, torch.Tensor]) -> None:
    """The weights in half precision, the log, a sheet."""
    weights = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in network.state_dict().items()}
    replace_file(output / "parser.safetensors", lambda path: save_file(weights, path))
    with open(output / "log.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    squares, truth = held[0][:12], held[1][:12]
    hues = np.arange(256, dtype=np.uint8)[:, None] * 13
    colours = cv2.applyColorMap(hues, cv2.COLORMAP_HSV).reshape(-1, 3)
    colours[0] = colours[UNKNOWN] = 0
    pictures = ((squares[:, :3] + 1) * 127.5).permute(0, 2, 3, 1).numpy().astype(np.uint8)[..., ::-1]
    maps = [colours[labels.numpy()] for labels in (truth, seen(network, squares))]
    sheet = np.concatenate([np.concatenate(list(row), 1) for row in (pictures, *maps)])
    cv2.imwrite(str(output / "sheet.png"), sheet)


if __name__ == "__main__":
    sys.exit(main())
