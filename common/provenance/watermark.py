"""An invisible watermark: 32 bits in the pixels that stay when a file loses its metadata.

By RivaGAN (Zhang et al., "Robust Invisible Video Watermarking with Attention", arXiv 1909.01285) as the library
invisible-watermark has it, whose wheel holds both networks. All pictures bear the same 32 bits, which say "made by this
toolkit" and nothing about a person. What they survive is measured by `benchmarks/watermark.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np

from ..core.errors import MissingDependencyError
from ..core.notices import native
from ..imaging.images import to_uint8

BITS = 32
MESSAGE = tuple(int(bit) for bit in f"{0xB6D2594E:032b}")
"""Half of them ones, in no pattern that plain surfaces have."""
ENOUGH = 28
"""Bits that must agree. One unmarked picture in 100,000 would have so many by chance at each size that is tried."""
SIDE = 256
"""Pixels of the shorter side at which a picture is marked: it is brought there, and only the difference that the mark
makes is brought back. Coarse as it is then, the mark survives what smooths a picture, and costs the same for all."""
STRENGTH = 0.6
"""Fraction of the mark that is kept: the whole one is visible in plain walls, and does not survive more."""
_STEPS = 64  # of a byte
FRACTIONS = (1.0, 0.85, 0.75, 0.6, 0.5)
"""Of the former shorter side that may be left of a picture that was cropped since: a mark is looked for at each."""

_LARGEST = 8  # grey levels that the mark changes a pixel by at most
_PASSES = 3  # of the network in `unmarked`; more do not come nearer
_ROUNDING = 0.9  # grey levels; 0.5 is the rounding of a saved picture, the rest that of the mark itself
_AROUND = 15  # pixels


@dataclass(frozen=True)
class Mark:
    """What was found.

    `agreeing` of the 32 bits are those of `MESSAGE`; about 16 where there is no mark.
    """

    agreeing: int

    @property
    def found(self) -> bool:
        """Whether that is more than chance."""
        return self.agreeing >= ENOUGH


def mark(pixels: np.ndarray) -> np.ndarray:
    """The picture (H, W, 3) uint8 RGB with the mark. Raises MissingDependencyError: the library is not installed; the
    message says how it is, and how to do without.
    """
    return cv2.addWeighted(pixels, 1, _change(pixels), 1 / _STEPS, 0, dtype=cv2.CV_8U)


def unmarked(pixels: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
    """A marked picture without its mark, for measurements; the mark alone costs about 45 dB.

    The network that marks a picture depends little on a mark that is there already, so that the picture is found by
    repetition. Where the picture `before` the edit is known, and marking it gives the marked picture, the pixels are
    exactly those of `before`; elsewhere they are right to within about one grey level. All pictures are (H, W, 3)
    uint8 RGB. Raises MissingDependencyError: see `mark`.
    """
    marked = pixels.astype(np.int16)
    if before is None:
        found = pixels
    else:
        near = np.abs(marked - before).max(2, keepdims=True) <= _LARGEST
        found = np.where(near, before, pixels)
    kernel = np.ones((_AROUND, _AROUND), np.uint8)
    for _ in range(_PASSES):
        change = _change(found).astype(np.float32) / _STEPS
        # black and white stay where the change would have led beyond them
        beyond = ((marked == 255) & (change >= 0)) | ((marked == 0) & (change <= 0))
        found = to_uint8(np.where(beyond, marked, marked - change), 255)
        if before is not None:
            # Pixels that were not edited differ by rounding alone; where one differs by more, those around it do too.
            apart: Any = (np.abs(marked - (before + change).clip(0, 255)) > _ROUNDING).any(2)
            found = np.where(cv2.dilate(apart.astype(np.uint8), kernel)[..., None] > 0, found, before)
    return found


def _change(pixels: np.ndarray) -> np.ndarray:
    """What marking adds to a picture (H, W, 3) uint8: int16, in `_STEPS` to a grey level.

    Whole numbers in fine steps are resized and added several times as fast as floats.
    """
    encoder = _library().WatermarkEncoder()
    encoder.set_watermark("bits", list(MESSAGE))
    small = _resized(pixels, SIDE / min(pixels.shape[:2]))
    change = encoder.encode(np.ascontiguousarray(small[..., ::-1]), "rivaGan")[..., ::-1].astype(np.float32) - small
    change = np.rint(STRENGTH * _STEPS * change).astype(np.int16)
    if change.shape != pixels.shape:
        way = cv2.INTER_AREA if len(change) > len(pixels) else cv2.INTER_CUBIC
        change = cv2.resize(change, pixels.shape[1::-1], interpolation=way)
    return change


def look(pixels: np.ndarray) -> Mark:
    """The best agreement at any of `FRACTIONS` in pixels (H, W, 3) uint8 RGB. Raises as `mark`."""
    decoder, best, own = _library().WatermarkDecoder("bits", BITS), 0, SIDE / min(pixels.shape[:2])
    for fraction in FRACTIONS:
        small = _resized(pixels, own * fraction)
        more = [(0, max(0, SIDE - side)) for side in small.shape[:2]]
        small = np.pad(small, [*more, (0, 0)], "wrap")  # smaller ones the network does not take
        bits = np.asarray(decoder.decode(np.ascontiguousarray(small[..., ::-1]), "rivaGan"))
        best = max(best, int((bits == MESSAGE).sum()))
        if best >= ENOUGH:
            break
    return Mark(best)


@cache
def _library() -> Any:
    try:
        with native():  # onnxruntime reports that it cannot keep an identifier, where the home folder is read-only
            import imwatermark

            imwatermark.WatermarkEncoder.loadModel()
    except ImportError as error:
        raise MissingDependencyError(
            "invisible-watermark",
            "the invisible watermark (--no-watermark saves without one)",
            "pip install --no-deps invisible-watermark==0.2.0 && pip install PyWavelets onnxruntime",
        ) from error
    return imwatermark


def _resized(pixels: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return pixels
    size = tuple(max(1, round(side * scale)) for side in pixels.shape[1::-1])
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
