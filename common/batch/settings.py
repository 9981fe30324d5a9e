"""What decides how the pictures of a run look: a run goes on with the same alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..environment import environment
from ..errors import InputError
from ..files import replace_file
from ..jsonio import parse_json, read_text
from .jobs import inside

SETTINGS = "run.json"


MADE = "made"
"""In that file, when and by which versions and machines the run was made; these may change while it goes on."""


def same_run(folder: Path, settings: Mapping[str, Any]) -> None:
    """Writes the settings of a run that begins; of one that goes on, sees that they are these.

    Date, versions and machine are added where they are not those of an earlier start (`MADE`).

    Args:
        folder: of the run.
        settings: plain values; those that are None say nothing, and are left out.

    Raises:
        InputError: the folder holds a run with other settings, or the file is damaged.
    """
    path = inside(folder, SETTINGS)
    plain = json.loads(json.dumps({key: value for key, value in settings.items() if value is not None}))
    known = _known(path) if path.exists() else {**plain, MADE: []}
    other = sorted(key for key in {*known, *plain} - {MADE} if known.get(key) != plain.get(key))
    if other:
        lines = "\n".join(f"  {key}: {_short(known.get(key))} there, {_short(plain.get(key))} now" for key in other)
        raise InputError(f"{folder} holds a run with other settings:\n{lines}\n  name another folder")
    made, now = known[MADE], environment()
    if not any(_undated(each) == _undated(now) for each in made):
        text = json.dumps({**plain, MADE: [*made, now]}, indent=1) + "\n"
        replace_file(path, lambda file: file.write_text(text, encoding="utf-8"))


def _known(path: Path) -> dict[str, Any]:
    try:
        known = parse_json(read_text(path))
        if not isinstance(known, dict):
            raise ValueError(f"it holds a {type(known).__name__}")
        made = known.setdefault(MADE, [])
        if not isinstance(made, list) or not all(isinstance(each, dict) for each in made):
            raise ValueError(f"{MADE!r} is no list of objects")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged: {error}\n  take the folder away, or name another one") from error
    return known


def _undated(made: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in made.items() if key != "date"}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
