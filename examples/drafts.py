"""Drafts of one photo, without any network: each action unit at five intensities, other light, other poses.

    python examples/drafts.py --output out/drafts.jpg
    python examples/drafts.py --photo mine.jpg --output out/mine.jpg

Without --photo: NASA's portrait of Eileen Collins, in the public domain, from scikit-image (extra `demo`).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from photograph import AROUND, astronaut, clipped

from common.action_units import ACTION_UNITS
from common.cli import guarded
from common.images import read_image, save_image
from common.sheets import Row, contact_sheet
from rigface import Light, Pose, RigFace, RigWish

LEVELS = (1, 2, 3, 4, 5)
SIDE = 160
OTHERS = {
    "light, azimuth": [RigWish(light=Light(azimuth)) for azimuth in (-70, -35, 0, 35, 70)],
    "pose, yaw": [RigWish(pose=Pose(yaw)) for yaw in (-14, -7, 0, 7, 14)],
    "pose, pitch": [RigWish(pose=Pose(pitch=pitch)) for pitch in (-12, -6, 0, 6, 12)],
}


def main() -> int:
    """Writes a sheet, and says how long a wish took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", help="a picture file (default: scikit-image's astronaut)")
    parser.add_argument("--units", nargs="*", default=list(ACTION_UNITS), help="which (default: all twelve)")
    parser.add_argument("--output", type=Path, default=Path("out/drafts.jpg"), help="(default: out/drafts.jpg)")
    args = parser.parse_args()
    editor = RigFace.drafting()
    subject = editor.encode(args.photo or astronaut())
    assert subject.face is not None  # an error, were none found
    x0, y0, x1, y1 = subject.face.box
    reach, (x, y) = AROUND * max(x1 - x0, y1 - y0), ((x0 + x1) / 2, (y0 + y1) / 2)
    photo = read_image(subject.photo)
    box = clipped((x - reach, y - reach, x + reach, y + reach), photo.size)
    wishes = {unit: [RigWish(expression={unit: level}) for level in LEVELS] for unit in args.units} | OTHERS
    started = time.perf_counter()
    rows = []
    for title, each in wishes.items():
        edits = editor.edit(subject, each)
        rows.append(Row([picture.crop(box) for picture in (photo, *edits)], ["photo", *map(str, each)], title))
    count = sum(map(len, wishes.values()))
    save_image(contact_sheet(rows, SIDE), args.output)
    print(f"{args.output}: {count} drafts, {(time.perf_counter() - started) / count:.2f} s each")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
