"""The colour of what a photo does not show of a head: the mirrored place's, the neighbours', a mouth's."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from ..face3d.anny_head import AnnyHead

DIM = 0.12
"""Least brightness that a place was lit with: what is darker tells nothing of its colour."""
_ROUNDS = 60  # of taking the neighbours' mean; vertices farther than this from all that is seen get the mean colour
_SCLERA = 0.5  # linear brightness of the white of an eye under a light of 1
_EXPOSURE = (0.5, 1.5)
_TINT = (0.7, 1.3)  # of a colour, of the mean: what is redder is a lid


def complete(head: AnnyHead, colours: torch.Tensor, known: torch.Tensor, lit: torch.Tensor) -> torch.Tensor:
    """Colours (V, 3) of all vertices from those of some.

    Args:
        head: whose vertices.
        colours: (V, 3) as lit, those of vertices that are not known do not matter.
        known: (V,) bool.
        lit: (V, 3) light on each, above 0.

    Returns:
        The known colours as they were; else the mirrored vertex's where that is known, in the light here; else what
        diffuses from the neighbours, who tell the shadows too.
    """
    mean = colours[known].mean(0) if bool(known.any()) else colours.new_full((3,), 0.4)
    twin = known[head.mirrored] & ~known
    found = torch.where(known[:, None], colours, torch.where(twin[:, None], (colours / lit)[head.mirrored] * lit, mean))
    fixed, reached = known | twin, (known | twin).float()
    first, second = _edges(head)
    for _ in range(_ROUNDS):
        # Places that nothing has reached yet do not count in their neighbours' mean.
        total = torch.zeros_like(found).index_add_(0, first, found[second] * reached[second, None])
        weight = torch.zeros_like(reached).index_add_(0, first, reached[second])
        open_ = ~fixed & (weight > 0)
        found[open_] = total[open_] / weight[open_, None]
        reached[open_] = 1
    return found


def exposure(head: AnnyHead, colours: torch.Tensor, known: torch.Tensor) -> np.ndarray:
    """How bright the photo shows what is white (3,), told by the whites of the eyes; 1 where none is seen.

    Args:
        head: whose vertices.
        colours: (V, 3) linear, without light.
        known: (V,) bool, which of them are seen.
    """
    eyes = head.eyes.flatten()
    seen = eyes[known[eyes]]
    if not len(seen):
        return np.ones(3, np.float32)
    bright = colours[seen].mean(1)
    white = colours[seen][bright >= torch.quantile(bright, 0.8)].mean(0).numpy()
    tint = np.clip(white / white.mean(), *_TINT) if white.mean() > 0 else np.ones(3, np.float32)
    return np.clip(white.mean() / _SCLERA, *_EXPOSURE) * tint


@cache
def _edges(head: AnnyHead) -> tuple[torch.Tensor, torch.Tensor]:
    """Both ends of all edges, each in both directions."""
    a, b, c = head.triangles.unbind(1)
    pairs = torch.cat([torch.stack(ends, 1) for ends in ((a, b), (b, c), (c, a), (b, a), (c, b), (a, c))])
    return tuple(torch.unique(pairs, dim=0).T)  # pyright: ignore[reportReturnType]
