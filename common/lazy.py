"""Packages whose public names load on first use, so that importing them costs nothing."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import resolve_name
from typing import Any

from .foreign import importing


def attach(package: str, prepare: Callable[[], object] | None = None) -> None:
    """Give a package the names that it imports for type checkers, and an `__all__` of them; each loads on first use.

    A package names them once, which type checkers understand as public:

        if TYPE_CHECKING:
            from ._api import edit as edit

        attach(__name__)

    Args:
        package: the `__name__` of the package, whose `__init__` calls this.
        prepare: called before the first module loads; what it raises reaches the user.
    """
    module: Any = sys.modules[package]
    homes: dict[str, str] = {}
    for block in ast.parse(module.__loader__.get_source(package)).body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            for line in block.body:
                assert isinstance(line, ast.ImportFrom)
                home = resolve_name("." * line.level + (line.module or ""), package)
                homes |= {name.name: home for name in line.names}

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if prepare is not None:
            prepare()
        with importing():
            return getattr(import_module(homes[name]), name)

    module.__all__ = sorted(homes)
    module.__getattr__ = load
    module.__dir__ = lambda: list(module.__all__)
