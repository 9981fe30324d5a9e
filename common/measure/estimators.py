"""What each AU estimator was validated on, and so which pictures its values can be trusted for.

One entry per estimator; reports, tables, charts and logs all take their words from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from ..provenance.recipe import DISTRIBUTION, version
from ..provenance.weights import digest

NOT_STATED = "not stated"


@dataclass(frozen=True)
class Validation:
    """How an estimator was tested.

    Attributes:
        on: the pictures with known truth.
        photographs: whether its values are reliable on photographs.
        package: the distribution that its networks come from.
    """

    on: str
    photographs: bool
    package: str = DISTRIBUTION

    def __str__(self) -> str:
        return f"validated on {self.on}" + ("" if self.photographs else "; not reliable on photographs")


VALIDATIONS: Mapping[str, Validation] = {
    "regressor": Validation("synthetic faces only", False),
    "fit": Validation("synthetic faces only", False),
    "py-feat": Validation("photographs by its authors, through an adapter not run with it", False, "py-feat"),
}
"""Estimator -> how it was validated."""


def validation(name: str | None) -> str:
    """Words on an estimator's validation, such as "validated on synthetic faces only; not reliable on photographs"."""
    found = VALIDATIONS.get(name or "")
    return str(found) if found else "validation not stated; reliability on photographs unknown"


def described(name: str) -> str:
    """An estimator's name with the words of `validation`."""
    return f"{name} ({validation(name)})"


def version_of(measurer: Any) -> str:
    """Package version of an estimator, and the SHA-256 of its weights where it has a file of its own."""
    if measurer.name not in VALIDATIONS:
        return NOT_STATED
    package = VALIDATIONS[measurer.name].package
    weights = getattr(measurer, "weights", None)
    return f"{package} {_version(package)}" + (f", weights SHA-256 {digest(Path(weights))}" if weights else "")


@cache
def _version(package: str) -> str:
    if package == DISTRIBUTION:
        return version()
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return NOT_STATED
