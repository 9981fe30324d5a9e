"""One set of weights, or one source of data, that a command can touch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INSIDE, COMPLETE, PARTLY, MISSING = "inside", "complete", "incomplete", "missing"


@dataclass(frozen=True)
class Source:
    """What it is, whose it is, and whether it is here.

    Attributes:
        name: of the weights.
        use: what needs them.
        licence: terms, in words.
        commercial: "yes", "no", or "see terms" where that depends or is not said.
        where: hub repository or address.
        register: address at which one has to register; empty where one need not.
        gigabytes: about so much to fetch; 0 for what is inside, None where it is not known.
        fetch: command that fetches them; empty where there is none.
        folder: where they are, or should be; None where that is the user's choice.
        missing: what is not there of them; everything must be listed if nothing is.
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
        """The licence and what belongs to it, for JSON."""
        return {
            "name": self.name,
            "use": self.use,
            "licence": self.licence,
            "commercial": self.commercial,
            "where": self.where,
            "register": self.register or None,
        }

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
    """Weights inside this package, which it has trained itself."""
    licence = "Apache-2.0, as this package; trained on synthetic people"
    return Source(name, use, licence, "yes", "this package", gigabytes=0.0, inside=True)


def lacks(folder: Path, names: Sequence[str]) -> list[str]:
    """Which files a folder has not."""
    return [name for name in names if not (folder / name).is_file()]
