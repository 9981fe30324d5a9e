"""Warps, without any network: each action unit at five intensities, then other light and other poses.

    python examples/warps.py --output out/warps.jpg
    python examples/warps.py --photo mine.jpg yours.jpg --output out/ours.jpg

Without --photo: NASA's portrait of Eileen Collins, in the public domain, from scikit-image (extra `demo`), and two
people who do not exist.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from photograph import astronaut, close_up
from PIL import Image

from common.cli.console import guarded
from rigface import ACTION_UNITS, Light, Pose, RigEdit, RigFace, Row, contact_sheet, save_image

PORTRAITS = Path(__file__).with_name("portraits")
LEVELS = (1, 2, 3, 4, 5)
REQUESTS = {unit: {f"{level}": RigEdit(expression={unit: level}) for level in LEVELS} for unit in ACTION_UNITS} | {
    "light from the side": {f"{each} degrees": RigEdit(light=Light(each)) for each in (-70, -35, 0, 35, 70)},
    "yaw": {f"{each} degrees": RigEdit(pose=Pose(each)) for each in (-14, -7, 0, 7, 14)},
    "pitch": {f"{each} degrees": RigEdit(pose=Pose(pitch=each)) for each in (-12, -6, 0, 6, 12)},
}


def main() -> int:
    """Writes a sheet, and says how long a request took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", nargs="*", help="picture files (default: see above)")
    parser.add_argument("--requests", nargs="*", choices=list(REQUESTS), default=list(REQUESTS), help="(default: all)")
    parser.add_argument("--side", type=int, default=128, help="of each picture in pixels (default: 128)")
    parser.add_argument("--output", type=Path, default=Path("out/warps.jpg"), help="(default: out/warps.jpg)")
    args = parser.parse_args()
    editor = RigFace.warping()
    rows: dict[str, list[Image.Image]] = {name: [] for name in args.requests}
    count, seconds = 0, 0.0
    for photo in args.photo or [astronaut(), *(PORTRAITS / f"{name}.jpg" for name in ("calm", "frown"))]:
        subject = editor.encode(photo)
        for name, row in rows.items():
            started = time.perf_counter()
            edits = editor.edit(subject, list(REQUESTS[name].values()))
            count, seconds = count + len(edits), seconds + time.perf_counter() - started
            row += [close_up(subject, picture) for picture in (subject.photo, *edits)]
    words = {name: ["photo", *REQUESTS[name]] for name in rows}
    sheet = [Row(row, words[name] * (len(row) // len(words[name])), name) for name, row in rows.items()]
    save_image(contact_sheet(sheet, args.side), args.output)
    print(f"{args.output}: {count} warps, {seconds / count:.2f} s each")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
