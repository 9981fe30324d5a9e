"""Files that are either whole or not there, and where downloads live."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from .errors import InputError


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write(temporary)` beside `path`, then renames: whoever looks sees the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid4().hex}{path.suffix}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def home() -> Path:
    """The folder of fetched models: `$FACE_RIG_HOME`, else `~/.cache/face-rig`."""
    return Path(os.environ.get("FACE_RIG_HOME") or Path.home() / ".cache" / "face-rig")


def model_folder(model: str | Path) -> Path:
    """A local folder as it stands, or the folder in `home()` that holds the hub repository `model`.

    Raises:
        InputError: neither a folder nor of the form "owner/name".
    """
    if str(model) and os.path.isdir(path := os.path.expanduser(model)):
        return Path(path)
    parts = str(model).split("/")
    if len(parts) != 2 or not all(part.strip(". ~") for part in parts):
        raise InputError(f'There is no folder {str(model)!r}; a model is a folder, or a hub repository "owner/name".')
    return home() / "--".join(parts)
