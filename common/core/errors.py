"""Errors of the toolkit: each says what was expected, what came, and what to do.

    FaceEditError
    ├── InputError (ValueError)             an argument cannot be used
    │   ├── ImageError                      a picture cannot be read or written
    │   ├── ShapeError                      an array or tensor has the wrong shape
    │   └── ActionUnitError                 an AU request cannot be understood
    ├── FaceNotFoundError (LookupError)     no face, or not the face that was asked for
    ├── CheckpointError (RuntimeError)      weights do not fit the network
    │   └── MissingCheckpointError (FileNotFoundError)   weights are not on this machine
    ├── NonFiniteError (ArithmeticError)    a network computed NaN or infinity
    └── MissingDependencyError (ImportError)             an optional package is not installed

Catch the base class to catch them all; match `code`, which stays the same when a message is reworded:

    try:
        edit("photo.jpg", {"AU12": 3})
    except FaceEditError as error:
        print(error.code, error)
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ADDRESS = re.compile(r"<(?:\w+\.)*(\w+)[^\n]{0,200}? at 0x[0-9a-fA-F]+>+")


class FaceEditError(Exception):
    """Base of every error that this toolkit raises on purpose.

    An object that a message would show by its address, `<_io.BytesIO object at 0x7f2e>`, is shown by its type alone.

    Attributes:
        code: stable name of the problem, in lower case: the class's own, or a narrower one such as "refused".
        expected: what would have been right; None where the message says it.
        actual: what came instead; None where the message says it.
        hint: what to do; None where the message says it.
    """

    code: str = "error"
    expected: object = None
    actual: object = None
    hint: str | None = None

    def __init__(
        self, message: str, *, code: str = "", expected: object = None, actual: object = None, hint: str | None = None
    ) -> None:
        lines = [message]
        if code:
            self.code = code
        if expected is not None:
            self.expected = expected
            lines.append(f"  expected: {expected}")
        if actual is not None:
            self.actual = actual
            lines.append(f"  got:      {actual!r}" if isinstance(actual, str) else f"  got:      {actual}")
        if hint:
            self.hint = hint
            lines.append(f"  {hint}")
        super().__init__(_ADDRESS.sub(r"<\1>", "\n".join(lines)))

    def __reduce__(self) -> tuple[object, ...]:  # whole out of a worker process, whatever a subclass's __init__ takes
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[FaceEditError], args: tuple[object, ...], fields: dict[str, object]) -> FaceEditError:
    host = next((base for base in (OSError, ImportError, AttributeError) if issubclass(kind, base)), Exception)
    error = host.__new__(kind, *args)
    error.args = args
    error.__dict__.update(fields)
    return error


class InputError(FaceEditError, ValueError):
    """An argument cannot be used as it came."""

    code = "input"


class ImageError(InputError):
    """A picture cannot be read, understood or written."""

    code = "image"


class ShapeError(InputError):
    """An array or tensor has the wrong shape; carries `name`, and the shapes as `expected` and `actual`."""

    code = "shape"

    def __init__(self, name: str, expected: str, actual: Sequence[int], hint: str = "") -> None:
        self.name = name
        super().__init__(f"{name} has the wrong shape.", expected=expected, actual=tuple(actual), hint=hint)


class ActionUnitError(InputError):
    """An action-unit request is unknown, out of range, or malformed."""

    code = "action_unit"


class FaceNotFoundError(FaceEditError, LookupError):
    """No face was found, or not the one that was asked for."""

    code = "face_not_found"


class CheckpointError(FaceEditError, RuntimeError):
    """Weights do not fit the network that they were given to, or their file cannot be read.

    Its narrower codes: "refused" (the file could harm this machine, or run code), "unreadable" (damaged), "keys"
    (arrays are missing or left over), "shape", "values" (NaN, infinity, indices outside).
    """

    code = "checkpoint"

    @classmethod
    def refused(cls, what: object, why: str, hint: str | None = None) -> CheckpointError:
        """The error for a file that would take too much memory, read other files, or have code loaded."""
        return CheckpointError(f"{what} is refused: {why}.", code="refused", hint=hint)

    @classmethod
    def unreadable(
        cls, what: object, error: Exception, hint: str = "delete it and fetch it again", expected: object = None
    ) -> CheckpointError:
        """The error for a damaged file or folder, by what its reader raised."""
        reason = str(error)[:300] or "it is damaged"
        if not isinstance(error, (OSError, ValueError)):
            reason = f"{type(error).__name__}: {reason}"
        return CheckpointError(f"Cannot read {what}: {reason}", code="unreadable", expected=expected, hint=hint)


class MissingCheckpointError(CheckpointError, FileNotFoundError):
    """Weights are needed that are not on this machine."""

    code = "checkpoint_missing"


class NonFiniteError(FaceEditError, ArithmeticError):
    """A network computed NaN or infinity; carries `what` holds them and the networks' `dtype`. Nothing is saved."""

    code = "non_finite"

    def __init__(self, what: str, dtype: str, warnings: str) -> None:
        self.what = what
        self.dtype = dtype
        super().__init__(f"{what} hold NaN or infinite values, computed in {dtype}; nothing is saved.\n{warnings}")


class MissingDependencyError(FaceEditError, ImportError):
    """An optional package is needed; carries `package`, and the pip `command` that installs it."""

    code = "dependency_missing"

    def __init__(self, package: str, purpose: str, command: str) -> None:
        self.package = package
        self.command = command
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed.", hint=f"install it: {command}"
        )
