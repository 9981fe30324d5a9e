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

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from common.cli.console import guarded
from common.editing.compositing import paste_mask
from magicface import MagicFace, read_image, save_image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "golden"))


def main() -> int:
    """Writes photo, crop, background, region and both ways of pasting back, one by one and as a sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, help="default: the astronaut of scikit-image (public domain)")
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder (default: out)")
    parser.add_argument("--steps", type=int, default=8, help="denoising steps (default: 8)")
    parser.add_argument("--size", type=int, default=256, help="side of the crop in pixels (default: 256)")
    args = parser.parse_args()

    started = time.perf_counter()
    editor = MagicFace.from_pretrained(random_model(args.output / "random-model"), size=args.size, device="cpu")
    subject = editor.encode(args.photo or data.astronaut())
    request = {"AU6": 2, "AU12": 3}
    stations = {
        "photo": subject.photo,
        "crop": Image.fromarray(subject.source),
        "guide: background and jaw line": Image.fromarray(subject.background),
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


def random_model(folder: Path) -> Path:
    """A complete model of tiny random networks in the published layout, written where it is not there yet."""
    import torch
    import weights  # pyright: ignore[reportMissingImports] - beside the golden numbers
    from safetensors.torch import save_file

    if not (folder / "prompt_embeds.safetensors").is_file():
        weights.write("magicface", folder)
        prompt = torch.randn(1, 77, 24, generator=torch.Generator().manual_seed(0))
        save_file({"prompt_embeds": prompt}, folder / "prompt_embeds.safetensors")
    return folder


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
