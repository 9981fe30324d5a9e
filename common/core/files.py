"""Files that are either whole or not there, and where downloads live."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from uuid import uuid4

from .errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PATIENCE = 10.0
"""Seconds for which a training waits for its folder: the helpers of a killed one live on a little, and hold it."""


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write(temporary)` beside `path`, then renames: a reader sees the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid4().hex}{path.suffix}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Writes a text in UTF-8 as `replace_file` does."""
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def sha256(path: Path) -> str:
    """Of a file's bytes, as `sha256sum` has it."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def alone(folder: Path, patience: float = 0.0, *, shared: bool = False) -> Generator[Callable[[], None]]:
    """Locks a folder, which is made where it is missing; does nothing where the system has no such locks.

    Waits `patience` seconds for a process that holds it; yields a function that makes the lock `shared` from then on.

    Raises:
        InputError: another process holds it (code "busy").
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (locks := fcntl) is None:
        yield lambda: None
        return
    handle = os.open(folder, os.O_RDONLY)
    until = time.monotonic() + patience

    def hold(how: int) -> None:
        with contextlib.suppress(OSError):  # not on every network's disks
            while True:
                try:
                    return locks.flock(handle, how | locks.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() >= until:
                        break
                time.sleep(0.2)
            raise InputError(f"Another run writes to {folder}; wait, or choose another folder.", code="busy")

    try:
        hold(locks.LOCK_SH if shared else locks.LOCK_EX)
        yield lambda: hold(locks.LOCK_SH)
    finally:
        os.close(handle)


def files_below(folder: Path) -> list[Path]:
    """All files in a folder and its folders, sorted by path; hidden folders are left out.

    Links are followed, and each folder is visited once; a broken link is listed, so that readers can report it.
    """
    seen: set[str] = set()
    found: list[Path] = []
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # reached by another link, or a circle of links
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names]
    return sorted(found)


def left_out(folder: Path, files: Iterable[Path], what: str = "pictures") -> str:
    """One line about the files of a folder that a reader leaves out: how many, and their suffixes; "" for none."""
    counts = Counter(
        "hidden" if path.name.startswith(".") else path.suffix.lower() or "without a suffix" for path in files
    )
    if not counts:
        return ""
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])))
    total = sum(counts.values())
    return f"{folder}: {total} {'file is' if total == 1 else 'files are'} left out (not {what}): {kinds}"


def home() -> Path:
    """The folder of fetched models: `$FACE_RIG_HOME`, else `~/.cache/face-rig`; where the user has no home folder, a
    place that holds nothing and takes nothing.
    """
    if chosen := os.environ.get("FACE_RIG_HOME"):
        return expanded(chosen)
    try:
        return Path.home() / ".cache" / "face-rig"
    except RuntimeError:  # no HOME, and a user whom the system does not know, as in some containers
        return Path(os.devnull) / "face-rig"


def writable(folder: Path) -> bool:
    """Whether files can be written to a folder, or to the one in which it would be made; tried, and nothing is left."""
    try:
        place = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False


def check_writable(folder: Path) -> None:
    """Raises an InputError where nothing can be written to a folder: call it before the work that is to be kept."""
    if not writable(folder):
        raise InputError(f"Nothing can be written to {folder.absolute()}; name another folder.", code="unwritable")


def expanded(path: str | Path) -> Path:
    """A path with `~` expanded; it stays as it is for an unknown user, or where the text cannot be a path."""
    try:
        return Path(os.path.expanduser(path))
    except ValueError:  # a NUL byte, or half a character
        return Path(path)


EMBEDDED = "embedded"
"""The name by which the small model inside a package is asked for."""


def model_folder(model: str | Path) -> Path:
    """A local folder as it stands, or the folder in `home()` that holds the hub repository `model`.

    Raises:
        InputError: neither a folder nor of the form "owner/name".
    """
    if str(model) and os.path.isdir(path := os.path.expanduser(model)):
        return Path(path)
    parts = str(model).split("/")
    if len(parts) != 2 or not all(part.strip(". ~") for part in parts):
        expected = 'a folder, or a hub repository "owner/name"'
        raise InputError(f"There is no folder {str(model)!r}.", code="missing", expected=expected)
    return home() / "--".join(parts)
