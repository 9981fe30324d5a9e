"""Running a segmentation network on a crop: what the BiSeNet and SegFormer parsers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from ..core.finite import check_finite
from .labels import check_crop

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """How a network wants its pictures."""

    size: tuple[int, int]  # height and width
    mean: Sequence[float] = IMAGENET_MEAN  # is subtracted from each channel
    std: Sequence[float] = IMAGENET_STD  # divides it
    scale: float = 1 / 255  # multiplies the bytes before


class NetworkParser:
    """A parser that is a segmentation network; it looks at the crop alone.

    Args:
        network: maps normalised pictures (1, 3, h, w) to logits (1, classes, h', w') of any size.
        table: the index into `labels.PARTS` of each of its classes, (classes,) uint8.
        device: where the network lies.
        preprocessing: how it wants its pictures.
    """

    def __init__(
        self,
        network: Callable[[torch.Tensor], torch.Tensor],
        table: np.ndarray,
        device: str,
        preprocessing: Preprocessing,
    ) -> None:
        self.network, self.table, self.device, self.preprocessing = network, table, device, preprocessing

    @torch.inference_mode()
    def parse(
        self, crop: np.ndarray, *, outline: np.ndarray | None = None, landmarks: np.ndarray | None = None
    ) -> np.ndarray:
        """See `Parser.parse`; outline and landmarks are not needed. Raises InputError or ShapeError for a crop that is
        not (H, W, 3) uint8, NonFiniteError where the network makes NaN or infinity of it.
        """
        check_crop(crop)
        height, width = crop.shape[:2]
        wanted = self.preprocessing
        shrinks = wanted.size[0] * wanted.size[1] < height * width
        fed = crop
        if (height, width) != wanted.size:
            fed = cv2.resize(crop, wanted.size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        mean, std = np.asarray(wanted.mean, np.float32), np.asarray(wanted.std, np.float32)
        normalised = (fed.astype(np.float32) * np.float32(wanted.scale) - mean) / std  # (h, w, 3)
        answer = self.network(torch.from_numpy(normalised).permute(2, 0, 1)[None].to(self.device)).float()
        check_finite(answer, "The face parser's logits", {"the face parser": self.network})
        logits = F.interpolate(answer, (height, width), mode="bilinear", align_corners=False)
        return self.table[logits[0].argmax(0).cpu().numpy()]
