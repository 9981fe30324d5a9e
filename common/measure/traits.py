"""Reads what a caption says of a person: the hair's colour, glasses, a beard.

A small network of our own, trained by `examples/train_traits.py` on synthetic faces only: it is there to measure
pictures of such faces, not people.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..core.finite import check_finite
from ..faces import Face, FaceDetector, choose_face, get_detector
from ..imaging.images import ImageLike, read_image, rgb
from ..weights.state_dict import frozen
from .regressor import Block, level, square, to_input

TRAITS: dict[str, tuple[str, ...]] = {
    "hair": ("black", "brown", "blond", "red", "grey", "dyed"),
    "glasses": ("none", "clear", "dark"),
    "beard": ("none", "stubble", "moustache", "beard"),
}
"""Trait -> what it can be."""
SIDE = 64  # pixels of the square
WEIGHTS = Path(__file__).with_name("traits.safetensors")
_REACH, _DOWN = 3.9, -0.1  # the square holds chin and hair, see `level`
_WIDTHS = (24, 48, 96, 128)


class Network(nn.Module):
    """A residual network on squares (B, 3, SIDE, SIDE) in [-1, 1] -> trait -> (B, classes), logits."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, _WIDTHS[0], 5, 2, 2, bias=False), nn.BatchNorm2d(_WIDTHS[0]), nn.ReLU())
        self.blocks = nn.Sequential(*(Block(a, b, 2) for a, b in pairwise(_WIDTHS)))
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(_WIDTHS[-1] * (SIDE // 16) ** 2, 128), nn.ReLU())
        self.heads = nn.ModuleDict({name: nn.Linear(128, len(classes)) for name, classes in TRAITS.items()})

    def forward(self, squares: torch.Tensor) -> dict[str, torch.Tensor]:
        """See the class."""
        features = self.hidden(self.blocks(self.stem(squares)))
        return {name: head(features) for name, head in self.heads.items()}


class TraitReader:
    """Reads the traits of the largest face.

    Args:
        detector: of the face; None is "mediapipe".
        weights: a file that `examples/train_traits.py` wrote; None is the one that comes with this package.
    """

    def __init__(self, detector: FaceDetector | None = None, weights: str | Path | None = None) -> None:
        self.detector = detector or get_detector("mediapipe")
        self.network = frozen(Network(), Path(weights or WEIGHTS))

    def __call__(self, image: ImageLike, face: Face | None = None) -> dict[str, str]:
        """Trait -> what it is, one of `TRAITS`.

        Args:
            image: anything that `read_image` reads.
            face: where the face is, if that is known.

        Raises:
            ImageError: it is no picture.
            FaceNotFoundError: it shows no face.
        """
        photo = rgb(read_image(image))
        face = face or choose_face(self.detector.find(photo))
        logits = self.network(to_input(head_square(photo, face.landmarks)[None]))
        check_finite(logits.values(), "The read traits", {"the trait reader": self.network})
        return {name: TRAITS[name][int(row.argmax())] for name, row in logits.items()}


def head_square(photo: np.ndarray, landmarks: np.ndarray, margin: int = 0) -> np.ndarray:
    """The square (SIDE, SIDE, 3) uint8 of a head, or one that shows so many pixels more on all sides."""
    side = SIDE + 2 * margin
    return square(photo, level(landmarks, side, _REACH * side / SIDE, _DOWN), side)
