"""How a worker is made, in plain values that travel to other processes and machines; its networks do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .run import Worker


@dataclass(frozen=True)
class Making:
    """A function that gives a worker, and what it takes.

    Attributes:
        maker: "module:function"; the module can be imported wherever the worker is made.
        options: its arguments, plain values.
    """

    maker: str
    options: Mapping[str, Any]

    def make(self) -> Worker:
        """The worker, with its networks."""
        return found(self.maker)(**self.options)


def name_of(function: Callable[..., Any]) -> str:
    """The "module:function" of a function that a module has."""
    return f"{function.__module__}:{function.__qualname__}"


def found(name: str) -> Any:
    """What a "module:function" names."""
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)
