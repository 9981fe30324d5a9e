"""What a call may ask for, checked before any network runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

from common.edit_options import SEED, check_options, whole_number
from common.defaults import Defaults
from common.errors import InputError

PUBLISHED = Defaults(steps=50, guidance=7.5, extent="face")
"""What the released scripts take; a model may have settings of its own, in its folder's editor.json."""
# Intensities are 0 to 5. Below and above, the released model goes on for a while in the same direction.
LOW, HIGH = -5.0, 10.0
STARTS = {"photo": 1.0, "draft": 0.5}
"""What an edit can begin with, and how much it then makes anew where nobody says."""


@dataclass(frozen=True)
class Options:
    """How to sample; see `fineface.generate` and `fineface.edit` for the meanings.

    Raises:
        InputError: a value that cannot be used.
    """

    steps: int = 50
    guidance: float = 7.5
    au_scale: float = 1.0
    face_scale: float = 0.9
    negative_prompt: str | None = None
    seed: int | None = None
    batch_size: int = 4
    strength: float | None = None
    paste_back: bool | str = True
    start: str = "photo"
    callback_on_step_end: Any = None

    def __post_init__(self) -> None:
        seed = SEED if self.seed is None else self.seed
        if check_options(self.steps, self.batch_size, self.guidance, seed, self.paste_back) == "detail":
            raise InputError(
                'paste_back="detail" adds a change to the photo, and FineFace makes no change but a face.\n'
                "  expected: True or False"
            )
        if self.guidance < 1:
            raise InputError(f"guidance must be at least 1, which is none; got {self.guidance!r}.")
        if self.start not in STARTS:
            raise InputError(f'start must be "photo" or "draft"; got {self.start!r}.')
        for name in ("au_scale", "face_scale", "share"):
            value, name = getattr(self, name), name.replace("share", "strength")
            if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
                raise InputError(f"{name} must be a finite number; got {value!r}.")
        if not self.draft_alone and (not 0 < self.share <= 1 or self.steps * self.share < 1):
            raise InputError(
                f"strength must lie in (0, 1] and leave at least one of {self.steps} steps; got {self.share!r}.\n"
                '  0 is the draft itself, with start="draft"'
            )
        if self.negative_prompt is not None and not isinstance(self.negative_prompt, str):
            raise InputError(f"negative_prompt must be a text; got {type(self.negative_prompt).__name__}.")

    @property
    def share(self) -> float:
        """The strength that was asked for, else the start's own."""
        return STARTS[self.start] if self.strength is None else self.strength

    @property
    def draft_alone(self) -> bool:
        """Whether no network takes part."""
        return self.start == "draft" and self.share == 0

    @property
    def guided(self) -> bool:
        """Whether there is an unconditional half."""
        return self.guidance > 1

    @property
    def pastes(self) -> bool:
        """Whether the crop goes back into its photo."""
        return self.paste_back is not False


def check_size(size: Any, pipeline: Any) -> tuple[int, int]:
    """Width and height of a picture in pixels.

    Args:
        size: one number for a square, (width, height), or None for what the UNet was made for.
        pipeline: a Stable Diffusion pipeline.

    Raises:
        InputError: neither, or a side that the networks cannot take.
    """
    step = pipeline.vae_scale_factor
    own = pipeline.unet.config.sample_size * step
    sides = size if isinstance(size, (tuple, list)) else (own if size is None else size,) * 2
    if len(sides) != 2:
        raise InputError(f"size must be a number of pixels or (width, height); got {size!r}.")
    for side in sides:
        if whole_number("size", side, 64, 4096) % step:
            raise InputError(f"size must divide by {step}; got {side}.")
    return int(sides[0]), int(sides[1])
