"""People in front of a plain wall instead of what was behind them: less to learn than a world."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from .capture import to_srgb
from .colours import NAMED, paint
from .factors import Background, Scene


def before_wall(scene: Scene, number: int) -> Scene:
    """The scene in front of a wall whose colour follows from a number."""
    rng = np.random.default_rng(number)
    name = str(rng.choice(list(NAMED)))
    colour = paint(rng, name)
    return replace(scene, background=Background("wall", colour, colour, name))


def repainted(image: torch.Tensor, background: torch.Tensor, mask: torch.Tensor, scene: Scene) -> torch.Tensor:
    """A picture with the colour of the scene's background, evenly, in place of what is behind the person.

    What was made was a F + (1 - a) B of a foreground, a background and a mask; this is a F + (1 - a) W of the same F,
    which need not be known.

    Args:
        image: (3, H, W) in [0, 1].
        background: (3, H, W), B.
        mask: (1, H, W) in [0, 1], a.
        scene: whose wall W is.
    """
    wall = torch.from_numpy(to_srgb(np.array(scene.background.colour))).float()[:, None, None]
    return (image + (1 - mask) * (wall - background)).clamp(0, 1)
