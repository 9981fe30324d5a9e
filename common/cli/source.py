"""One set of weights, or one source of data, that a command can use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INSIDE, COMPLETE, PARTLY, MISSING = "inside", "complete", "incomplete", "missing"


@dataclass(frozen=True)
class Source:
    """Name, use, terms and state of weights.

    Attributes:
        commercial: "yes", "no", or "see terms" where that depends or is not stated.
        where: hub repository or address.
        register: address for a registration; empty where none is needed.
        gigabytes: approximate download; 0 for embedded weights, None where it is not known.
        fetch: command that fetches them; empty without one.
        folder: of the files; None where that is the user's choice.
        missing: files that are not in the folder; all of them where it does not exist.
        inside: they come with this package.
    """

    name: str
    use: str
    licence: str
    commercial: str
    where: str
    register: str = ""
    gigabytes: float | None = None
    fetch: str = ""
    folder: Callable[[], Path | None] = lambda: None
    missing: Callable[[], Sequence[str]] = tuple
    inside: bool = False

    def terms(self) -> dict[str, Any]:
        """The licence and its context, for JSON."""
        names = ("name", "use", "licence", "commercial", "where")
        return {**{name: getattr(self, name) for name in names}, "register": self.register or None}

    def state(self) -> dict[str, Any]:
        """Whether it is here, for JSON."""
        missing, folder = list(self.missing()), self.folder()
        there = folder is not None and folder.exists()
        state = INSIDE if self.inside else COMPLETE if not missing else PARTLY if there else MISSING
        return {
            "name": self.name,
            "use": self.use,
            "state": state,
            "folder": None if folder is None else str(folder),
            "missing": [] if self.inside else missing,
            "gigabytes": self.gigabytes,
            "fetch": self.fetch or None,
        }


def small_model(name: str, use: str) -> Source:
    """Weights inside this package, trained on synthetic people."""
    licence = "Apache-2.0, as this package; trained on synthetic people"
    return Source(name, use, licence, "yes", "this package", gigabytes=0.0, inside=True)


def lacks(folder: Path, names: Sequence[str]) -> list[str]:
    """The files that a folder lacks."""
    return [name for name in names if not (folder / name).is_file()]
