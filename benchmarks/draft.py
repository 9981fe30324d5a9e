"""Cost of warps: the fit of a photo once, then each request, beside an edit by the small networks, side by side.

    python benchmarks/draft.py --size 512 --repeats 5

The ways take turns; ratios are medians of the ratios within a turn: read them, not the seconds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import cv2
import torch
from skimage.data import astronaut

from common.imaging.images import rgb
from common.warp.warp import Warp
from magicface import MagicFace
from rigface import Light, Pose, RigEdit, RigFace


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="side of the photo in pixels")
    parser.add_argument("--repeats", type=int, default=5, help="turns")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    photo = cv2.resize(astronaut(), (args.size, args.size), interpolation=cv2.INTER_CUBIC)
    small, warping = MagicFace.from_pretrained("embedded", device="cpu"), RigFace.warping()
    encoded, subject = small.encode(photo), warping.encode(photo)
    assert subject.face is not None
    face = subject.face

    def requested(**request) -> Callable[[], object]:
        return lambda: warping.edit(subject, RigEdit(**request))

    ways: dict[str, Callable[[], object]] = {
        "fit, once a photo": lambda: Warp.of(rgb(subject.photo), face),
        "expression": requested(expression={"AU12": 3, "AU26": 2}),
        "light": requested(light=Light(60)),
        "pose": requested(pose=Pose(12)),
        "all three": requested(expression={"AU12": 3}, light=Light(60), pose=Pose(12)),
        "small networks": lambda: small.edit(encoded, {"AU12": 3, "AU26": 2}, progress=False),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(args.repeats + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if turn:  # the first one fills caches
                seconds[name].append(time.perf_counter() - started)
    print(f"{args.size} px, {args.threads} threads, {args.repeats} turns")
    for name, found in seconds.items():
        ratio = statistics.median(own / other for own, other in zip(found, seconds["small networks"]))
        print(f"{name:20} {statistics.median(found):8.3f} s {ratio:8.2f} x the small networks' edit")


if __name__ == "__main__":
    main()
