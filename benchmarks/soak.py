"""Whether memory grows with the number of edits, in one process.

    python benchmarks/soak.py                          1,000 warps and 1,000 edits by the embedded networks
    python benchmarks/soak.py --edits 200 --engine warp

Photos are encoded anew every few edits, as a batch does, and pictures are written. What is resident is read after each
edit, beyond a warm-up that fills caches; the slope is that of the straight line with the least sum of squares. Fails
with exit code 1 where the slope is above `--bound`: one photo of 512 px kept an edit would be 75 MB in 100 edits.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import itertools
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import psutil
import torch
from tqdm import tqdm

from common.editing.options import Engine
from common.imaging.images import read_image
from magicface import MagicFace

PORTRAITS = Path(__file__).parents[1] / "examples" / "portraits"
REQUESTS = ({"AU12": 3}, {"AU4": 2}, {"AU6": 2, "AU12": 4}, {"AU26": 2}, {"AU1": 2, "AU2": 2})
MB = 1e6


@dataclass(frozen=True)
class Soaked:
    """What came of it.

    Attributes:
        resident: bytes after each edit, the warm-up left out.
        seconds: of all edits.
    """

    resident: list[int]
    seconds: float

    @property
    def slope(self) -> float:
        """MB in 100 edits."""
        return float(np.polyfit(np.arange(len(self.resident)), self.resident, 1)[0]) * 100 / MB


def soak(edit: Callable[[int], object], edits: int, warm_up: int, *, progress: bool = True) -> Soaked:
    """Calls `edit(number)` and reads what is resident.

    Args:
        edit: makes one edit.
        edits: how many count.
        warm_up: how many come before.
        progress: show a bar.
    """
    process, resident, started = psutil.Process(), [], time.perf_counter()
    for number in tqdm(range(warm_up + edits), unit="edit", disable=not progress):
        edit(number)
        if number >= warm_up:
            _trim()
            resident.append(process.memory_info().rss)
    return Soaked(resident, time.perf_counter() - started)


def _trim() -> None:
    """Gives back what is free: else a leak fills the holes that the warm-up left, and is not seen."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):  # the C library of Linux can
        ctypes.CDLL(None).malloc_trim(0)


def editing(
    engine: Engine, steps: int, side: int, folder: Path, every: int = 10, *, watermark: bool = True
) -> Callable[[int], object]:
    """An edit of one of the portraits, written to a file; another photo comes every few edits.

    Args:
        engine: "warp" or "diffusion".
        steps: of diffusion.
        side: of the photos, in pixels.
        folder: for the pictures.
        every: edits of a photo.
        watermark: whether the files are marked.
    """
    editor = MagicFace.warping() if engine == "warp" else MagicFace.from_pretrained("embedded", device="cpu")
    names = itertools.cycle(sorted(path for path in PORTRAITS.glob("*.jpg") if "truth" not in path.name))
    known = {}

    def edit(number: int) -> None:
        if number % every == 0:
            known["subject"] = editor.encode(read_image(next(names)).resize((side, side)))
        request = REQUESTS[number % len(REQUESTS)]
        picture = editor.edit(known["subject"], request, steps=steps, engine=engine, seed=number, progress=False)
        picture.save(folder / f"{number % 20}.png", watermark=watermark)

    return edit


def main() -> int:
    """Prints a line for each engine; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=1000, help="that count")
    parser.add_argument("--warm-up", type=int, default=100, help="edits before")
    parser.add_argument("--engine", choices=get_args(Engine), action="append", help="default: both")
    parser.add_argument("--steps", type=int, default=2, help="of diffusion")
    parser.add_argument("--side", type=int, default=512, help="of the photos, in pixels")
    parser.add_argument("--bound", type=float, default=2.0, help="MB in 100 edits")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    failed = False
    engines: list[Engine] = args.engine or list(get_args(Engine))
    for engine in engines:
        with tempfile.TemporaryDirectory() as folder:
            found = soak(editing(engine, args.steps, args.side, Path(folder)), args.edits, args.warm_up)
        first, last = (part / MB for part in (found.resident[0], found.resident[-1]))
        too_much = found.slope > args.bound
        failed |= too_much
        print(
            f"{engine:10} {args.edits} edits in {found.seconds:.0f} s: {first:.0f} MB after the warm-up, "
            f"{last:.0f} MB at the end, {max(found.resident) / MB:.0f} MB at most, {found.slope:+.2f} MB in 100 edits"
            + (f"  above the bound of {args.bound:g}" if too_much else ""),
            flush=True,
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
