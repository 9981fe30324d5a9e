"""Flow, strain, what a network sees, and curves over time, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image

from common.imaging.images import to_uint8

from .extras import library

SIDE = 288
"""Pixels to which small pictures are enlarged."""


def enlarged(picture: np.ndarray, smooth: bool = True) -> Image.Image:
    """(H, W, 3) uint8 with a shorter side of `SIDE`, at least."""
    scale = max(1.0, SIDE / min(picture.shape[:2]))
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    return Image.fromarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC if smooth else cv2.INTER_NEAREST))


def flow_picture(flow: np.ndarray, largest: float | None = None) -> np.ndarray:
    """(2, H, W) in pixels -> (H, W, 3) uint8: direction as hue, size as saturation; white does not move. The size in
    full colour is `largest`, else the 99th percentile.
    """
    size, angle = np.hypot(*flow), np.arctan2(flow[1], flow[0])
    top = largest or max(float(np.quantile(size, 0.99)), 1e-6)
    hue = ((angle / (2 * np.pi)) % 1 * 179).astype(np.uint8)
    saturation = to_uint8(size / top)
    return cv2.cvtColor(np.stack([hue, saturation, np.full_like(hue, 255)], -1), cv2.COLOR_HSV2RGB)


def heat(values: np.ndarray, top: float | None = None) -> np.ndarray:
    """(H, W), 0 and more -> (H, W, 3) uint8: dark blue to yellow."""
    top = top or max(float(np.quantile(values, 0.995)), 1e-9)
    shown = to_uint8(values / top)
    return cv2.cvtColor(cv2.applyColorMap(shown, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)


def seen_picture(frame: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """A frame (H, W, 3) with what its places say for the class (red) and against it (blue)."""
    smooth = cv2.resize(seen, frame.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    share = (np.abs(smooth) / max(float(np.abs(seen).max()), 1e-9)).clip(0, 1)[..., None] * 0.6
    colour = np.where(smooth[..., None] > 0, (214.0, 40, 40), (40, 90, 214))
    return to_uint8(frame * (1 - share) + colour * share, 255)


def blank(width: float, height: float) -> Any:
    """An empty figure of matplotlib, of this size in inches, that draws without a screen."""
    canvas, figures = (library(f"matplotlib.{m}", "pictures") for m in ("backends.backend_agg", "figure"))
    figure = figures.Figure(figsize=(width, height), layout="constrained")
    canvas.FigureCanvasAgg(figure)
    return figure


def curves(
    rows: Sequence[int], values: np.ndarray, names: Sequence[str], marks: dict[str, int], label: str, top: float | None
) -> Any:
    """A figure of matplotlib: a line for each name over the frames `rows` (T,) of values (T, K), and frames of `marks`,
    name -> frame, marked; `label` is of the values, `top` of their axis, None where it follows from them.
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
