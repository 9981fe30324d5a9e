"""Photos become a data set of labelled micro-expressions, which `microexpression` reads.

    python examples/edit_micro_clips.py photos/ --output faces/edited
    python -m microexpression train --model ststnet --data faces --datasets studio --extra edited --mix 1 -o out

Each photo is one subject, named as its file; its clips take turns among three emotions, with action units and
intensities drawn by chance, and are cut to the face. A clip that is there already is not made again.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.cli.console import guarded
from common.faces import get_detector
from common.imaging.clip_dataset import FRAMES
from common.imaging.videos import pictures_of
from magicface import synthesize
from microexpression.clips import cut_face
from microexpression.synthetic import EXPRESSIONS, INTENSITY


def main() -> int:
    """Edits what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of portraits, one of each person")
    parser.add_argument("--output", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--clips", type=int, default=9, help="of each photo (default: 9)")
    parser.add_argument("--frames", type=int, default=40, help="of a clip (default: 40)")
    parser.add_argument("--apex", type=float, nargs=2, default=INTENSITY, metavar=("LOW", "HIGH"), help="intensity")
    parser.add_argument("--noise", type=float, default=2.0, help="deviation of the sensor's noise, of 255 (default: 2)")
    parser.add_argument("--engine", choices=("diffusion", "warp"), help="see magicface.edit")
    parser.add_argument("--seed", type=int, default=0, help="of all")
    args = parser.parse_args()
    photos = pictures_of(args.photos)
    rows = [(place, photo, number) for place, photo in enumerate(photos) for number in range(args.clips)]
    for place, photo, number in tqdm(rows, desc="Editing", unit="clip"):
        name = f"clip{number + 1:02d}"
        if (args.output / FRAMES.format(subject=photo.stem, clip=name)).is_dir():
            continue
        rng = np.random.default_rng([args.seed, place, number])
        emotion = [*EXPRESSIONS][number % len(EXPRESSIONS)]
        units = EXPRESSIONS[emotion][int(rng.integers(len(EXPRESSIONS[emotion])))]
        made = synthesize(
            photo, units, apex=float(rng.uniform(*args.apex)), frames=args.frames, noise=args.noise, seed=number,
            engine=args.engine, watermark=False, progress=False,
        )  # fmt: skip
        pixels = cut_face(np.stack([np.asarray(frame) for frame in made.frames]), get_detector(), photo.name)
        pictures = [Image.fromarray(each) for each in pixels]
        for picture, frame in zip(pictures, made.frames):
            picture.info = frame.info  # which says that it is synthetic
        replace(made, frames=pictures).save(args.output, photo.stem, name, emotion)
    print(f"complete: {args.output}")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
