"""Numbers that users bring, checked at the door."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from .errors import InputError


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """The value as int; raises an InputError where it is no whole number in [low, high]."""
    whole = not isinstance(value, bool) and isinstance(value, Integral)
    if not whole or not low <= int(value) <= high:
        raise InputError(f"{name} must be a whole number from {low} to {high}; got {value!r}.")
    return int(value)
