"""A photograph edited with what is at hand: by the published weights, else as its draft.

    python examples/photograph.py --output out/photograph.jpg
    python examples/photograph.py --photo mine.jpg --engine diffusion --output out/mine.jpg

Without --photo: NASA's portrait of Eileen Collins, in the public domain, from scikit-image (extra `demo`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import guarded
from common.errors import MissingDependencyError
from common.images import ImageLike, read_image, save_image
from common.sheets import Row, contact_sheet
from magicface import MagicFace

WISHES = {
    "AU1=4, AU2=4": {"AU1": 4, "AU2": 4},
    "AU4=4, AU9=3": {"AU4": 4, "AU9": 3},
    "AU12=4, AU6=3": {"AU12": 4, "AU6": 3},
    "AU15=4, AU17=3": {"AU15": 4, "AU17": 3},
    "AU26=4, AU25=3": {"AU26": 4, "AU25": 3},
}
SIDE, AROUND = 256, 0.8


def main() -> int:
    """Writes a strip: the photo and an edit for each wish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", help="a picture file (default: scikit-image's astronaut)")
    parser.add_argument("--model", help="folder of a model (default: the published one; else the draft)")
    parser.add_argument("--engine", choices=("diffusion", "draft"), help="(default: as edit() chooses)")
    parser.add_argument("--output", type=Path, default=Path("out/photograph.jpg"), help="(default: out/photograph.jpg)")
    args = parser.parse_args()
    editor = MagicFace.from_pretrained(args.model)
    subject = editor.encode(args.photo or astronaut())
    edits = editor.edit(subject, list(WISHES.values()), engine=args.engine, progress=False)
    assert subject.face is not None  # an error, were none found
    x0, y0, x1, y1 = subject.face.box
    reach, (x, y) = AROUND * max(x1 - x0, y1 - y0), ((x0 + x1) / 2, (y0 + y1) / 2)
    pictures = [read_image(subject.photo), *edits]
    box = clipped((x - reach, y - reach, x + reach, y + reach), pictures[0].size)
    row = Row([picture.crop(box) for picture in pictures], ["photo", *WISHES])
    save_image(contact_sheet([row], SIDE), args.output)
    print(args.output)
    return 0


def clipped(box: tuple[float, ...], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The box moved into the picture, and cut where it is larger than that."""
    left, top, right, bottom = box
    width, height = min(right - left, size[0]), min(bottom - top, size[1])
    left, top = min(max(left, 0), size[0] - width), min(max(top, 0), size[1] - height)
    return left, top, left + width, top + height


def astronaut() -> ImageLike:
    """A photograph that may be shown."""
    try:
        from skimage.data import astronaut as picture
    except ImportError as error:
        raise MissingDependencyError("scikit-image", "The picture", 'pip install "face-rig[demo]"') from error
    return picture()


if __name__ == "__main__":
    sys.exit(guarded(main))
