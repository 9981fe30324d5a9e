"""What a camera does to light: exposure, white balance, lens, sensor, tone curve, file."""

from __future__ import annotations

import cv2
import numpy as np

from ...core.errors import ShapeError
from ...imaging.images import to_uint8
from .factors import Capture

MID_GREY = 0.18
_KNEE = 0.5  # below, the tone curve is a straight line: known albedo and light stay in proportion
_READ = 0.25  # fraction of the noise's variance at mid-grey that does not depend on the light


def capture(linear: np.ndarray, factors: Capture) -> np.ndarray:
    """Take a picture of light (H, W, 3) float32, linear red, green and blue, 0 or more; may exceed 1.

    Returns (H, W, 3) uint8 sRGB; the same bytes for the same input.
    """
    if linear.ndim != 3 or linear.shape[2] != 3:
        raise ShapeError("linear", "(H, W, 3): linear light of red, green and blue", linear.shape)
    height, width = linear.shape[:2]
    light = linear.astype(np.float32) * (2.0**factors.exposure * balance(factors.warmth))
    if factors.vignette:
        light *= _vignette(height, width, factors.vignette)[..., None]
    if factors.blur:
        deviation = factors.blur * min(height, width) / 256
        light = cv2.GaussianBlur(light, (0, 0), deviation, borderType=cv2.BORDER_REPLICATE)
    if factors.noise:
        light = _noisy(light, factors)
    picture = to_uint8(to_srgb(tone(light, factors.contrast)))
    if factors.jpeg >= 100:
        return picture
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(factors.jpeg)])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1])


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """Linear light of sRGB values in [0, 1], any shape (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, (np.maximum(srgb, 0.04045) * (1 / 1.055) + 0.055 / 1.055) ** 2.4)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """SRGB values in [0, 1] of linear light, any shape; the inverse of `to_linear`, with light cut to [0, 1]."""
    light = np.clip(linear, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055)


def tone(light: np.ndarray, contrast: float = 1.0) -> np.ndarray:
    """Fit unlimited light, 0 or more, of any shape, into [0, 1).

    Contrast is a power about mid-grey, as film's gamma is; 1 leaves light below the knee as it is. Then comes film's
    shoulder without its toe: straight up to one half, from there an exponential approach to 1 with the same slope.
    ACES-like curves were not taken because they bend the mid-tones, where skin lies.
    """
    light = np.maximum(light, 0)
    if contrast != 1:
        light = MID_GREY * (light * (1 / MID_GREY)) ** contrast
    over = np.maximum(light - _KNEE, 0) * (1 / (1 - _KNEE))
    return np.minimum(light, _KNEE) + (1 - _KNEE) * -np.expm1(-over)


def balance(warmth: float) -> np.ndarray:
    """Gains (3,) float32 of a colour cast, -1 bluish to 1 yellowish; mid-grey keeps its luminance (Rec. 709)."""
    gains = np.exp(np.array([0.2, 0.02, -0.34]) * warmth)
    return (gains / (gains @ [0.2126, 0.7152, 0.0722])).astype(np.float32)


def _vignette(height: int, width: int, strength: float) -> np.ndarray:
    """(H, W) fraction of the light that arrives: 1 in the middle, 1 - strength in the corners."""
    y = (np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1
    x = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
    square = (y[:, None] ** 2 + x[None] ** 2) / 2
    return 1 - strength * square * (0.4 + 0.6 * square)


def _noisy(light: np.ndarray, factors: Capture) -> np.ndarray:
    """Add shot noise, whose variance grows with the light, and read noise; mid-grey comes out with `factors.noise`."""
    step = 1e-3
    low, high = to_srgb(tone(np.array([MID_GREY - step, MID_GREY + step]), factors.contrast)) * 255
    deviation = factors.noise / float(high - low) * 2 * step
    noise = np.random.default_rng(np.random.SeedSequence([factors.pattern])).standard_normal(light.shape, np.float32)
    scale = np.sqrt(_READ + (1 - _READ) / MID_GREY * np.maximum(light, 0)) * np.float32(deviation)
    return light + noise * scale
