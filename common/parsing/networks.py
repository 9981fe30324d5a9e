"""Running a segmentation network on a crop: what the BiSeNet and SegFormer parsers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from ..core.finite import check_finite
from .labels import check_crop

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@torch.inference_mode()
def classify(
    network: Callable[[torch.Tensor], torch.Tensor],
    crop: np.ndarray,
    *,
    size: tuple[int, int],
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    scale: float = 1 / 255,
    device: str = "cpu",
) -> np.ndarray:
    """Run a network, which maps normalised pictures (1, 3, h, w) to logits (1, classes, h', w') of any size, on a crop
    (H, W, 3) uint8 RGB, and take the most likely class of every pixel, (H, W) uint8.

    It is fed pictures of a `size`, height and width, whose values are multiplied by `scale`; then `mean` is subtracted
    from each channel, and `std` divides it. Raises InputError or ShapeError for another crop, NonFiniteError where the
    network makes NaN or infinity of it.
    """
    check_crop(crop)
    height, width = crop.shape[:2]
    shrinks = size[0] * size[1] < height * width
    fed = crop
    if (height, width) != size:
        fed = cv2.resize(crop, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    shift, divisor = np.asarray(mean, np.float32), np.asarray(std, np.float32)
    normalised = (fed.astype(np.float32) * np.float32(scale) - shift) / divisor  # (h, w, 3)
    images = torch.from_numpy(normalised).permute(2, 0, 1)[None].to(device)  # (1, 3, h, w)
    answer = network(images).float()
    check_finite(answer, "The face parser's answers", {"the face parser": network})
    logits = F.interpolate(answer, (height, width), mode="bilinear", align_corners=False)
    return logits[0].argmax(0).to(torch.uint8).cpu().numpy()


class NetworkParser:
    """A parser that is a segmentation network; it looks at the crop alone.

    Args:
        network: maps normalised pictures (1, 3, h, w) to logits (1, classes, h', w').
        table: the index into `labels.PARTS` of each of its classes, (classes,) uint8.
        device: where the network lies.
        preprocessing: how it wants its pictures, arguments of `classify`.
    """

    def __init__(
        self,
        network: Callable[[torch.Tensor], torch.Tensor],
        table: np.ndarray,
        device: str,
        preprocessing: dict[str, Any],
    ) -> None:
        self.network, self.table, self.device, self.preprocessing = network, table, device, preprocessing

    def parse(
        self, crop: np.ndarray, *, outline: np.ndarray | None = None, landmarks: np.ndarray | None = None
    ) -> np.ndarray:
        """See `Parser.parse`; outline and landmarks are not needed. Raises as `classify` does."""
        return self.table[classify(self.network, crop, device=self.device, **self.preprocessing)]
