"""Writes a golden folder's weights by formula (see README.md): python tests/golden/weights.py magicface FOLDER."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file

from common.diffusion.loading import RELEASES
from common.weights.unet import WEIGHTS, unet_from_config

HERE = Path(__file__).parent
VECTOR = {"denoising_unet": 12, "unet_denoise": 64}
BASES = {"ID_enc": 1000, "unet_id": 1000, "denoising_unet": 2000, "unet_denoise": 2000, "vae": 3000}


def filled(shapes: dict[str, torch.Size], base: int, scale: float = 1.0) -> dict[str, torch.Tensor]:
    """Tensor j of the sorted keys from its own generator, scaled, rounded to what float16 holds."""
    state = {}
    for j, key in enumerate(sorted(shapes)):
        w = torch.randn(shapes[key], generator=torch.Generator().manual_seed(base + j))
        if w.ndim == 1:
            w = 1 + 0.1 * w if key.endswith("weight") else 0.1 * w
        else:
            w = w / w[0].numel() ** 0.5
        state[key] = (scale * w).half()
    return state


def write(name: str, target: Path) -> Path:
    """Copies the golden folder `name` to `target` and adds the weights; returns `target`."""
    shutil.copytree(HERE / name, target, dirs_exist_ok=True)
    for folder, base in BASES.items():
        if not (target / folder).is_dir():
            continue
        config = json.loads((target / folder / "config.json").read_text())
        if folder == "vae":
            network = AutoencoderKL.from_config(config)
        else:
            network = unet_from_config(config, VECTOR.get(folder))
        key_of = {"class_embedding.": RELEASES[0].vector_key}
        shapes = {
            next((key.replace(a, b, 1) for a, b in key_of.items() if key.startswith(a)), key): value.shape
            for key, value in network.state_dict().items()
        }
        save_file(filled(shapes, base), target / folder / WEIGHTS)
    return target


if __name__ == "__main__":
    print(write(sys.argv[1], Path(sys.argv[2])))
