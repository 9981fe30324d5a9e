"""Clips of another length: the temporal interpolation model (TIM, Zhou, Zhao & Pietikainen 2011, CVPR)."""

from __future__ import annotations

import numpy as np

from common.errors import InputError
from common.images import to_uint8


def interpolate(frames: np.ndarray, count: int) -> np.ndarray:
    """A clip of `count` frames, the first and the last as they were: (T, ...) -> (count, ...), of the same type.

    TIM lays frames along a curve, sines of rising frequency, by the graph of their order. Where frames are linearly
    independent, its embedding undoes itself, and what is left is a fixed weight of each frame: those of `weights`.

    Args:
        frames: (T, ...), uint8 or floats, T at least 2.
        count: at least 2.

    Raises:
        InputError: too few frames.
    """
    if len(frames) < 2 or count < 2:
        raise InputError(f"TIM needs two frames and makes two at least; got {len(frames)}, asked for {count}.")
    made = np.tensordot(weights(len(frames), count), frames.astype(np.float64), 1)
    if frames.dtype == np.uint8:
        return to_uint8(made, 255)
    return made.astype(frames.dtype)


def weights(length: int, count: int) -> np.ndarray:
    """(count, length): how much each frame of a clip counts in each new one; rows sum to 1."""
    orders = np.arange(1, length)

    def curve(times: np.ndarray) -> np.ndarray:  # (len(times), length - 1), eq. 3 of the paper, t from 1/n to 1
        return np.sin(np.pi * orders * times[:, None] + np.pi * (length - orders) / (2 * length))

    own = curve(np.arange(1, length + 1) / length)
    back = np.linalg.pinv(own - own.mean(0))  # (length - 1, length)
    asked = curve(np.linspace(1 / length, 1, count)) - own.mean(0)
    return asked @ (back - back.mean(1, keepdims=True)) + 1 / length
