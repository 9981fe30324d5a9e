"""Measure where the detector sees the landmarks of drawn heads, next to where they lie on the skin.

    python examples/landmark_response.py --cache out/points

A detector draws lids, lips and brows a little as it expects them: half-closed eyes wider, parted lips thinner. From the
faces that `train_points.py` drew, this finds by least squares how far each landmark is seen from its place on the skin,
on a calm face and for each facial action, and adds it to `common/face3d/heads/landmarks.safetensors`, so that the fit
compares what is seen with what would be seen.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tqdm import tqdm

from common.cli.console import guarded
from common.core.files import replace_file
from common.face3d.camera import rotation_matrix
from common.face3d.heads import anny_data
from common.face3d.heads.anny import AnnyHead
from common.face3d.heads.head_units import HEAD_UNITS

SCHEME = "mesh468"
SIZE = 256  # of the drawn faces
RIDGE = 30.0  # faces' worth of belief that a landmark is seen where it is
FRONTAL = 0.7  # radians of yaw beyond which landmarks are not compared


def main() -> int:
    """Read, solve, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("out/points"), help="folder of `train_points.py`")
    parser.add_argument("--table", type=Path, default=Path(anny_data.__file__).with_name("landmarks.safetensors"))
    parser.add_argument("--every", type=int, default=1, help="only each n-th person (default: 1)")
    args = parser.parse_args()
    return guarded(lambda: run(args))


def run(args: argparse.Namespace) -> int:
    """All files of the cache."""
    from train_points import SIDED

    head = AnnyHead()
    columns = [list(HEAD_UNITS).index(unit) for unit in SIDED]
    shown = [i for i in range(len(head.action_names)) if reached(head)[i]]
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for path in tqdm(sorted(args.cache.glob("*.npz"))[:: args.every], unit="person"):
        arrays = np.load(path)
        for row in range(len(arrays["points"]) if "points" in arrays else 0):
            if abs(np.radians(arrays["angles"][row, 0])) <= FRONTAL:
                miss, slope, actions = compare(head, arrays, row, columns)
                rows.append((miss, slope, np.concatenate([[1.0], actions[shown]])))
    misses, slopes, features = (np.stack(each) for each in zip(*rows))
    found = np.stack([solved(misses[:, i], slopes[:, i], features) for i in tqdm(range(misses.shape[1]), unit="point")])
    left = misses - np.einsum("rnij,rf,nfj->rni", slopes, features, found, optimize=True)
    before, after = (np.linalg.norm(each, axis=2).mean() for each in (misses, left))
    print(
        f"{len(rows)} faces; landmarks lie {before:.2f} px from where they are seen, {after:.2f} px with the response"
    )
    response = np.zeros((1 + len(head.action_names), *found.shape[::2]))
    response[[0, *(1 + i for i in shown)]] = found.transpose(1, 0, 2)
    with safe_open(args.table, "pt") as file:
        table = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    table[f"{SCHEME}.response"] = torch.from_numpy(response).half()
    replace_file(args.table, lambda path: save_file(table, path))
    return 0


def reached(head: AnnyHead) -> np.ndarray:
    """Which actions (52,) the units use."""
    units = torch.zeros(2 * len(HEAD_UNITS), 2 * len(HEAD_UNITS)).fill_diagonal_(5).reshape(-1, 2, len(HEAD_UNITS))
    return (head.actions_of(units) > 0).any(0).numpy()


def solved(misses: np.ndarray, slopes: np.ndarray, features: np.ndarray) -> np.ndarray:
    """The response (F, 3) of one landmark whose misses (R, 2) and slopes (R, 2, 3) are of faces with features (R, F);
    ridge regression.
    """
    system = np.einsum("rij,rf->rifj", slopes, features).reshape(-1, 3 * features.shape[1])
    normal = system.T @ system
    ridge = RIDGE * np.square(slopes[:, 0, 0]).mean() * np.eye(len(normal))
    return np.linalg.solve(normal + ridge, system.T @ misses.reshape(-1)).reshape(-1, 3)


@torch.no_grad()
def compare(
    head: AnnyHead, arrays: np.lib.npyio.NpzFile, row: int, columns: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What one face shows of the landmarks: by how many pixels each is seen beside its place on the skin (N, 2), how
    many pixels a metre of the head's axes is there (N, 2, 3), and the actions (52,).
    """
    units = torch.zeros(1, 2, len(HEAD_UNITS))
    units[0][:, columns] = torch.from_numpy(arrays["units"][row])
    gaze = torch.deg2rad(torch.from_numpy(arrays["gaze"][row]))[None, None].expand(1, 2, 2)
    angles = torch.deg2rad(torch.from_numpy(arrays["angles"][row]))[None]
    vertices = head.turn(head(torch.from_numpy(arrays["identity"][row])[None], units, gaze=gaze), angles)
    places = head.embedding.points(vertices, SCHEME)[0].numpy()
    focal, distance, *shift = arrays["camera"][row]
    depth = distance - places[:, 2:]
    plane = focal * places[:, :2] / depth
    half = SIZE / 2
    seen = (plane + shift) * [half, -half] + half - 0.5
    direct = np.zeros((len(places), 2, 3))
    direct[:, [0, 1], [0, 1]] = focal / depth
    direct[:, :, 2] = plane / depth
    slope = direct * np.array([half, -half])[:, None] @ rotation_matrix(angles)[0].numpy()
    return arrays["points"][row][: len(places), :2] - seen, slope, head.actions_of(units).numpy()[0]


if __name__ == "__main__":
    sys.exit(main())
