"""Libraries that this package needs beyond those of the editors."""

from __future__ import annotations

from importlib.util import find_spec

from common.core.errors import MissingDependencyError

PACKAGES = {
    "pandas": "pandas",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "statsmodels": "statsmodels",
    "matplotlib": "matplotlib",
}
"""Modules and the packages that bring them."""


def ready() -> None:
    """Nothing, where all are installed. Raises MissingDependencyError: one is not."""
    for module, package in PACKAGES.items():
        if find_spec(module) is None:
            raise MissingDependencyError(package, "surveillance", 'pip install "face-rig[surveillance]"')
