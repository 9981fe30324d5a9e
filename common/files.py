"""Files that are either whole or not there, and where downloads live."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from .errors import InputError


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write(temporary)` beside `path`, then renames: whoever looks sees the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)  # mkstemp is private to the user; a result should not be
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
    path = Path(model).expanduser()
    if str(model) and path.is_dir():
        return path
    parts = str(model).split("/")
    if len(parts) != 2 or not all(part.strip(". ") for part in parts):
        raise InputError(f'model must be a folder or a hub repository "owner/name"; {str(model)!r} is neither.')
    return home() / "--".join(parts)
