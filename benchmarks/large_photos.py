"""What an edit of a large photo costs, beside a small one with the same face, and beside reading and writing it alone.

    python benchmarks/large_photos.py --repeats 5
    python benchmarks/large_photos.py --photo portrait.jpg

The face is NASA's portrait in scikit-image, of the same pixels on each canvas. The ways take turns; ratios are medians
of the ratios within a turn: read them, not the seconds. Without `--wall`, seconds are those of the process on all
cores, which other programs disturb less.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from skimage.data import astronaut

from common.imaging.images import to_uint8
from magicface import edit

SMALL, LARGE, FULL = (700, 700), (2444, 1718), (6000, 4000)


def natural(width: int, height: int) -> np.ndarray:
    """Noise as coarse as it is fine, as surfaces are, (H, W, 3) uint8."""
    rng, picture = np.random.default_rng(0), np.zeros((height, width, 3), np.float32)
    for octave in range(9):
        side = 2**octave
        coarse = rng.standard_normal((height // side + 2, width // side + 2, 3)).astype(np.float32)
        picture += side**0.8 * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return to_uint8(120 + 40 * picture / picture.std(), 255)


def canvas(size: tuple[int, int], portrait: np.ndarray) -> Image.Image:
    """A picture of this width and height with the portrait in its middle."""
    picture = natural(*size)
    top, left = ((whole - part) // 2 for whole, part in zip(picture.shape[:2], portrait.shape[:2]))
    picture[top : top + portrait.shape[0], left : left + portrait.shape[1]] = portrait
    return Image.fromarray(picture)


def from_file_to_file(photo: Path, watermark: bool = True) -> None:
    """What `magicface photo.jpg happy -o out.jpg` does once its modules are loaded."""
    edit(photo, "happy", engine="warp").save(photo.with_name("out.jpg"), watermark=watermark)


def read_and_write(photo: Path) -> None:
    """The same file in and out, and nothing between."""
    Image.open(photo).convert("RGB").save(photo.with_name("out.jpg"), quality=95, subsampling=0)


def main() -> None:
    """Prints both ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, help="one to take in place of the canvas of 24 megapixels")
    parser.add_argument("--repeats", type=int, default=5, help="turns")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    parser.add_argument("--wall", action="store_true", help="seconds on the wall, in place of the process's own")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    clock = time.perf_counter if args.wall else time.process_time
    with tempfile.TemporaryDirectory() as folder:
        photos = {}
        for size in (SMALL, LARGE, FULL):
            photos[size] = Path(folder) / f"{size[0]}.jpg"
            if size == FULL and args.photo:
                Image.open(args.photo).convert("RGB").save(photos[size], quality=95)
            else:
                canvas(size, astronaut()).save(photos[size], quality=95)
        ways: dict[str, Callable[[], None]] = {
            "small, edited": lambda: from_file_to_file(photos[SMALL]),
            "large, edited": lambda: from_file_to_file(photos[LARGE]),
            "small, edited, no mark": lambda: from_file_to_file(photos[SMALL], watermark=False),
            "large, edited, no mark": lambda: from_file_to_file(photos[LARGE], watermark=False),
            "full, edited": lambda: from_file_to_file(photos[FULL]),
            "full, edited, no mark": lambda: from_file_to_file(photos[FULL], watermark=False),
            "full, read and written": lambda: read_and_write(photos[FULL]),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(args.repeats + 1):
            for name, way in ways.items():
                started = clock()
                way()
                if turn:  # the first one loads and fills caches
                    seconds[name].append(clock() - started)
        sizes = {name: Image.open(path).size for name, path in zip(("small", "large", "full"), photos.values())}
    print(", ".join(f"{name}: {width} x {height}" for name, (width, height) in sizes.items()), f"{args.repeats} turns")
    for name, found in seconds.items():
        print(f"{name:26} {statistics.median(found):8.3f} s")
    for one, other in (
        ("large, edited", "small, edited"), ("large, edited, no mark", "small, edited, no mark"),
        ("full, edited", "full, read and written"), ("full, edited, no mark", "full, read and written"),
    ):  # fmt: skip
        ratio = statistics.median(own / base for own, base in zip(seconds[one], seconds[other]))
        print(f"{one} : {other} = {ratio:.2f}")


if __name__ == "__main__":
    main()
