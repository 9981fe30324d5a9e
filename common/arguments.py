"""What every edit() accepts: how lists pair up, and which options make sense."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any, Literal, get_args

from .errors import InputError
from .images import as_list
from .numbers import whole_number

SEED = 424
"""The release's seed."""

PASTE = ("replace", "detail")
DTYPES = ("float32", "bfloat16", "float16")
"""The precisions that the networks can run in, by torch's names."""

Engine = Literal["diffusion", "draft"]
Start = Literal["noise", "draft"]


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


def check_start(start: Any, strength: Any) -> None:
    """Raises an InputError for a start or a strength that is none."""
    if start not in get_args(Start):
        raise InputError(f'start must be "noise" or "draft"; got {start!r}.')
    check_share("strength", strength)


def check_share(name: str, value: Any) -> None:
    """Raises an InputError for what is no number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise InputError(f"{name} must be a number from 0 to 1; got {value!r}.")
