"""Packages whose public names load on first use, so that importing them costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any


def attach(package: str, prepare: Callable[[], object] | None = None) -> None:
    """Give a package the names that it imports for type checkers, and an `__all__` of them; each loads on first use.

    A package names them once, in the form that type checkers take for public:

        if TYPE_CHECKING:
            from ._api import edit as edit

        attach(__name__)

    Args:
        package: the `__name__` of the package, whose `__init__` calls this.
        prepare: called before a name loads; what it raises reaches the user.
    """
    module: Any = sys.modules[package]

    def load(name: str) -> Any:
        if name == "__all__":
            return sorted(_homes(package))
        if name.startswith("__") or name not in _homes(package):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if prepare is not None:
            prepare()
        from .notices import importing

        with importing():
            return getattr(import_module(_homes(package)[name]), name)

    module.__getattr__ = load
    module.__dir__ = lambda: sorted(_homes(package))


@cache
def _homes(package: str) -> dict[str, str]:
    """Public name -> the module that it comes from, as the `if TYPE_CHECKING` of the package's source has them."""
    import ast
    from importlib.util import resolve_name

    loader: Any = sys.modules[package].__loader__
    return {
        name.name: resolve_name("." * line.level + (line.module or ""), package)
        for block in ast.parse(loader.get_source(package)).body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for line in block.body
        if isinstance(line, ast.ImportFrom)
        for name in line.names
    }
