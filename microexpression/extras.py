"""Optional libraries of this package, imported when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from common.core.errors import MissingDependencyError

PACKAGES = {
    "skimage": "scikit-image",
    "pandas": "pandas",
    "openpyxl": "openpyxl",
    "xlrd": "xlrd",
    "matplotlib": "matplotlib",
    "kornia": "kornia",
}
"""Module -> the package that contains it."""


def library(module: str, purpose: str) -> Any:
    """A module of one of `PACKAGES`, such as "skimage.registration", for a purpose such as "optical flow". Raises
    MissingDependencyError: its package is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = PACKAGES[module.partition(".")[0]]
        raise MissingDependencyError(package, purpose, 'pip install "face-rig[micro]"') from error
