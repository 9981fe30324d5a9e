"""Warnings about a warp, a sentence each."""

from __future__ import annotations

import torch

from ..face3d.fitting.fit import Fit
from ..faces import Face

TINY, ASIDE, POOR = 40, 40.0, 0.025
"""Pixels of a face's width, degrees of its turn, and the fit's error of its width, beyond which there is a doubt."""


def doubts(face: Face, fit: Fit) -> list[str]:
    """Sentences on a face that a warp will hardly move well; none for others.

    Args:
        face: in the photo's pixels.
        fit: of a head to it.
    """
    width = float(face.box[2] - face.box[0])
    yaw = float(torch.rad2deg(fit.angles)[0, 0])
    found = []
    if width < TINY:
        found.append(f"the face is {width:.0f} pixels wide, which tells too little of it: take a larger picture")
    if abs(yaw) > ASIDE:
        found.append(f"the face looks {abs(yaw):.0f} degrees aside: the far half of its edit is guessed")
    if fit.error_px > POOR * width:
        off = 100 * fit.error_px / width
        found.append(
            f"the fitted head misses the landmarks by {off:.1f} % of the face's width: a hand before the face, or a "
            "face that is not human, may be the reason"
        )
    return found
