"""Errors of the toolkit: each says what was expected, what came, and what to do.

    FaceEditError
    ├── InputError (ValueError)             an argument cannot be used
    │   ├── ImageError                      a picture cannot be read or written
    │   ├── ShapeError                      an array or tensor has the wrong shape
    │   └── ActionUnitError                 an AU wish cannot be understood
    ├── FaceNotFoundError (LookupError)     no face, or not the face that was asked for
    ├── CheckpointError (RuntimeError)      weights do not fit the network
    │   └── MissingCheckpointError (FileNotFoundError)   weights are not on this machine
    ├── NonFiniteError (ArithmeticError)    a network computed NaN or infinity
    └── MissingDependencyError (ImportError)             an optional package is not installed

Catch the base class to catch them all:

    try:
        edit("photo.jpg", {"AU12": 3})
    except FaceEditError as error:
        print(error)
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ADDRESS = re.compile(r"<(?:\w+\.)*(\w+)[^\n]{0,200}? at 0x[0-9a-fA-F]+>+")


class FaceEditError(Exception):
    """Base of every error that this toolkit raises on purpose.

    An object that a message would show by its address, `<_io.BytesIO object at 0x7f2e>`, is shown by its type alone.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(_ADDRESS.sub(r"<\1>", arg) if isinstance(arg, str) else arg for arg in args))


class InputError(FaceEditError, ValueError):
    """An argument cannot be used as it came."""


class ImageError(InputError):
    """A picture cannot be read, understood or written."""


class ShapeError(InputError):
    """An array or tensor has the wrong shape; carries both as `expected` and `actual`."""

    def __init__(self, name: str, expected: str, actual: Sequence[int], hint: str = "") -> None:
        self.expected, self.actual = expected, tuple(actual)
        self._made_of = (name, expected, self.actual, hint)
        super().__init__(
            f"{name} has the wrong shape.\n  expected: {expected}\n  got:      {self.actual}"
            + (f"\n  {hint}" if hint else "")
        )

    def __reduce__(self) -> tuple[type, tuple]:
        return type(self), self._made_of  # so that it comes whole out of a worker process


class ActionUnitError(InputError):
    """An action-unit wish is unknown, out of range, or malformed."""


class FaceNotFoundError(FaceEditError, LookupError):
    """No face was found, or not the one that was asked for."""


class CheckpointError(FaceEditError, RuntimeError):
    """Weights do not fit the network that they were given to."""


class MissingCheckpointError(CheckpointError, FileNotFoundError):
    """Weights are needed that are not on this machine."""


class NonFiniteError(FaceEditError, ArithmeticError):
    """A network computed NaN or infinity; carries `what` holds them and the networks' `dtype`. Nothing is saved."""

    def __init__(self, what: str, dtype: str, advice: str) -> None:
        self.what, self.dtype = what, dtype
        self._made_of = (what, dtype, advice)
        super().__init__(f"{what} hold NaN or infinite values, computed in {dtype}; nothing is saved.\n{advice}")

    def __reduce__(self) -> tuple[type, tuple]:
        return type(self), self._made_of


class MissingDependencyError(FaceEditError, ImportError):
    """An optional package is needed; the message holds the pip command that installs it."""

    def __init__(self, package: str, purpose: str, command: str) -> None:
        self._made_of = (package, purpose, command)
        super().__init__(f"{purpose} needs the package {package}, which is not installed.\n  install it: {command}")

    def __reduce__(self) -> tuple[type, tuple]:
        return type(self), self._made_of
