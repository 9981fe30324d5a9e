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
    """Colours of premultiplied values (H, W, 3 or 4) after a gain (H, W, 3) of light; alpha stays.

    More light fills what is left to white, as film does, 1 - (1 - v)^gain, so that pale skin and white cloth do not
    burn out; dark values are multiplied all the same.
    """
    colours = values[..., :3].astype(np.float32)
    white = np.float32(255) if values.shape[2] == 3 else values[..., 3:].clip(1e-3, None)
    free = (1 - colours / white).clip(0, 1)
    lit = np.where(gain > 1, white * (1 - free ** gain.clip(1, None)), colours * gain)
    return lit if values.shape[2] == 3 else np.concatenate([lit, values[..., 3:]], 2)


def painted(colours: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Colours (H, W, 3) in bytes as premultiplied values with the alpha of others (H, W, 3 or 4), if they have one."""
    if values.shape[2] == 3:
        return colours
    return np.concatenate([colours * (values[..., 3:] / 255), values[..., 3:]], 2)
