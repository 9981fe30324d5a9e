"""What happens to pictures besides expressions: chance that `train_regressor.py` puts into its squares."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.measure.regressor import SIDE


@dataclass(frozen=True)
class Variation:
    """What chance does to both pictures of a pair: a small turn of the square (2, 3), a mirror, the light's (3,)."""

    jitter: np.ndarray
    mirror: bool
    gain: np.ndarray


def variation(rng: np.random.Generator) -> Variation:
    """One of them."""
    return Variation(jitter(rng), rng.random() < 0.5, np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.06, 3)))


def jitter(rng: np.random.Generator) -> np.ndarray:
    """A small change of size, angle and place (2, 3): faces are found a little off."""
    scale, angle = np.exp(rng.normal(0, 0.05)), np.radians(rng.normal(0, 3))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.full(2, (SIDE - 1) / 2)
    return np.column_stack([turn, middle - turn @ middle + rng.normal(0, 0.025 * SIDE, 2)])


def relight(picture: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """The picture (S, S, 3) uint8 under light `gain` (3,) times as strong; sRGB is taken as a power of 2.2."""
    levels = np.arange(256)[:, None] / 255 * gain ** (1 / 2.2)
    table = np.rint(np.clip(levels, 0, 1) * 255).astype(np.uint8)
    return cv2.LUT(picture, table.reshape(1, 256, 3))


def worsen(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What an autoencoder or a file makes of a picture: softness, noise, JPEG; half the pictures stay as they are."""
    if rng.random() < 0.4:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.2:
        noise = rng.normal(0, rng.uniform(2, 10), picture.shape)
        picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 90))]
        picture = np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture, quality)[1], cv2.IMREAD_COLOR))
    return picture
