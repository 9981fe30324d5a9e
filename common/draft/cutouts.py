"""Colours with and without alpha: what moves in a cut-out moves in premultiplied colours, so that no rim appears."""

from __future__ import annotations

import numpy as np

from ..images import to_uint8


def premultiplied(pixels: np.ndarray) -> np.ndarray:
    """Pixels as they can be moved and mixed.

    Args:
        pixels: (H, W, 3) uint8, or (H, W, 4) with straight alpha.

    Returns:
        Without alpha the same array; else (H, W, 4) float32 in bytes, colours times alpha.
    """
    if pixels.shape[2] == 3:
        return pixels
    values = pixels.astype(np.float32)
    values[..., :3] *= values[..., 3:] / 255
    return values


def straight(values: np.ndarray, own: np.ndarray) -> np.ndarray:
    """What `premultiplied` was made of.

    Args:
        values: (H, W, 3 or 4) float, in bytes.
        own: (H, W, 3 or 4) uint8, whose colours fully transparent pixels keep.

    Returns:
        (H, W, 3 or 4) uint8.

    Raises:
        ImageError: NaN or infinite values.
    """
    if values.shape[2] == 3:
        return to_uint8(values, 255)
    alpha = values[..., 3:].clip(0, 255)
    made = to_uint8(np.concatenate([values[..., :3] * (255 / alpha.clip(0.5, None)), alpha], 2), 255)
    made[..., :3] = np.where(made[..., 3:] > 0, made[..., :3], own[..., :3])
    return made


def brightened(values: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Colours of premultiplied values (H, W, 3 or 4) times a gain (H, W, 3); alpha stays."""
    if values.shape[2] == 3:
        return values * gain
    return np.concatenate([values[..., :3] * gain, values[..., 3:]], 2)


def painted(colours: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Colours (H, W, 3) in bytes as premultiplied values with the alpha of others (H, W, 3 or 4), if they have one."""
    if values.shape[2] == 3:
        return colours
    return np.concatenate([colours * (values[..., 3:] / 255), values[..., 3:]], 2)
