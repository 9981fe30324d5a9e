"""Optional libraries of this package, imported when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from common.core.errors import MissingDependencyError


def library(module: str, purpose: str) -> Any:
    """A module such as "skimage.registration", for a purpose such as "optical flow". Raises MissingDependencyError: its
    package is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        package = {"skimage": "scikit-image"}.get(name, name)
        raise MissingDependencyError(package, purpose, 'pip install "face-rig[micro]"') from error
