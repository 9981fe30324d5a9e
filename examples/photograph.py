"""A photograph edited as `edit` edits it: by the published networks where they were fetched, else by the warp.

    python examples/photograph.py --output out/photograph.jpg
    python examples/photograph.py --photo mine.jpg --engine diffusion --output out/mine.jpg

Without --photo: NASA's portrait of Eileen Collins, in the public domain, from scikit-image (extra `demo`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PIL import Image

from common.cli.console import guarded
from common.core.errors import MissingDependencyError
from common.imaging.images import ImageLike
from magicface import AUDelta, MagicFace, Row, Subject, contact_sheet, save_image

REQUESTS = {
    "AU1=4, AU2=4": {"AU1": 4, "AU2": 4},
    "AU4=4, AU9=3": {"AU4": 4, "AU9": 3},
    "AU12=4, AU6=3": {"AU12": 4, "AU6": 3},
    "AU15=4, AU17=3": {"AU15": 4, "AU17": 3},
    "AU26=4, AU25=3": {"AU26": 4, "AU25": 3},
}
SIDE, AROUND = 256, 0.8


def main() -> int:
    """Writes a strip: the photo and an edit for each request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", help="a picture file (default: scikit-image's astronaut)")
    parser.add_argument("--model", help="folder of a model (default: the published one; without it, the warp)")
    parser.add_argument("--engine", choices=("diffusion", "warp"), help="(default: as edit() chooses)")
    parser.add_argument("--output", type=Path, default=Path("out/photograph.jpg"), help="(default: out/photograph.jpg)")
    args = parser.parse_args()
    editor = MagicFace.from_pretrained(args.model)
    subject = editor.encode(args.photo or astronaut())
    edits = editor.edit(
        subject, [AUDelta.parse(request) for request in REQUESTS.values()], engine=args.engine, progress=False
    )
    row = Row([close_up(subject, picture) for picture in (subject.photo, *edits)], ["photo", *REQUESTS])
    save_image(contact_sheet([row], SIDE), args.output)
    print(args.output)
    return 0


def close_up(subject: Subject, picture: Image.Image) -> Image.Image:
    """The square around the subject's face, cut out of the photo or of an edit of it."""
    assert subject.face is not None  # a photo's subject has one
    x0, y0, x1, y1 = subject.face.box
    side = round(2 * AROUND * max(x1 - x0, y1 - y0))
    left, top = round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2)
    return picture.crop(clipped((left, top, left + side, top + side), picture.size))


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
