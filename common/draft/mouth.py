"""Which part of a head is the inside of its mouth, and what teeth tell of a photo."""

from __future__ import annotations

import numpy as np
import torch

from ..face3d.anny_head import AnnyHead
from ..parts import PARTS

_TOOTH, _ENAMEL = 0.9, 0.8  # quantile of an open mouth's light that comes from a tooth, and that tooth's brightness
_OPEN = 30  # pixels of a window that a mouth must show to tell that


def inner_mouth(head: AnnyHead) -> tuple[torch.Tensor, torch.Tensor]:
    """Which vertices lie in the mouth, and which of them are teeth: (V,) bool each."""
    return _of_triangles(head, head.parts == PARTS.index("mouth")), _of_triangles(head, head.teeth)


def at(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The pixels (N, ...) of a picture (S, S, ...) nearest to places (N, 2)."""
    x, y = np.rint(places.T).astype(int).clip(0, len(picture) - 1)
    return picture[y, x]


def enamel(picture: np.ndarray, open_: np.ndarray, light: float) -> np.ndarray | None:
    """How bright a photo shows a white surface (3,), told by teeth; None where none are seen.

    Args:
        picture: (S, S, 3) linear.
        open_: see `common.draft.lips.opening`.
        light: on the face.
    """
    seen = picture[open_ > 0.9]
    if len(seen) < _OPEN:
        return None
    bright = seen.mean(1)
    return seen[bright >= np.quantile(bright, _TOOTH)].mean(0) / (_ENAMEL * max(light, 0.1))


def _of_triangles(head: AnnyHead, chosen: torch.Tensor) -> torch.Tensor:
    found = torch.zeros(len(head.mean), dtype=torch.bool)
    found[head.triangles[chosen].flatten()] = True
    other = torch.zeros_like(found)
    other[head.triangles[~chosen].flatten()] = True
    return found & ~other
