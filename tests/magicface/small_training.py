"""A training of MagicFace that takes a second: four pairs, networks of a few channels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from runs import arguments
from safetensors.torch import load_file

from magicface.train import main

CONFIG = """
output = "{folder}/out"
manifest = "{folder}/pairs.jsonl"
validation_manifest = "{folder}/pairs.jsonl"
size = 16
steps = 6
batch_size = 4
workers = 0
learning_rate = 2e-3
warmup = 0
checkpoint_every = 2
validation_count = 0
tensorboard = false
[unet]
block_out_channels = [8, 16]
down_block_types = ["CrossAttnDownBlock2D", "DownBlock2D"]
up_block_types = ["UpBlock2D", "CrossAttnUpBlock2D"]
layers_per_block = 1
norm_num_groups = 4
attention_head_dim = 2
[autoencoder]
block_out_channels = [8, 16]
down_block_types = ["DownEncoderBlock2D", "DownEncoderBlock2D"]
up_block_types = ["UpDecoderBlock2D", "UpDecoderBlock2D"]
norm_num_groups = 4
latent_channels = 4
"""


def write_config(folder: Path) -> Path:
    """Four pairs whose target is the source with its middle in another colour."""
    rng, rows = np.random.default_rng(0), []
    for i in range(4):
        source = np.full((32, 32, 3), rng.integers(0, 256, 3), np.uint8)
        target, background = source.copy(), source.copy()
        target[8:24, 8:24], background[8:24, 8:24] = rng.integers(0, 256, 3), 0
        for name, pixels in (("s", source), ("t", target), ("b", background)):
            Image.fromarray(pixels).save(folder / f"{name}{i}.png")
        rows.append({
            "source": f"s{i}.png", "target": f"t{i}.png", "background": f"b{i}.png", "au_source": {},
            "au_target": {"AU12": i + 1},
        })  # fmt: skip
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "config.toml").write_text(CONFIG.format(folder=folder))
    return folder / "config.toml"


def start(config: Path, *overrides: str) -> int:
    return main(arguments(config, *overrides))


def weights(model: Path) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{key}": value
        for name in ("denoising_unet", "ID_enc")
        for key, value in load_file(model / name / "diffusion_pytorch_model.safetensors").items()
    }
