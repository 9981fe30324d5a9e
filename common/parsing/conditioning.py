"""The background as conditioning image of an editor: the photo with the person painted out, and the pose hint.

The hint is 17 coloured dots along the jaw, which show the denoiser where the head looks.
Drawn as the authors drew them, blockiness included, because the published weights learned to read just these dots: in
a 256 x 256 frame aligned by five points, at whole pixels, then warped back into the crop.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..core.errors import InputError, ShapeError
from .labels import Region, check_crop, check_points, foreground

FRAME = 256
FIVE_POINTS = np.array([(92.59, 103.39), (163.06, 103.00), (128.05, 143.47), (99.10, 184.73), (157.46, 184.41)])
"""Where the eyes, the nose and the mouth's corners come to lie in the frame, (5, 2), x and y."""

JAW = 17
RADIUS = 2


def rainbow(entries: int = 70) -> np.ndarray:
    """Matplotlib's `rainbow` colour map at `entries` even steps, in its closed form over 256 levels: (entries, 3)
    uint8, red, green, blue, rounded down.
    """
    x = np.minimum(np.floor(np.linspace(0, 1, entries) * 256), 255) / 255
    colours = np.stack([np.abs(2 * x - 0.5), np.sin(np.pi * x), np.cos(np.pi * x / 2)], axis=1)
    return (colours.clip(0, 1) * 255).astype(np.uint8)


# The authors drew with OpenCV's blue-green-red in mind but saved red-green-blue: the pictures carry reversed channels.
COLOURS = rainbow()[:JAW, ::-1]
"""Colour of each jaw point in an RGB picture, (17, 3) uint8."""


def jaw_hint(landmarks: np.ndarray, points: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Draw the jaw line as coloured dots on black, (H, W, 3) uint8 RGB, for a crop of a side, or of a height and width.

    `landmarks` are the 68 (68, 2) in crop pixels; `points` are eyes, nose and mouth corners (5, 2), the eye and the
    corner on the picture's left first. Raises InputError where the points fall together or a coordinate is not finite,
    ShapeError for other numbers of them.
    """
    height, width = (size, size) if isinstance(size, int) else size
    to_frame = similarity(check_points("points", points, 5), FIVE_POINTS)
    jaw = check_points("landmarks", landmarks, 68)[:JAW] @ to_frame[:, :2].T + to_frame[:, 2]
    frame = np.zeros((FRAME, FRAME, 3), np.uint8)
    for (x, y), colour in zip(jaw, COLOURS.tolist(), strict=True):
        if -RADIUS <= x <= FRAME + RADIUS and -RADIUS <= y <= FRAME + RADIUS:
            cv2.circle(frame, (round(x), round(y)), RADIUS, colour, cv2.FILLED)
    return cv2.warpAffine(frame, to_frame, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The rotation, scale and shift (2, 3), float64, that bring points (N, 2) closest to others in the least-squares
    sense.

    As complex numbers a similarity is z -> a z + b, so a is one projection. Raises InputError where the source points
    fall together.
    """
    z, w = source @ (1, 1j), target @ (1, 1j)
    centred = z - z.mean()
    spread = np.vdot(centred, centred).real
    if spread < 1e-6:
        raise InputError("All points fall together.", code="duplicate", expected="points that differ from each other")
    a = np.vdot(centred, w) / spread
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def masked_background(
    crop: np.ndarray,
    labels: np.ndarray,
    landmarks: np.ndarray,
    points: np.ndarray,
    region: Region = "head",
    hint: bool = True,
    fill: int = 0,
) -> np.ndarray:
    """Paint the person out of a crop and draw the jaw line over it: (H, W, 3) uint8 RGB.

    The dots are added to the picture and the sum is clamped, so over the background they brighten what is there.
    `labels` (H, W) uint8 are the crop's face-parsing classes; landmarks and points, see `jaw_hint`, are looked at only
    for the hint; `region` says what counts as the person, see `foreground`; `fill` is the grey level of the painted
    part: 0 for MagicFace, 127 for RigFace, which wants no hint.

    Raises InputError for an unknown region, a crop that is not uint8, or points of no use; ShapeError for shapes that
    do not fit.
    """
    check_crop(crop)
    if labels.shape != crop.shape[:2]:
        raise ShapeError("labels", f"{crop.shape[:2]}, the crop's height and width", labels.shape)
    background = crop.copy()
    background[foreground(labels, region)] = fill
    if not hint:
        return background
    return cv2.add(background, jaw_hint(landmarks, points, crop.shape[:2]))
