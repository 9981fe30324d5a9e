"""What every edit() accepts: how lists pair up, and which options make sense."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from .errors import InputError
from .images import as_list

SEED = 424
"""The release's seed."""

PASTE = ("replace", "detail")


def pair_up(
    subject: Any, wish: Any, wishes_of: Callable[[Any], list[Any] | None]
) -> tuple[list[tuple[Any, Any]], bool]:
    """Pairs of subject and wish, and whether neither came as a list; a single one goes with all of the other's.

    Raises:
        InputError: two lists of different lengths.
    """
    subjects, wishes = as_list(subject), wishes_of(wish)
    if subjects is not None and wishes is not None and len(subjects) != len(wishes):
        raise InputError(
            f"Lists pair up one by one; got {len(subjects)} pictures and {len(wishes)} wishes.\n"
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
    for name, value in (("steps", steps), ("batch_size", batch_size)):
        if not isinstance(value, Integral) or value < 1:
            raise InputError(f"{name} must be a whole number of at least 1; got {value!r}.")
    if not isinstance(seed, Integral) or not 0 <= seed < 2**63:
        raise InputError(f"seed must be a whole number in 0..2**63 - 1; got {seed!r}.")
    if not isinstance(guidance, Real) or not math.isfinite(guidance):
        raise InputError(f"guidance must be a finite number; got {guidance!r}.")
    if paste_back is False:
        return None
    way = "replace" if paste_back is True else paste_back
    if way not in PASTE:
        raise InputError(f'paste_back must be True, False, "replace" or "detail"; got {paste_back!r}.')
    return way
