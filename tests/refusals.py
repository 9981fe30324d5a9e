"""What a refused call must raise: the kind of error and its fields, never the wording of its message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from common.core.errors import FaceEditError


@contextmanager
def refused(kind: type[FaceEditError], code: str | None = None, **fields: object) -> Iterator[None]:
    """Pass when the block raises `kind` with this code, by default the class's own, and these fields.

    with refused(InputError, "range", actual=99):
        edit("photo.jpg", steps=99)
    """
    with pytest.raises(kind) as caught:
        yield
    error = caught.value
    assert error.code == (kind.code if code is None else code), error
    for name, value in fields.items():
        assert getattr(error, name) == value, error
