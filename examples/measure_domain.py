"""Write down what the pictures are like that a small model was trained on, so that it knows photographs from them.

    python examples/measure_domain.py --cache out/pairs128 --output magicface/embedded rigface/embedded

Sources of synthetic pairs are found as photos are, their texture is measured (`common.domain`), and each output folder
gets a `domain.safetensors`. With --photos, says how many of the faces in these pictures are taken for photographs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common.cli import guarded
from common.domain import Domain, texture
from common.errors import FaceNotFoundError
from common.faces import choose_face, get_finder
from common.images import read_image, rgb
from common.synthetic.dataset import SyntheticFaces
from common.tensors import to_pixels


def main() -> int:
    """Measures, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", default="out/pairs128", help="folder of the pairs (default: out/pairs128)")
    parser.add_argument("--count", type=int, default=3000, help="pairs (default: 3000)")
    parser.add_argument("--people", type=int, default=8000, help="who take turns in them (default: 8000)")
    parser.add_argument("--seed", type=int, default=1, help="of the pairs (default: 1)")
    parser.add_argument("--share", type=float, default=0.75, help="of the pictures that count as known (default: 0.75)")
    parser.add_argument("--photos", nargs="*", default=[], help="pictures to try it on")
    parser.add_argument("--output", nargs="+", default=["out"], help="folders (default: out)")
    args = parser.parse_args()
    return guarded(lambda: run(args))


def run(args: argparse.Namespace) -> int:
    """See the module."""
    faces = SyntheticFaces(
        args.count, size=128, seed=args.seed, pairs="expression", people=args.people, cache=args.cache, names=["image"]
    )
    finder, known = get_finder("mediapipe"), []
    for index in tqdm(range(len(faces)), unit="picture"):
        photo = to_pixels(faces[index]["source"]["image"])
        try:
            known.append(texture(photo, choose_face(finder.find(photo)).outline))
        except FaceNotFoundError:
            continue
    domain = Domain.of(np.array(known), args.share)
    for folder in map(Path, args.output):
        folder.mkdir(parents=True, exist_ok=True)
        domain.write(folder)
    told = [
        not domain.holds(photo, face.outline)
        for photo in (rgb(read_image(path)) for path in args.photos)
        for face in finder.find(photo)
    ]
    print(f"limit {domain.limit:.1f}; taken for photographs: {sum(told)} of {len(told)} faces")
    return 0


if __name__ == "__main__":
    sys.exit(main())
