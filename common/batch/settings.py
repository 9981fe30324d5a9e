"""What decides how the pictures of a run look: a run goes on with the same alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import replace_file
from ..texts import parse_json, read_text
from .jobs import inside

SETTINGS = "run.json"


def same_run(folder: Path, settings: Mapping[str, Any]) -> None:
    """Writes the settings of a run that begins; of one that goes on, sees that they are these.

    Args:
        folder: of the run.
        settings: plain values.

    Raises:
        InputError: the folder holds a run with other settings, or the file is damaged.
    """
    path = inside(folder, SETTINGS)
    plain = json.loads(json.dumps(settings))
    if not path.exists():
        replace_file(path, lambda file: file.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8"))
        return
    try:
        known = parse_json(read_text(path))
        if not isinstance(known, dict):
            raise ValueError(f"it holds a {type(known).__name__}")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged: {error}\n  take the folder away, or name another one") from error
    other = sorted(key for key in {*known, *plain} if known.get(key) != plain.get(key))
    if other:
        lines = "\n".join(f"  {key}: {known.get(key)!r} there, {plain.get(key)!r} now" for key in other)
        raise InputError(f"{folder} holds a run with other settings:\n{lines}\n  name another folder")
