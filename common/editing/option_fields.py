# pyright: strict
"""Fields of options: their checks, their texts, and how command lines have them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import Field, dataclass, field
from numbers import Real
from typing import Any

from ..core.errors import InputError

_OPTION = "option"


@dataclass(frozen=True)
class Option:
    """What is known of a field of `Options`, except its name and default.

    Attributes:
        help: text for the command line and for `help()`; it starts with a noun.
        check: from name and value to the value that is kept; raises an InputError. None is never checked where it is
            the default.
        choices: values on the command line; none where there are more than a few.
        read: type on the command line.
        flag: name on the command line, where it is not the field's.
    """

    help: str
    check: Callable[[str, Any], Any] | None = None
    choices: tuple[str, ...] = ()
    read: type = str
    flag: str | None = None


def option(
    default: Any,
    help: str,
    check: Callable[[str, Any], Any] | None = None,
    *,
    choices: tuple[str, ...] = (),
    read: type = str,
    flag: str | None = None,
    compare: bool = True,
) -> Any:
    """A dataclass's field with its `Option` in the metadata."""
    return field(default=default, compare=compare, metadata={_OPTION: Option(help, check, choices, read, flag)})


def option_of(each: Field[Any]) -> Option:
    """What is known of a field."""
    return each.metadata[_OPTION]


def check_share(name: str, value: Any) -> float:
    """The value as float; raises an InputError for what is no number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise InputError(f"{name} must be a number from 0 to 1; got {value!r}.")
    return float(value)


def finite_number(name: str, value: Any) -> float:
    """The value as float; raises an InputError for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise InputError(f"{name} must be a finite number; got {value!r}.")
    return float(value)


def one_of(*choices: str) -> Callable[[str, Any], str]:
    """A check that a value is one of these."""
    named = " or ".join(f'"{choice}"' for choice in choices)

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise InputError(f"{name} must be {named}; got {value!r}.")
        return value

    return check


def flag_value(name: str, value: Any) -> bool:
    """The value; raises an InputError for what is neither True nor False."""
    if not isinstance(value, bool):
        raise InputError(f"{name} must be True or False; got {value!r}.")
    return value
