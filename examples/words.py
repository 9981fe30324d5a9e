"""Words for expressions, on a photograph and on somebody who does not exist; then a sweep, and what another one shows.

    python examples/words.py --output out/words.jpg
    python examples/words.py --photo mine.jpg --output out/mine.jpg

Without --photo: NASA's portrait of Eileen Collins, in the public domain, from scikit-image (extra `demo`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from photograph import astronaut

from common.cli.console import guarded
from magicface import Row, contact_sheet, edit, neutralize, read_image, save_image, sweep, transfer

WORDS = ("happy", "sad", "angry", "surprised", "disgusted", "afraid", "pain")
NOBODY = Path(__file__).with_name("portraits") / "frown.jpg"


def main() -> int:
    """Writes a sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, help="picture file (default: see above)")
    parser.add_argument("--side", type=int, default=144, help="of each picture in pixels (default: 144)")
    parser.add_argument("--output", type=Path, default=Path("out/words.jpg"), help="(default: out/words.jpg)")
    args = parser.parse_args()
    photo = read_image(args.photo) if args.photo else read_image(astronaut()).crop((110, 0, 366, 256))
    nobody = read_image(NOBODY)
    rows = [
        Row([each, *edit(each, list(WORDS), progress=False)], ["photo", *WORDS], title)
        for title, each in (("a photograph", photo), ("somebody who does not exist", nobody))
    ]
    levels = (-1, 0, 1, 2, 3, 4, 5)
    shown = sweep(photo, "AU26", levels, progress=False)
    labels = ["photo", *(f"AU26={level}" for level in levels)]
    rows.append(Row([photo, *shown.pictures[0]], labels, "sweep"))
    measured = [neutralize(photo, fraction=0.5, progress=False), neutralize(photo, progress=False), nobody]
    measured.append(transfer(nobody, photo, progress=False))
    labels = ["photo", "half neutral", "neutral", "another", "with the photo's expression"]
    rows.append(Row([photo, *measured], labels, "measured, and taken away or given"))
    save_image(contact_sheet(rows, args.side), args.output)
    print(args.output)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
