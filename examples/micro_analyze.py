"""A photo gets a micro-expression, which is then read like anybody's: `python examples/micro_analyze.py [PHOTO]`.

The clip shows no more than a fifth of a smile. Writes the report of `microexpression analyze`, and its pictures side by
side.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from common.cli.console import guarded
from common.core.files import replace_file
from magicface import Row, contact_sheet, synthesize
from microexpression import Clip, analyze, write_report

SHOWN = {"onset": "onset", "apex": "apex", "flow": "flow", "strain": "strain", "seen": "what speaks for the class"}


def main() -> int:
    """Makes the clip, reads it, and draws what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", nargs="?", help="(default: NASA's portrait of Eileen Collins)")
    parser.add_argument("--unit", default="AU12", help="the action unit that it shows (default: AU12)")
    parser.add_argument("--apex", type=float, default=1.0, help="its intensity, of 5 (default: 1)")
    parser.add_argument("--frames", type=int, default=40, help="of the clip (default: 40)")
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder (default: out)")
    args = parser.parse_args()
    photo = args.photo or data.astronaut()[:256, 96:352]
    made = synthesize(photo, args.unit, args.apex, args.frames, engine="warp", watermark=False)
    frames = np.stack([np.asarray(frame) for frame in made.frames])
    found = analyze(Clip(frames, onset=made.onset, offset=made.offset, name=f"{args.unit} of {args.apex:g}"))
    page = write_report(found, args.output)
    pictures = [Image.open(args.output / f"{name}.png") for name in SHOWN]
    sheet = contact_sheet([Row(pictures, list(SHOWN.values()))], side=176)
    replace_file(args.output / "micro.jpg", lambda path: sheet.save(path, "JPEG", quality=90))
    print(f"{found.label}, {100 * found.confidence:.0f} %; apex at frame {found.clip.apex}, truly at {made.apex}")
    print(f"written: {page}")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
