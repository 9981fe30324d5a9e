"""Numbers with names, as a command line gives them: "azimuth=60,elevation=20"."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from numbers import Real
from typing import Any, cast

from common.core.errors import InputError


def read_named(what: str, text: str, names: Collection[str]) -> dict[str, float]:
    """The numbers of a text.

    The text is `NAME=NUMBER`, separated by commas or spaces; `what` they are is for messages. Raises InputError: an
    unknown name, one that is given twice, or no number.
    """
    found: dict[str, float] = {}
    for part in filter(None, re.split(r"[,; ]+", re.sub(r" ?= ?", "=", " ".join(text.split())))):
        name, equals, value = part.partition("=")
        check_names(what, [name], names)
        if not equals or name in found:
            problem = "is given twice" if name in found else "has no value"
            raise InputError(f"{name} {problem} in the {what} {text!r}; it reads {name}=20.")
        try:
            found[name] = float(value)
        except ValueError:
            raise InputError(f"{what} {name} must be a number; got {value!r}.") from None
    if not found:
        raise InputError(f"A {what} needs at least one of {', '.join(names)}; got {text!r}.")
    return found


def check_names(what: str, given: Collection[Any], names: Collection[str]) -> None:
    """Raises an InputError, with the nearest name, unless all are known."""
    for name in given:
        if name not in names:
            close = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.0)
            raise InputError(f"A {what} has no {name!r}; did you mean {close[0]!r}?\n  known: {', '.join(names)}")


def number(what: str, value: Any, low: float, high: float) -> float:
    """The value as float. Raises InputError: no number in [low, high]."""
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not real or not low <= cast(Any, value) <= high:  # NaN is in no range, and no float holds some whole numbers
        raise InputError(f"{what} must be a number from {low:g} to {high:g}; got {value!r}.")
    return float(value)


def shown(values: Mapping[str, float]) -> str:
    """The short form, which `read_named` reads."""
    return ",".join(f"{name}={value:g}" for name, value in values.items())
