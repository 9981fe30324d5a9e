"""Face parsing by our own small network: all 19 classes, on a machine that has no other weights.

It was trained by `examples/train_parser.py` on pictures of synthetic people only, half an hour on two CPU cores. On 160
others, intersection over union is 0.96 for the background, 0.95 clothes, 0.90 skin and neck, 0.84 hair, 0.77 glasses,
0.6 to 0.7 for eyes, brows, ears and lips. Photographs it extrapolates; on two portraits its person overlaps with that
of MagicFace's authors by 0.98 and 0.99.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..core.finite import check_finite
from ..weights.blocks import Block
from ..weights.state_dict import frozen
from .labels import PARTS, check_crop, check_points

SIDE = 128  # pixels of the square that the network sees
WEIGHTS = Path(__file__).with_name("parser.safetensors")
_WINDOW = 1.75  # side of that square in heights of the face's outline
_WIDTHS = (24, 40, 72, 120, 176)
_LEVELS = 127.5


class Network(nn.Module):
    """A U-Net (Ronneberger et al., 2015): squares (B, 4, SIDE, SIDE) of `to_input` to logits (B, 19, SIDE, SIDE)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(4, _WIDTHS[0], 3, 1, 1, bias=False), nn.BatchNorm2d(_WIDTHS[0]), nn.ReLU())
        self.down = nn.ModuleList([Block(a, b, 2) for a, b in pairwise(_WIDTHS)])
        self.deep = Block(_WIDTHS[-1], _WIDTHS[-1])
        self.up = nn.ModuleList([Block(a + b, a) for a, b in zip(_WIDTHS[-2:0:-1], _WIDTHS[:1:-1])])
        last = _WIDTHS[0] + _WIDTHS[1]
        self.head = nn.Sequential(
            nn.Conv2d(last, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, len(PARTS), 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        skips = [self.stem(x)]
        for block in self.down:
            skips.append(block(skips[-1]))
        x = self.deep(skips.pop())
        for block in self.up:
            skip = skips.pop()
            x = block(torch.cat([_grow(x), skip], 1))
        return self.head(torch.cat([_grow(x), skips.pop()], 1))


def _grow(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def window(outline: np.ndarray) -> np.ndarray:
    """From a picture to the network's square round a face's outline (N, 2), from chin to hairline: (2, 3)."""
    low, high = outline.min(0), outline.max(0)
    scale = SIDE / (_WINDOW * max(float((high - low).max()), 1.0))
    return np.column_stack([scale * np.eye(2), (SIDE - 1) / 2 - scale * (low + high) / 2])


def to_input(squares: np.ndarray, outlines: list[np.ndarray]) -> torch.Tensor:
    """What the network sees, (B, 4, SIDE, SIDE) in [-1, 1]: squares (B, SIDE, SIDE, 3) uint8 RGB, and where the face
    is, by outlines (N, 2) in their pixels.
    """
    faces = np.zeros((*squares.shape[:3], 1), np.uint8)
    for number, outline in enumerate(outlines):
        cv2.fillPoly(faces[number], [np.rint(outline).astype(np.int32)], 255)
    pictures = np.concatenate([squares, faces], 3).astype(np.float32) / _LEVELS - 1
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)


class EmbeddedParser:
    """Face parsing by the network inside the package, which looks at 128 x 128 pixels round the face."""

    name = "embedded"

    @torch.inference_mode()
    def parse(self, crop: np.ndarray, *, outline: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """See `Parser.parse`; the landmarks are not needed. Raises as the other parsers do: InputError for a crop that
        is not uint8 or a coordinate that is not finite, ShapeError for shapes that do not fit.
        """
        check_crop(crop)
        outline = check_points("outline", outline)
        matrix = window(outline)
        shrink = min(1.0, 2 * matrix[0, 0])  # averaged first: what follows looks at a few neighbours only
        small, (height, width) = crop, crop.shape[:2]
        if shrink < 1:
            small = cv2.resize(crop, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        scales = small.shape[1] / width, small.shape[0] / height
        fed = matrix / np.array([*scales, 1.0])
        fed[:, 2] += (matrix[[0, 1], [0, 1]] / scales - matrix[[0, 1], [0, 1]]) / 2  # centres of pixels
        square = cv2.warpAffine(small, fed, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        seen = to_input(square[None], [outline @ matrix[:, :2].T + matrix[:, 2]])
        answer = _network()(seen)[0]
        check_finite(answer, "The face parser's answers", {"the face parser": _network()})
        logits = answer.numpy()
        way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (width, height)
        back = [cv2.warpAffine(plane, matrix, size, flags=way, borderMode=cv2.BORDER_REPLICATE) for plane in logits]
        return np.argmax(back, 0).astype(np.uint8)


@lru_cache(maxsize=1)
def _network() -> Network:
    return frozen(Network(), WEIGHTS)
