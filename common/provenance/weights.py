"""Which model: its name, and the hashes of its files, which show whether two models are the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from ..core.files import home, replace_text, sha256
from ..weights.files import PICKLED, SAFE, VARIANTS

SUFFIXES = (SAFE, *PICKLED)
CACHE = "hashes.json"
_LARGE = 100_000_000  # bytes from which on a hash is worth keeping


def model_of(places: Sequence[Path]) -> dict[str, Any]:
    """The "id" of a model, and the SHA-256 of the "weights" in its folders, by their names there.

    The first of `places` is its own folder, the next its base's where it has one.
    """
    # the name by which the model can be asked for again; the path of a folder stays private
    names = [place.name.replace("--", "/", 1) if place.parent == home() else place.name for place in places]
    found: dict[str, str] = {}
    for name, place in zip(names, places):
        for path in sorted(place.rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and not _second(path):
                own = path.relative_to(place).as_posix()
                found[own if place == places[0] else f"{name}/{own}"] = digest(path)
    return {"id": names[0], **({"base": names[1]} if len(names) > 1 else {}), "weights": found}


def _second(path: Path) -> bool:
    """Whether a file holds, in another precision, weights that lie beside it in full."""
    stem, _, variant = path.stem.partition(".")
    return variant in (*VARIANTS.values(), "non_ema") and any(
        path.with_name(stem + end).is_file() for end in (SAFE, *PICKLED)
    )


def digest(path: Path) -> str:
    """SHA-256 of a file; of large ones it is kept until they change."""
    state = path.stat()
    return _digest(str(path.resolve()), state.st_size, state.st_mtime_ns)


@cache
def _digest(path: str, size: int, changed: int) -> str:
    kept, mark = home() / CACHE, [size, changed]
    known: dict[str, Any] = {}
    if size >= _LARGE:
        with suppress(OSError, ValueError):
            known = json.loads(kept.read_text(encoding="utf-8"))
            if known[path][:2] == mark:
                return known[path][2]
    found = sha256(Path(path))
    if size >= _LARGE:
        with suppress(OSError):  # a folder that cannot be written costs time, nothing else
            replace_text(kept, json.dumps({**known, path: [*mark, found]}, indent=1))
    return found
