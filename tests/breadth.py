"""Parametrisations of which the default run takes the first values; the others are slow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def breadth(values: Iterable[Any], quick: int = 1) -> list[Any]:
    """All values; those behind the first `quick` are marked `slow`. Tuples are the values of several arguments."""
    given = [value if isinstance(value, tuple) else (value,) for value in values]
    return [pytest.param(*each, marks=() if number < quick else pytest.mark.slow) for number, each in enumerate(given)]
