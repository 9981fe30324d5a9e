"""Optical strain: how much a flow stretches and shears skin, blind to moves and turns of the whole head."""

from __future__ import annotations

from typing import Literal

import numpy as np

from common.errors import InputError, ShapeError


def optical_strain(flow: np.ndarray, derivatives: Literal["central", "backward"] = "central") -> np.ndarray:
    """sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2), (H, W): the size of the infinitesimal strain tensor.

    STSTNet's eq. 7, whose print has u_x twice. Translations and small rotations (u = -w y, v = w x) give zero.

    Args:
        flow: (2, H, W), pixels to the right and downwards.
        derivatives: "central" differences; "backward" ones, 0 in the first row and column, as in ELRCN.

    Raises:
        ShapeError: not (2, H, W), or less than 2 pixels.
        InputError: flow that is not finite, or unknown derivatives.
    """
    if flow.ndim != 3 or len(flow) != 2 or min(flow.shape[1:]) < 2:
        raise ShapeError("flow", "(2, H, W), at least 2 pixels", flow.shape)
    if not np.isfinite(flow).all():
        raise InputError("Flow must be finite; it has NaN or infinite values.")
    if derivatives == "central":
        (u_y, u_x), (v_y, v_x) = np.gradient(flow[0]), np.gradient(flow[1])
    elif derivatives == "backward":
        u_y, v_y = np.diff(flow, axis=1, prepend=flow[:, :1])
        u_x, v_x = np.diff(flow, axis=2, prepend=flow[:, :, :1])
    else:
        raise InputError(f'derivatives must be "central" or "backward"; got {derivatives!r}.')
    return np.sqrt(u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2)
