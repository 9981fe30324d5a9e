"""Pictures with less to learn: a plain wall behind people, and all faces of one size and place, cut out closer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from ..scene.capture import to_srgb
from ..scene.colours import NAMED, paint
from ..scene.factors import Background, Scene, Shot

MIDDLE = 0.57
"""Where the face's middle comes to lie, from the top: below it is less to see than above."""


def before_wall(scene: Scene, number: int) -> Scene:
    """The scene in front of a wall whose colour follows from a number."""
    rng = np.random.default_rng(number)
    name = str(rng.choice(list(NAMED)))
    colour = paint(rng, name)
    return replace(scene, background=Background("wall", colour, colour, name))


def repainted(image: torch.Tensor, background: torch.Tensor, mask: torch.Tensor, scene: Scene) -> torch.Tensor:
    """A picture (3, H, W) in [0, 1] with the colour of the scene's background, evenly, in place of what is behind the
    person.

    What was made was a F + (1 - a) B of a foreground, a background (3, H, W) and a mask (1, H, W) in [0, 1]; this is a
    F + (1 - a) W of the same F, which need not be known, and the scene's wall W.
    """
    wall = torch.from_numpy(to_srgb(np.array(scene.background.colour))).float()[:, None, None]
    return (image + (1 - mask) * (wall - background)).clamp(0, 1)


def close_shot(shot: Shot, face_height: float) -> Shot:
    """The shot after `close_up`: of faces that are high enough already, as it was."""
    return replace(shot, face_height=max(shot.face_height, face_height))


def close_up(planes: torch.Tensor, shot: Shot, face_height: float) -> torch.Tensor:
    """The part of a picture (C, S, S) in [0, 1] in which the face is so high, from the chin to the brows over the
    picture's side; as large as the picture.

    It follows from the camera alone, not from what the face does, and stays within the picture: faces that are higher
    already are left as they are, others come near `MIDDLE`.
    """
    fraction = min(1.0, shot.face_height / face_height)  # of the picture's side
    across, up = shot.shift
    centre = torch.tensor([across, -up + fraction * (0.5 - MIDDLE)])  # of the part, in sides from the picture's middle
    room = (1 - fraction) / 2
    turn = torch.cat([fraction * torch.eye(2), 2 * centre.clamp(-room, room)[:, None]], 1)  # (2, 3)
    grid = F.affine_grid(turn[None], [1, 1, *planes.shape[1:]], align_corners=False)
    return F.grid_sample(planes[None], grid, mode="bicubic", padding_mode="border", align_corners=False)[0].clamp(0, 1)
