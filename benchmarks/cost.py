"""What a thousand photos cost: measured on this machine, and computed for GPUs; writes a page.

    python benchmarks/cost.py --output benchmarks/cost.md
    python benchmarks/cost.py --gpu "H100 SXM" --peak 989 --utilisation 0.4 --price 3

Measured: warps and the embedded networks, encoding and editing apart, requests one by one and four at once, in turns;
and saving, with the invisible mark and without.
What counts is the time of the processor in this process, with one thread, so that whoever else works here does not
count. Computed: the published weights, which need a GPU, by their operations; the page says by which formula.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import psutil
import torch

from common.core.files import replace_file
from common.editing.defaults import Defaults
from common.editing.options import Engine
from common.imaging.images import read_image
from magicface import MagicFace

PORTRAIT = Path(__file__).parents[1] / "examples" / "portraits" / "calm.jpg"
REQUESTS = ({"AU12": 3}, {"AU4": 2}, {"AU6": 2, "AU12": 4}, {"AU26": 2})
STEP, IDENTITY = 1.85, 0.83
"""TFLOP at 512 px of a guided step, counted by `benchmarks/denoiser.py`, and of the identity, once a photo."""

PAGE = """# What a thousand photos cost

Written by `python benchmarks/cost.py`. Every row is for photos with {requests} requests each.

## Measured

On {machine}, {cores} cores, {memory:.0f} GiB of memory, torch {torch}: one thread, a photo of {side} px with one face,
the models' own steps and guidance, medians of {turns} turns. The seconds are those of one core at work (process time).

| way (measured) | requests at once | once a photo, s | each request, s | photos an hour and core | `--no-watermark` |
|---|---|---|---|---|---|
{measured}

Once a photo the face is found and encoded; for warps, the head is fitted to it. Warps are made one by one, whatever
is asked for at once. To each request comes its file (PNG): {marked:.2f} s with the invisible mark, {plain:.2f} s
without; the last two columns count it. On a core at price C an hour, marked:

| way | requests at once | price of 1,000 photos |
|---|---|---|
{prices}

## Computed

The published weights at 512 px, {steps} guided steps. **None of this was run.** What goes in:

- {step} TFLOP a guided step, and {identity} TFLOP once a photo: counted on networks of that size. Finding the face, the
  autoencoder, reading, writing and marking are left out.
- {gpu}: {peak:g} TFLOP a second, dense 16-bit, as its maker states it.
- Utilisation {utilisation:g}: **assumed**, the share of that peak which is reached. Measure your own.
- Photos do not depend on each other, so that GPUs add up.

```
seconds a photo       = (identity + requests x steps x step) / (GPUs x peak x utilisation)
price of 1,000 photos = 1,000 x seconds a photo / 3,600 x GPUs x P, with P the price of a GPU and hour
```

| machine | seconds a photo | photos an hour | price of 1,000 photos | the same, for example with P = {price:g} |
|---|---|---|---|---|
{computed}

