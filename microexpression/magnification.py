"""Motion magnification, by learned weights or by optical flow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from common.core.errors import InputError
from common.core.finite import check_finite
from common.imaging.tensors import to_pixels

from .flow import optical_flow
from .networks.magnifier import Magnifier
from .networks.released import load_released

SIDE = 384
"""Pixels of the longer side at most, as in the authors' script."""


def load_magnifier(path: str | Path) -> Magnifier:
    """The learned magnifier with released weights (`generator_212000.pth` of InfuseNet, GPL-3), for inference. Raises
    CheckpointError: the weights are missing or do not fit.
    """
    return load_released(Magnifier(), Path(path)).eval().requires_grad_(False)


def magnify(
    frames: np.ndarray,
    factor: float,
    magnifier: Magnifier | None = None,
    *,
    flows: Sequence[np.ndarray] | None = None,
    progress: bool = False,
) -> np.ndarray:
    """The clip (T, H, W, 3) uint8 with `factor`, 1 to 100, times its motion since the first frame; large frames are
    reduced, to even sides.

    Without a magnifier of `load_magnifier`, the first frame's pixels are moved by `factor` times the smoothed flow to
    each frame, which cannot show new wrinkles. `flows` (2, h, w) from the first frame to each of the others, of any
    size, are computed by default.

    Raises InputError: factor out of range (code "range"), or one frame ("count").
    """
    if not 1 <= factor <= 100:
        raise InputError("factor is out of range.", code="range", expected="in [1, 100]", actual=factor)
    if len(frames) < 2:
        raise InputError("Motion needs two frames or more.", code="count", actual=len(frames))
    small = np.stack([_fitted(frame) for frame in frames])
    made = [small[0]]
    for row, frame in enumerate(tqdm(small[1:], desc="Magnifying", disable=not progress)):
        if magnifier is not None:
            made.append(_learned(magnifier, small[0], frame, factor))
        else:
            flow = optical_flow(small[0], frame) if flows is None else flows[row]
            made.append(_moved(small[0], flow, factor))
    return np.stack(made)


@torch.inference_mode()
def _learned(magnifier: Magnifier, first: np.ndarray, frame: np.ndarray, factor: float) -> np.ndarray:
    device = next(magnifier.parameters()).device
    a, b = (torch.from_numpy(each).permute(2, 0, 1)[None].to(device) / 127.5 - 1 for each in (first, frame))
    made = magnifier(a, b, factor)[0]
    check_finite(made, "The magnified pixels", {"the magnifier": magnifier})
    return to_pixels((made + 1) / 2)


def _moved(first: np.ndarray, flow: np.ndarray, factor: float) -> np.ndarray:
    height, width = first.shape[:2]
    scale = width / flow.shape[2], height / flow.shape[1]
    right, down = (each * cv2.resize(part, (width, height)) for each, part in zip(scale, flow))
    right, down = (cv2.GaussianBlur(part, (0, 0), 1 + min(height, width) / 100) for part in (right, down))
    y, x = np.mgrid[: first.shape[0], : first.shape[1]].astype(np.float32)
    # The flow at the target approximates the flow at the source, since it is smooth.
    return cv2.remap(first, x - factor * right, y - factor * down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _fitted(frame: np.ndarray) -> np.ndarray:
    scale = min(1.0, SIDE / max(frame.shape[:2]))
    height, width = (max(16, 2 * round(side * scale / 2)) for side in frame.shape[:2])
    if (height, width) == frame.shape[:2]:
        return frame
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
