"""How fast heads are computed, drawn and fitted, and how fast finished synthetic faces come.

    python benchmarks/faces.py

One thread, then every core. Read the ratios and whether the floors hold: 25 full faces a second at 128 px, 0.5 s for
one at 512 px, 2 s for a fit, 15 finished pairs a second at 128 px.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import cv2
import torch

from common.face3d.camera import Perspective, to_pixels
from common.face3d.fitting.fit import fit
from common.face3d.heads.anny import AnnyHead
from common.face3d.heads.people import sample
from common.face3d.rendering.lighting import ambient, directional
from common.face3d.rendering.render import render
from common.synthetic.data.dataset import SyntheticFaces


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="of each measurement, the median counts (default: 5)")
    parser.add_argument("--pairs", type=int, default=120, help="synthetic pairs to make (default: 120)")
    args = parser.parse_args()
    started = time.perf_counter()
    head = AnnyHead()
    print(f"head ready                {time.perf_counter() - started:8.2f} s")
    for threads in dict.fromkeys((1, os.cpu_count() or 1)):
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
        print(f"threads: {threads}")
        for name, seconds in measure(head, args.repeats).items():
            print(f"  {name:24s}{seconds * 1000:8.1f} ms  {1 / seconds:8.1f} a second")
    pairs(args.pairs)


def measure(head: AnnyHead, repeats: int) -> dict[str, float]:
    """Median seconds of each piece of work."""
    import numpy as np

    rng = np.random.default_rng(0)
    identity = torch.from_numpy(np.stack([sample(rng, head.identity_names) for _ in range(16)]))
    expression = torch.rand(16, 2, 12)
    camera = Perspective(torch.tensor([8.0]), torch.tensor([1.1]), torch.tensor([[0.0, 0.2]]))
    light = ambient(torch.full((1, 3), 0.4)) + directional(torch.tensor([[0.4, 0.5, 1.0]]), torch.full((1, 3), 0.7))
    neutral = head(identity)
    vertices = neutral[:1]
    landmarks = to_pixels(camera.project(head.landmarks(vertices)), 256, 256)[0, :, :2].numpy()
    return {
        "16 people": median(lambda: head(identity), repeats),
        "16 expressions": median(lambda: head.express(neutral, expression), repeats),
        "head and picture, 128 px": median(
            lambda: render(head, head(identity[:1], expression[:1]), camera, light, size=128), repeats
        ),
        "picture, 128 px": median(lambda: render(head, vertices, camera, light, size=128), repeats),
        "picture, 512 px": median(lambda: render(head, vertices, camera, light, size=512), repeats),
        "fit to 68 points": median(lambda: fit(landmarks, size=(256, 256)), repeats),
    }


def pairs(count: int) -> None:
    """Finished pairs a second: made by every core, and read back from the cache."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        faces = SyntheticFaces(count, size=128, pairs="expression", cache=folder)
        started = time.perf_counter()
        faces.warm(workers=os.cpu_count() or 1)
        made = time.perf_counter() - started
        started = time.perf_counter()
        for i in range(count):
            faces[i]
        read = time.perf_counter() - started
    print(f"pairs of 128 px made      {count / made:8.1f} a second")
    print(f"pairs of 128 px from cache{count / read:8.1f} a second, {made / read:.0f} times as fast")


def median(work: Callable[[], object], repeats: int) -> float:
    """Median seconds of the work, after one run to warm up."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    main()
