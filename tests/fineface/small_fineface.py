"""A base model, pictures and trainings of FineFace that take a second."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image
from runs import arguments

from common.weights.unet import SD15_SCHEDULER
from fineface.text_to_face import text_networks
from fineface.train import FineFaceConfig, main

SIZE, WIDTH = 64, 32
CAPTIONS = ["a close-up of a man with red hair", "a portrait of a woman, in front of a wall", "a man with a beard"]
UNET = {
    "block_out_channels": [8, 16],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "attention_head_dim": 2,
}
VAE = {
    "block_out_channels": [8, 8, 8, 8],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "norm_num_groups": 4,
    "latent_channels": 4,
}
EXACT_VAE = {
    "latent_channels": 4,
    "encoder_block_out_channels": [8, 8, 16],
    "decoder_block_out_channels": [8, 8, 16],
    "encoder_layers_per_block": [0, 1, 1],
    "decoder_layers_per_block": [0, 1, 1],
    "encoder_qkv_multiscales": [[], [], []],
    "decoder_qkv_multiscales": [[], [], []],
}
TEXT = {
    "hidden_size": WIDTH,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 24,
    "vocab_size": 700,
}
COMMON = """
output = "{folder}/out"
folder = "{folder}/faces"
validation_folder = "{folder}/faces"
size = 64
steps = 6
batch_size = 4
accumulation = 1
workers = 0
precision = "no"
learning_rate = 2e-3
checkpoint_every = 2
validation_count = 0
validation_steps = 2
tensorboard = false
"""
ADAPTED = COMMON + 'base = "{folder}/base"\nlora_rank = 2\n'
WHOLE = (
    COMMON
    + 'variant = "whole"\nlora_rank = 0\n'
    + "".join(
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for name, table in (("unet", UNET), ("text_encoder", TEXT), ("autoencoder", VAE))
    )
)


def write_base(folder: Path) -> Path:
    """A tiny Stable Diffusion with random weights."""
    torch.manual_seed(0)
    options = FineFaceConfig(
        output="-", folder="-", variant="whole", lora_rank=0, size=SIZE, unet=UNET, text_encoder=TEXT, autoencoder=VAE
    )
    tokenizer, text_encoder = text_networks(options, CAPTIONS)
    unet = UNet2DConditionModel(in_channels=4, out_channels=4, sample_size=SIZE // 8, cross_attention_dim=WIDTH, **UNET)
    scheduler = PNDMScheduler(**SD15_SCHEDULER, skip_prk_steps=True)
    StableDiffusionPipeline(
        AutoencoderKL(**VAE), text_encoder, tokenizer, unet, scheduler, None, None, requires_safety_checker=False
    ).save_pretrained(folder)
    return folder


def write_faces(folder: Path) -> None:
    """Five pictures of one colour each."""
    rng, rows = np.random.default_rng(0), []
    folder.mkdir()
    for i in range(5):
        Image.fromarray(np.full((SIZE, SIZE, 3), rng.integers(0, 256, 3), np.uint8)).save(folder / f"{i}.png")
        rows.append({"file_name": f"{i}.png", "caption": CAPTIONS[i % 3], "AU12": i, "AU4": 0.5})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))


def start(config: Path, *overrides: str) -> int:
    return main(arguments(config, *overrides))
