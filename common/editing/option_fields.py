"""Fields of options: their checks, their texts, and how command lines have them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, dataclass, field
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
    compare: bool = True,
    **known: Any,
) -> Any:
    """A dataclass's field with its `Option` in the metadata."""
    return field(default=default, compare=compare, metadata={_OPTION: Option(help, check, **known)})


def option_of(each: Field[Any]) -> Option:
    """What is known of a field."""
    return each.metadata[_OPTION]


def one_of(*choices: str | bool) -> Callable[[str, Any], Any]:
    """A check that a value is one of these; raises an InputError (code "unknown") for others."""

    def check(name: str, value: Any) -> Any:
        if not isinstance(value, (str, bool)) or value not in choices:
            expected = " or ".join(repr(choice) for choice in choices)
            raise InputError(f"{name} has an unknown value.", code="unknown", expected=expected, actual=value)
        return value

    return check
