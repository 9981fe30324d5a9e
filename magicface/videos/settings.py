"""Settings: what a preparation of videos is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from common.core.errors import InputError
from common.parsing import Region
from common.training.config import above_zero, at_least


@dataclass(frozen=True)
class Settings:
    """What a preparation of videos is told. Raises InputError: a number out of its range."""

    size: int = 512
    """Side of the crops in pixels."""
    zoom: float = 1.0
    """How much closer than the released crop: 1 for the published networks, 1.35 for the embedded model."""
    every: int = 10
    """Look at each n-th frame: 10 is three a second of most videos; 1 for a folder of chosen pictures."""
    pairs: int = 100
    """Pairs of a video, at most."""
    min_difference: float = 1.0
    """Least difference of at least one action unit within a pair, as the estimator counts."""
    max_turn: float = 10.0
    """Largest difference of yaw, pitch and roll within a pair, degrees."""
    min_face: int = 64
    """Narrowest face, in pixels of the video."""
    max_move: float = 0.25
    """How far a face may be from the video's median face, in place or in width, in parts of that face's width."""
    sharpness: float = 0.4
    """Least sharpness of a face (variance of its Laplacian) in parts of the video's median."""
    region: Region = "head"
    """What the background hides: "head", or "face", which spares hair, neck and clothes."""
    guide: Literal["source", "target", "photo"] = "source"
    """Whose background a pair gets: the source's, as in use, or the target's, as in the paper; or "photo", all of the
    source, for the embedded model."""
    seed: int = 0
    """Of the choice among pairs that are equally good."""

    def __post_init__(self) -> None:
        at_least(self, 16, "size")
        at_least(self, 1, "every", "pairs", "min_face")
        at_least(self, 0, "seed", "max_turn", "max_move", "sharpness")
        above_zero(self, "zoom", "min_difference")  # a pair without a difference teaches nothing
        for name, known in (("region", ("head", "face")), ("guide", ("source", "target", "photo"))):
            if getattr(self, name) not in known:
                raise InputError(f"{name} must be one of {', '.join(known)}; got {getattr(self, name)!r}.")
