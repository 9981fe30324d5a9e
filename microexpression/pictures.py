"""Pictures of flow, strain, evidence and curves over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from common.core.files import replace_file
from common.imaging.images import to_uint8

from .extras import library

SIDE = 288
"""Pixels to which small pictures are enlarged."""


def enlarged(picture: np.ndarray) -> Image.Image:
    """(H, W, 3) uint8 with a shorter side of `SIDE`, at least."""
    scale = max(1.0, SIDE / min(picture.shape[:2]))
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    return Image.fromarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC))


def flow_picture(flow: np.ndarray) -> np.ndarray:
    """(2, H, W) in pixels -> (H, W, 3) uint8: direction as hue, size as saturation up to its 99th percentile."""
    size, angle = np.hypot(*flow), np.arctan2(flow[1], flow[0])
    top = max(float(np.quantile(size, 0.99)), 1e-6)
    hue = ((angle / (2 * np.pi)) % 1 * 179).astype(np.uint8)
    saturation = to_uint8(size / top)
    return cv2.cvtColor(np.stack([hue, saturation, np.full_like(hue, 255)], -1), cv2.COLOR_HSV2RGB)


def heat(values: np.ndarray) -> np.ndarray:
    """(H, W), at least 0 -> (H, W, 3) uint8: dark blue to yellow at the 99.5th percentile."""
    shown = to_uint8(values / max(float(np.quantile(values, 0.995)), 1e-9))
    return cv2.cvtColor(cv2.applyColorMap(shown, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)


def seen_picture(frame: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """A frame (H, W, 3) with the evidence (P, P) for the class in red, and against it in blue."""
    smooth = cv2.resize(seen, frame.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    alpha = (np.abs(smooth) / max(float(np.abs(seen).max()), 1e-9)).clip(0, 1)[..., None] * 0.6
    colour = np.where(smooth[..., None] > 0, (214.0, 40, 40), (40, 90, 214))
    return to_uint8(frame * (1 - alpha) + colour * alpha, 255)


def blank(width: float, height: float) -> Any:
    """An empty figure of matplotlib, its size in inches, that needs no screen."""
    return library("matplotlib.figure", "pictures").Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Any, path: Path, dpi: int) -> None:
    """Writes a figure of matplotlib as PNG."""
    replace_file(path, lambda part: figure.savefig(part, dpi=dpi, format="png"))


def curves(
    rows: Sequence[int], values: np.ndarray, names: Sequence[str], marks: dict[str, int], label: str, top: float | None
) -> Any:
    """A figure of matplotlib: a line for each name over the frames `rows` (T,) of values (T, K), and vertical lines at
    `marks`, name -> frame. `label` and `top` are of the values' axis; None scales it by the values.
    """
    figure = blank(8, 3)
    axes = figure.add_subplot(xlabel="frame", ylabel=label)
    for column, name in enumerate(names):
        axes.plot(rows, values[:, column], label=name, linewidth=1.6)
    for name, row in marks.items():
        axes.axvline(row, color="0.6", linestyle=":", linewidth=1)
        axes.text(row, 1.01, name, transform=axes.get_xaxis_transform(), ha="center", fontsize=8, color="0.4")
    axes.set_ylim(0, top)
    if len(names) > 1:
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure
