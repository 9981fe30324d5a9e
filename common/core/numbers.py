"""Numbers that users bring, checked at the door."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from .errors import InputError


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """The value as int.

    Raises InputError: it is not a whole number (code "type"), or lies outside [low, high] (code "range").
    """
    whole = not isinstance(value, bool) and isinstance(value, Integral)
    if whole and low <= int(value) <= high:
        return int(value)
    expected = f"a whole number from {low} to {high}"
    raise InputError(f"{name} cannot be used.", code="range" if whole else "type", expected=expected, actual=value)


def number(name: str, value: Any, low: float = -math.inf, high: float = math.inf, above: float = -math.inf) -> float:
    """The value as float.

    Raises InputError: not a number (code "type"), or not a finite one in [low, high] and above `above` (code "range").
    """
    real = not isinstance(value, bool) and isinstance(value, Real)
    try:
        found = float(value) if real else math.nan
    except OverflowError:  # an integer beyond all floats
        found = math.inf
    if math.isfinite(found) and low <= found <= high and above < found:
        return found
    limits = {"from": low, "above": above, "to": high}
    sides = [f" {side} {limit:g}" for side, limit in limits.items() if math.isfinite(limit)]
    expected = f"a finite number{''.join(sides)}"
    raise InputError(f"{name} cannot be used.", code="range" if real else "type", expected=expected, actual=value)


def check_multiple(name: str, value: int, step: int) -> None:
    """Raises an InputError (code "range") where a number does not divide by `step`."""
    if value % step:
        raise InputError(f"{name} cannot be used.", code="range", expected=f"a multiple of {step}", actual=value)


def fraction(name: str, value: Any) -> float:
    """The value as float; raises an InputError as `number` does where it does not lie in [0, 1]."""
    return number(name, value, 0, 1)


def check_fields(
    options: object, *names: str, low: float = -math.inf, high: float = math.inf, above: float = -math.inf
) -> None:
    """Raises an InputError where one of these fields is not a finite number within the limits of `number`."""
    for name in names:
        number(name, getattr(options, name), low, high, above)
