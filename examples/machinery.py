"""The whole path on one photo, photo to photo, with tiny random networks: what each station makes, on one sheet.

    python examples/machinery.py --output out

Random weights show the machinery, not an expression: the face turns to noise, and everything around it stays. With the
published weights (`magicface download`) the same calls edit the expression; see README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel, UniPCMultistepScheduler
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from common.cli.console import guarded
from common.diffusion.pipeline import FaceEditPipeline
from common.editing.compositing import paste_mask
from magicface import ACTION_UNITS, MagicFace, read_image, save_image


def main() -> int:
    """Writes photo, crop, background, region and both ways of pasting back, one by one and as a sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, help="default: the astronaut of scikit-image (public domain)")
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder (default: out)")
    parser.add_argument("--steps", type=int, default=8, help="denoising steps (default: 8)")
    parser.add_argument("--size", type=int, default=256, help="side of the crop in pixels (default: 256)")
    args = parser.parse_args()

    started = time.perf_counter()
    editor = MagicFace(random_networks(), size=args.size)
    subject = editor.encode(args.photo or data.astronaut())
    request = {"AU6": 2, "AU12": 3}
    stations = {
        "photo": subject.photo,
        "crop": Image.fromarray(subject.source),
        "conditioning image": Image.fromarray(subject.background),
        "mask of the paste-back": Image.fromarray((paste_mask(subject.mask) * 255).astype(np.uint8)),
        "crop as generated": editor.edit(subject, request, steps=args.steps, paste_back=False),
        "pasted: replace": editor.edit(subject, request, steps=args.steps),
        "pasted: detail": editor.edit(subject, request, steps=args.steps, paste_back="detail"),
        "pasted: detail, request of zero": editor.edit(subject, {}, steps=args.steps, paste_back="detail"),
    }
    for number, (title, picture) in enumerate(stations.items(), 1):
        save_image(picture, args.output / f"{number}-{title.split(':')[0].replace(' ', '-')}-{number}.png")
    save_image(sheet(stations), args.output / "sheet.png")
    print(json.dumps(subject.record))
    print(f"{args.output / 'sheet.png'}: the whole path in {time.perf_counter() - started:.0f} s.")
    print("The weights are random: this shows the machinery, not an expression.")
    return 0


def random_networks() -> FaceEditPipeline:
    """Networks of MagicFace's form, tiny and random: an ID encoder, a denoiser that takes action units, a VAE."""
    torch.manual_seed(0)
    blocks: dict[str, Any] = {"block_out_channels": (8, 16, 16, 16), "layers_per_block": 1, "norm_num_groups": 4}
    coders: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
    }
    unet = {**blocks, "cross_attention_dim": 24, "attention_head_dim": 4}
    units: dict[str, Any] = {
        "class_embed_type": "simple_projection",
        "projection_class_embeddings_input_dim": len(ACTION_UNITS),
    }
    return FaceEditPipeline(
        AutoencoderKL(**blocks, **coders),
        UNet2DConditionModel(**unet, in_channels=4),
        UNet2DConditionModel(**unet, **units, in_channels=8),
        UniPCMultistepScheduler(),
        prompt_embeds=torch.randn(1, 77, 24),
    )


def sheet(pictures: dict[str, Image.Image], side: int = 384, columns: int = 4) -> Image.Image:
    """The pictures with their titles, in rows."""
    rows, title = -(-len(pictures) // columns), 28
    page = Image.new("RGB", (columns * side, rows * (side + title)), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(16)
    for i, (text, picture) in enumerate(pictures.items()):
        x, y = i % columns * side, i // columns * (side + title)
        draw.text((x + 6, y + 4), text, "black", font)
        small = read_image(picture).convert("RGB")
        small.thumbnail((side - 8, side - 4), Image.Resampling.LANCZOS)
        if max(small.size) < side - 8:
            scale = (side - 8) / max(small.size)
            small = small.resize((round(small.width * scale), round(small.height * scale)), Image.Resampling.NEAREST)
        page.paste(small, (x + 4, y + title))
    return page


if __name__ == "__main__":
    sys.exit(guarded(main))
