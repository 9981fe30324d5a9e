"""What a call may ask for, checked before any network runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, get_args

from common.defaults import Defaults
from common.edit_options import PASTE, SEED, Engine, whole_number
from common.errors import InputError
from common.images import as_list

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


def pair_up(
    subject: Any, wish: Any, wishes_of: Callable[[Any], list[Any] | None], name: str = "pictures"
) -> tuple[list[tuple[Any, Any]], bool]:
    """Pairs of subject and wish, and whether neither came as a list; a single one goes with all of the other's.

    Raises:
        InputError: two lists of different lengths.
    """
    subjects, wishes = as_list(subject), wishes_of(wish)
    if subjects is not None and wishes is not None and len(subjects) != len(wishes):
        raise InputError(
            f"Lists pair up one by one; got {len(subjects)} {name} and {len(wishes)} wishes.\n"
            "  give one of them alone to use it with each of the others"
        )
    if wishes is None:
        return [(s, wish) for s in ([subject] if subjects is None else subjects)], subjects is None
    return list(zip([subject] * len(wishes) if subjects is None else subjects, wishes)), False


def check_options(steps: int, batch_size: int, guidance: float, seed: int, paste_back: bool | str) -> str | None:
    """The way to paste back, "replace", "detail" or None.

    Raises:
        InputError: one of the options cannot be used.
    """
    whole_number("steps", steps, 1, 1000)  # the networks know 1000 timesteps
    whole_number("batch_size", batch_size, 1, 2**31)
    whole_number("seed", seed, 0, 2**63 - 1)
    if not isinstance(guidance, Real) or not -math.inf < guidance < math.inf:
        raise InputError(f"guidance must be a finite number; got {guidance!r}.")
    if paste_back is False:
        return None
    way = "replace" if paste_back is True else paste_back
    if way not in PASTE:
        raise InputError(f'paste_back must be True, False, "replace" or "detail"; got {paste_back!r}.')
    return way


def check_engine(engine: Any, start: Any = None, strength: Any = None) -> Engine | None:
    """The engine that is asked for: by name, or by a start or a strength, which only the networks have; else None.

    A start from the draft at strength 0 is the draft itself.

    Raises:
        InputError: an engine that is none, one that has no start, or a strength without a draft to begin with.
    """
    if engine is not None and engine not in get_args(Engine):
        raise InputError(f'engine must be "diffusion", "draft" or None; got {engine!r}.')
    if engine == "draft" and (start is not None or strength is not None):
        raise InputError('engine="draft" is the draft itself; a start or a strength goes with engine="diffusion".')
    if start == "noise" and strength is not None:
        raise InputError('A strength goes with start="draft"; got start="noise".')
    if start == "draft" and strength == 0:
        return "draft"
    return engine or (None if start is None and strength is None else "diffusion")