Eight GPUs take an eighth of the time, and cost the same. P is in whatever currency you pay, and yours to fill in: the
one of the last column is an example, not an offer of anybody's.
"""


@dataclass(frozen=True)
class Measured:
    """A way of editing.

    Attributes:
        name: of it.
        batch: requests at once.
        encode: seconds of one core, of a photo.
        edit: likewise, of a request.
    """

    name: str
    batch: int
    encode: float
    edit: float

    def photo(self, requests: int, save: float) -> float:
        """Seconds of one core for a photo with so many requests, each saved in so many."""
        return self.encode + requests * (self.edit + save)


@dataclass(frozen=True)
class Gpus:
    """What is assumed of a machine.

    Attributes:
        count: of its GPUs.
        peak: TFLOP a second of each, dense 16-bit, as its maker states it.
        utilisation: share of it that is reached; assumed.
    """

    count: int
    peak: float
    utilisation: float

    def photo(self, requests: int, steps: int) -> float:
        """Seconds for a photo with so many requests; photos are independent, so that GPUs add up."""
        return (IDENTITY + requests * steps * STEP) / (self.count * self.peak * self.utilisation)


def measure(side: int, turns: int) -> list[Measured]:
    """Warps and the embedded networks, in turns; medians.

    Args:
        side: of the photo in pixels.
        turns: how many count; one comes before.
    """
    photo = read_image(PORTRAIT).resize((side, side))
    small = MagicFace.from_pretrained("embedded", device="cpu")
    own = f"embedded networks (crop of {small.size} px, steps: {small.defaults.steps})"
    editors = {"warps": MagicFace.warping(), own: small}
    engines: dict[str, Engine] = {"warps": "warp", own: "diffusion"}
    seconds: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for turn in range(turns + 1):
        for name, editor in editors.items():
            for batch in (1, len(REQUESTS)):
                started = time.process_time()
                subject = editor.encode(photo)
                if engines[name] == "warp":
                    editor.fitted(subject)  # the fit of the head, once a photo
                encoded = time.process_time()
                editor.edit(subject, list(REQUESTS), engine=engines[name], batch_size=batch, progress=False)
                found = encoded - started, (time.process_time() - encoded) / len(REQUESTS)
                if turn:  # the first one fills caches
                    seconds.setdefault((name, batch), []).append(found)
    return [
        Measured(name, batch, *(statistics.median(column) for column in zip(*found)))
        for (name, batch), found in seconds.items()
    ]


def saving(side: int, turns: int, *, watermark: bool) -> float:
    """Seconds of one core in which a picture of that size becomes a file; the median of turns, one more before."""
    photo = read_image(PORTRAIT).resize((side, side))
    editor = MagicFace.warping()
    picture = editor.edit(editor.encode(photo), REQUESTS[0], progress=False)
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(turns + 1):
            started = time.process_time()
            picture.save(Path(folder) / "edit.png", watermark=watermark)
            seconds.append(time.process_time() - started)
    return statistics.median(seconds[1:])


def page(measured: list[Measured], marked: float, plain: float, args: argparse.Namespace) -> str:
    """The page, as Markdown; seconds of saving with and without the mark."""
    requests, steps, measures, prices, gpus = args.requests, Defaults().steps, [], [], []
    for row in measured:
        whole, unmarked = (row.photo(requests, save) for save in (marked, plain))
        measures.append(
            f"| {row.name} | {row.batch} | {row.encode:.2f} | {row.edit:.2f} | {3600 / whole:,.0f} "
            f"| {3600 / unmarked:,.0f} |"
        )
        prices.append(f"| {row.name} | {row.batch} | {whole * 1000 / 3600:.2f} x C |")
    for count in (1, 8):
        seconds = Gpus(count, args.peak, args.utilisation).photo(requests, steps)
        hours = 1000 * seconds / 3600 * count
        gpus.append(
            f"| {count} x {args.gpu} (computed) | {seconds:.2f} | {3600 / seconds:,.0f} | {hours:.2f} x P "
            f"| {hours * args.price:.2f} |"
        )
    return PAGE.format(
        requests=requests, steps=steps, step=STEP, identity=IDENTITY, machine=platform.machine(), cores=os.cpu_count(),
        memory=psutil.virtual_memory().total / 2**30, torch=torch.__version__, measured="\n".join(measures),
        prices="\n".join(prices), marked=marked, plain=plain, computed="\n".join(gpus),
        **{name: getattr(args, name) for name in ("side", "turns", "gpu", "peak", "utilisation", "price")},
    )  # fmt: skip


def main() -> None:
    """Prints the page, or writes it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=512, help="of the photo, in pixels")
    parser.add_argument("--turns", type=int, default=5, help="of measuring")
    parser.add_argument("--requests", type=int, default=5, help="of each photo")
    parser.add_argument("--gpu", default="A100", help="its name")
    parser.add_argument("--peak", type=float, default=312, help="TFLOP a second, dense 16-bit, by its data sheet")
    parser.add_argument("--utilisation", type=float, default=0.35, help="share of the peak that is reached")
    parser.add_argument("--price", type=float, default=2.0, help="of a GPU and hour, for the example")
    parser.add_argument("--output", type=Path, help="file (default: printed)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    marked, plain = (saving(args.side, args.turns, watermark=mark) for mark in (True, False))
    text = page(measure(args.side, args.turns), marked, plain, args)
    if args.output is None:
        print(text)
    else:
        replace_file(args.output, lambda path: path.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main()
