"""What the invisible watermark costs and survives: bits of 32 that still agree, of pictures that were changed.

    python benchmarks/watermark.py photo.png ... (default: pictures of examples/portraits)

A mark counts as found from 28 bits on. "at most" is what unmarked pictures have by chance: how far the two are apart
says how sure a finding is.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from common.imaging.images import read_image, rgb
from common.provenance import watermark

PORTRAITS = Path(__file__).parents[1] / "examples" / "portraits"
SIDES = (256, 512, 1024)


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """Saved and read."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def resized(image: Image.Image, scale: float) -> Image.Image:
    """To a share of its size."""
    return image.resize((round(scale * image.width), round(scale * image.height)))


def cropped(image: Image.Image, share: float) -> Image.Image:
    """The middle; a share of each side."""
    x, y = (round(side * (1 - share) / 2) for side in image.size)
    return image.crop((x, y, image.width - x, image.height - y))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda image: image,
    "JPEG 90": lambda image: jpeg(image, 90),
    "JPEG 70": lambda image: jpeg(image, 70),
    "JPEG 50": lambda image: jpeg(image, 50),
    "resized to 0.75": lambda image: resized(image, 0.75),
    "resized to 0.5": lambda image: resized(image, 0.5),
    "resized to 1.5": lambda image: resized(image, 1.5),
    "cropped to 0.9": lambda image: cropped(image, 0.9),
    "cropped to 0.5": lambda image: cropped(image, 0.5),
    "0.75, then JPEG 70": lambda image: jpeg(resized(image, 0.75), 70),
}


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="*", type=Path, default=sorted(PORTRAITS.glob("*.jpg"))[::2])
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES, help="pixels to which photos are brought")
    args = parser.parse_args()
    watermark.mark(np.zeros((256, 256, 3), np.uint8))  # the networks are loaded now
    for side in args.sides:
        agreeing: dict[str, list[int]] = {name: [] for name in CHANGES}
        unmarked, noise, seconds = [], [], []
        for path in args.photos:
            photo = read_image(path).convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
            started = time.perf_counter()
            marked = Image.fromarray(watermark.mark(rgb(photo)))
            seconds.append(time.perf_counter() - started)
            noise.append(float(np.mean((rgb(marked).astype(float) - rgb(photo)) ** 2)))
            unmarked.append(watermark.look(rgb(photo)).agreeing)
            for name, change in CHANGES.items():
                agreeing[name].append(watermark.look(rgb(change(marked))).agreeing)
        psnr = 10 * np.log10(255**2 / np.mean(noise))
        print(f"\n{side} px, {len(args.photos)} pictures: {psnr:.1f} dB, {np.median(seconds):.2f} s to mark")
        print(f"  {'unmarked':20} at most {max(unmarked)}")
        for name, bits in agreeing.items():
            found = sum(each >= watermark.ENOUGH for each in bits)
            print(f"  {name:20} found in {found} of {len(bits)}; bits {min(bits)} to {max(bits)}", flush=True)


if __name__ == "__main__":
    main()
