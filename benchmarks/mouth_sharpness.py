"""Sharpness of mouths that are edited by the warp: does an edit smear teeth and lips?

    python benchmarks/mouth_sharpness.py photos/ --request "happy, AU26=2"

Prints, for each picture of a folder, the mean absolute Laplacian in the mouth's box of the edit over that of the photo,
then the minimum and the median. 1 is as sharp as the photo; a blurred mouth has less than 0.85.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from common.core.errors import FaceNotFoundError
from common.imaging.images import ImageLike, rgb
from magicface import MagicFace

REQUEST = "happy, AU26=2"
_MOUTH = slice(48, 68)  # iBUG
_MARGIN = 0.1  # of the mouth's width, beside it
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


def sharpness(photo: np.ndarray, edit: np.ndarray, mouth: np.ndarray) -> float:
    """How sharp an edit's mouth is, 1 for as sharp as the photo's.

    Args:
        photo: (H, W, 3) uint8, RGB.
        edit: (H, W, 3) uint8.
        mouth: (N, 2) landmarks of the photo's mouth, pixels.
    """
    margin = _MARGIN * float(np.ptp(mouth[:, 0]))
    x0, y0 = np.floor(mouth.min(0) - margin).astype(int).clip(0)
    x1, y1 = np.ceil(mouth.max(0) + margin).astype(int) + 1
    details = [
        np.abs(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_32F))[y0:y1, x0:x1].mean()
        for picture in (edit, photo)
    ]
    return float(details[0] / max(details[1], 1e-6))


def measure(editor: MagicFace, photo: ImageLike, request: str = REQUEST) -> float:
    """The sharpness of one edit of the largest face of a photo.

    Args:
        editor: from `MagicFace.warping()`.
        photo: see `common.imaging.images.read_image`.
        request: action units or an expression.

    Raises:
        FaceNotFoundError: there is no face.
    """
    subject = editor.encode(photo)
    if subject.face is None:
        raise FaceNotFoundError("The photo shows no face.")
    edit = np.asarray(editor.edit(subject, request).convert("RGB"))
    return sharpness(rgb(subject.photo), edit, subject.face.landmarks[_MOUTH])


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of photos")
    parser.add_argument("--request", default=REQUEST, help="action units or an expression")
    args = parser.parse_args()
    photos = sorted(path for path in args.folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    editor = MagicFace.warping()
    found: list[float] = []
    print(f"{'photo':32} sharpness")
    for path in photos:
        try:
            with Image.open(path) as image:
                value = measure(editor, image.convert("RGB"), args.request)
        except FaceNotFoundError:
            print(f"{path.name:32} no face")
            continue
        found.append(value)
        print(f"{path.name:32} {value:9.2f}", flush=True)
    if found:
        print(f"{'minimum':32} {min(found):9.2f}\n{'median':32} {statistics.median(found):9.2f}")


if __name__ == "__main__":
    main()
