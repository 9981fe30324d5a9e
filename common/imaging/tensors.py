"""Pictures as networks take them, and back."""

from __future__ import annotations

import numpy as np
import torch

from .images import to_uint8


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """(H, W, 3) uint8 -> (3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float() / 255


def to_pixels(image: torch.Tensor) -> np.ndarray:
    """(3, H, W) float in [0, 1] -> (H, W, 3) uint8; raises as `common.imaging.images.to_uint8`."""
    return to_uint8(image.detach().float().permute(1, 2, 0).cpu().numpy())
