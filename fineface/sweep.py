"""Sweeps: a wish with ranges as a list of wishes."""

from __future__ import annotations

import re

from common.action_units import to_text, to_vector
from common.errors import ActionUnitError

from .options import HIGH, LOW

STEPS = 6
_RANGE = re.compile(r"(\w+)=([^:]+):([^:]+)")


def expand(wish: str, steps: int = STEPS) -> list[str]:
    """A wish in its short form, in which a value may be a range, as the wishes of a sweep.

        expand("AU12=0:4,AU6=1", 3) -> ["AU6=1", "AU6=1,AU12=2", "AU6=1,AU12=4"]

    Several ranges run together. Without a range there is one wish. Beside a range, words of several parts are written
    with underscores.

    Raises:
        ActionUnitError: an unknown AU, a value or an end of a range out of range, or fewer than two steps.
    """
    wish = re.sub(r"\bneutral\b[\s,;]*", "", wish, flags=re.IGNORECASE)
    parts = [part for part in re.split(r"[,;\s]+", wish) if part]
    ranges = [_RANGE.fullmatch(part) for part in parts]
    if not any(ranges):
        return [to_text(to_vector(wish, low=LOW, high=HIGH))]
    first, last = (
        to_vector(",".join(f"{r[1]}={r[end]}" if r else part for r, part in zip(ranges, parts)), low=LOW, high=HIGH)
        for end in (2, 3)
    )
    if steps < 2:
        raise ActionUnitError(f"A sweep has at least two steps; got {steps}.")
    shares = [i / (steps - 1) for i in range(steps)]
    return [to_text([round(a + t * (b - a), 4) for a, b in zip(first, last)]) for t in shares]
