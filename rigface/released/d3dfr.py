"""D3DFR: a face's coefficients in the Basel face model, after Deng et al. 2019 (arXiv 1903.08527).

Of its 261 numbers the released RigFace reads the 64 of expression; `common.face3d.heads.bfm` names the
others. No file of the Basel face model is needed for that.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from common.core.finite import check_finite
from common.faces.affine import sample
from common.parsing.conditioning import FIVE_POINTS, FRAME, similarity

from .networks import FEATURES, PublishedNetwork, ResNet50

HEADS = (80, 64, 80, 3, 27, 2, 1, 4)  # identity, expression, texture, angles, light, shift in x and y, in z, gaze
EXPRESSION = slice(HEADS[0], HEADS[0] + HEADS[1])


class D3dfr(PublishedNetwork):
    """ResNet-50 without batch normalisation, and a 1x1 convolution for each group of coefficients."""

    source = "utils/checkpoints/third_party/d3dfr_res50_nofc.pth of the hub repository mengtingwei/magicface"

    def __init__(self) -> None:
        super().__init__()
        self.backbone = ResNet50(norm=False)
        self.fianl_layers = nn.ModuleList(nn.Conv2d(FEATURES, size, 1) for size in HEADS)  # so spelled in the file

    def forward(self, images: Tensor) -> Tensor:
        """The coefficients.

        Args:
            images: (B, 3, 256, 256) RGB in [-1, 1], faces aligned by `align`; other sizes from 32 up work too.

        Returns:
            (B, 261), for `common.face3d.heads.bfm.split_coefficients`.
        """
        features = self.backbone(images)[:, :, None, None]
        return torch.cat([layer(features) for layer in self.fianl_layers], 1).flatten(1)

    @torch.no_grad()
    def read(self, photo: np.ndarray, points: np.ndarray) -> Tensor:
        """The coefficients (261,) of the face with the five points (5, 2) in a photo (H, W, 3) uint8."""
        picture, _ = align(photo, points)
        images = torch.from_numpy(picture).to(next(self.parameters()).device).movedim(2, 0)[None]
        coefficients = self(images / 127.5 - 1)[0]
        check_finite(coefficients, "The coefficients of the face", {"D3DFR": self})
        return coefficients


def align(photo: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The photo turned, scaled and shifted so that its five points are closest to the network's.

    Args:
        photo: (H, W, 3) uint8, RGB.
        points: (5, 2) eyes, nose, mouth corners in photo pixels, see `common.faces.Face.points`.

    Returns:
        The picture (256, 256, 3) uint8, bilinear and black beside the photo, and the matrix (2, 3) from photo to it.

    Raises:
        InputError: the points fall together.
    """
    matrix = similarity(np.asarray(points, np.float64), FIVE_POINTS)
    return sample(photo, matrix, (FRAME, FRAME)), matrix
