"""Optical flow by scikit-image's TV-L1 (Zach, Pock & Bischof 2007), optical strain, and flow as input of networks.

Strain measures how much a flow stretches and shears skin; translations and rotations of the head have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from common.core.errors import InputError, ShapeError

from .extras import library

ATTACHMENT, TIGHTNESS = 15.0, 0.3
"""scikit-image's weight of the brightness term, and its coupling of the two; on brightness in [0, 1]."""
INNER = (0.08, 0.94, 0.15, 0.85)
"""Top, bottom, left and right of a cropped face without its outline, as fractions of its sides."""


def grey(frame: np.ndarray) -> np.ndarray:
    """(H, W) float32 in [0, 1] of (H, W) or (H, W, 3) RGB, uint8 or floats in [0, 1]; Rec. 601 luma."""
    values = frame.astype(np.float32) / (255 if frame.dtype == np.uint8 else 1)
    return values if values.ndim == 2 else values @ np.array([0.299, 0.587, 0.114], np.float32)


def optical_flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The motion of each pixel of the first picture: (2, H, W) float32, pixels to the right and downwards. Both are
    (H, W) or (H, W, 3), uint8 or floats in [0, 1].

    Raises ShapeError: unequal sizes or less than 16 pixels; InputError: NaN or infinity (code "values");
    MissingDependencyError: no scikit-image.
    """
    if first.shape != second.shape or first.ndim not in (2, 3) or min(first.shape[:2]) < 16:
        raise ShapeError("the second picture", f"as the first one, {first.shape}, 16 pixels or more", second.shape)
    one, two = grey(first), grey(second)
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        raise InputError("A picture holds NaN or infinite values.", code="values", expected="finite brightness")
    solve = library("skimage.registration", "optical flow").optical_flow_tvl1
    down, right = solve(one, two, attachment=ATTACHMENT, tightness=TIGHTNESS, dtype=np.float32)
    return np.stack([right, down]).astype(np.float32)


def without_head(flow: np.ndarray, turns: int = 5) -> np.ndarray:
    """The flow without the motion of the whole head: (2, H, W) -> (2, H, W).

    A head that moves, turns or comes nearer makes a flow that is smooth over the face: a quadratic, fitted by least
    squares with Cauchy weights, `turns` times, so that motion within the face has little weight.
    """
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in flow.shape[1:]), indexing="ij")
    basis = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1).reshape(-1, 6)
    left = []
    for component in flow.reshape(2, -1).astype(np.float64):
        weights, rest = np.ones_like(component), component
        for _ in range(turns):
            fitted = np.linalg.lstsq(basis * weights[:, None], component * weights, rcond=None)[0]
            rest = component - basis @ fitted
            weights = 1 / np.sqrt(1 + (rest / (1.48 * np.median(np.abs(rest)) + 1e-6)) ** 2)
        left.append(rest)
    return np.stack(left).reshape(flow.shape).astype(np.float32)


def flow_sizes(frames: np.ndarray, flows: Sequence[np.ndarray] | None = None) -> np.ndarray:
    """(T,) how far the face moved since the first of frames (T, H, W, 3) uint8, in pixels; the apex is the largest.

    The size is the 95th percentile of the flow within `INNER` without the head's own motion, smoothed over an eighth of
    the clip. On 18 rendered clips whose heads sway, with AUs of 1.2 to 1.5, the apex is 0.9 frames off on average.
    `flows` (2, H, W) from the first frame to each of the others are computed by default.
    """
    height, width = frames.shape[1:3]
    top, bottom, left, right = (round(part * side) for part, side in zip(INNER, (height, height, width, width)))
    known = (optical_flow(frames[0], frame) for frame in frames[1:]) if flows is None else flows
    inner = (without_head(flow[:, top:bottom, left:right]) for flow in known)
    sizes = [0.0, *(float(np.quantile(np.hypot(*flow), 0.95)) for flow in inner)]
    span = max(1, len(sizes) // 8) | 1  # odd
    return np.convolve(np.pad(sizes, span // 2, "edge"), np.ones(span) / span, "valid")


def with_strain(flow: np.ndarray) -> np.ndarray:
    """(2, H, W) -> (3, H, W): u, v and optical strain, the three channels of STSTNet and its followers."""
    return np.concatenate([flow, optical_strain(flow)[None]])


def with_magnitude(flow: np.ndarray) -> np.ndarray:
    """(2, H, W) -> (3, H, W), 0 to 255: u, v and magnitude, 16 steps per pixel around 128, as ELRCN stores them; but
    not rounded to bytes, since small faces move by less than a step from frame to frame.
    """
    values = np.concatenate([flow, np.hypot(*flow)[None]]) * 16 + 128
    return values.clip(0, 255).astype(np.float32)


def stretched(channels: np.ndarray) -> np.ndarray:
    """Each of (C, H, W) scaled to [0, 1] by its own least and largest value; a constant one becomes 0. Raises
    InputError: NaN or infinity (code "values").
    """
    odd = np.flatnonzero(~np.isfinite(channels).all((1, 2)))
    if odd.size:
        raise InputError(f"Channel {odd[0]} of the flow holds NaN or infinite values.", code="values")
    low = channels.min((1, 2), keepdims=True)
    spread = channels.max((1, 2), keepdims=True) - low
    return ((channels - low) / np.where(spread > 0, spread, 1)).astype(np.float32)


def optical_strain(flow: np.ndarray, derivatives: Literal["central", "backward"] = "central") -> np.ndarray:
    """sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2), (H, W), of a flow (2, H, W): the size of the infinitesimal strain
    tensor.

    STSTNet's eq. 7, whose print has u_x twice. Translations and small rotations (u = -w y, v = w x) give zero.
    Derivatives are "central" differences, or "backward" ones, 0 in the first row and column, as in ELRCN. Raises
    ShapeError: another shape or less than 2 pixels; InputError: NaN or infinity (code "values"), other derivatives
    ("unknown").
    """
    if flow.ndim != 3 or len(flow) != 2 or min(flow.shape[1:]) < 2:
        raise ShapeError("flow", "(2, H, W), at least 2 pixels", flow.shape)
    if not np.isfinite(flow).all():
        raise InputError("The flow holds NaN or infinite values.", code="values")
    if derivatives == "central":
        (u_y, u_x), (v_y, v_x) = np.gradient(flow[0]), np.gradient(flow[1])
    elif derivatives == "backward":
        u_y, v_y = np.diff(flow, axis=1, prepend=flow[:, :1])
        u_x, v_x = np.diff(flow, axis=2, prepend=flow[:, :, :1])
    else:
        raise InputError("derivatives is unknown.", code="unknown", expected="central, backward", actual=derivatives)
    return np.sqrt(u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2)
