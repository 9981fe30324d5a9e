"""How a worker is made, in plain values that travel to other processes and machines; its networks do not."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .run import Worker
from .worker import EditorWorker, editor_of


@dataclass(frozen=True)
class Recipe:
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


def editing(
    kind: Callable[[], Any], read: Callable[[Any], Any], args: argparse.Namespace, device: str | None = None
) -> Recipe:
    """The recipe of an `EditorWorker`.

    Args:
        kind: a module's function that gives the class of the editor.
        read: a module's function, see `EditorWorker`.
        args: options of the command line.
        device: in the place of that in the options.
    """
    options = {**vars(args), "device": device or args.device}
    return Recipe(name_of(editor_worker), {"kind": name_of(kind), "read": name_of(read), "options": options})


def editor_worker(kind: str, read: str, options: Mapping[str, Any]) -> EditorWorker:
    """An `EditorWorker` of names, see `editing`."""
    args = argparse.Namespace(**options)
    return EditorWorker(editor_of(found(kind)(), args), args, found(read))
