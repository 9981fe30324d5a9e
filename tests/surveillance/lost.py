"""The tracks of LOST's camera 001, where the shared folder is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from surveillance.reading import read_tracks
from surveillance.recording import Recording

LOST = Path(__file__).parents[3] / "shared" / "data" / "lost"


def path(*parts: str) -> Path:
    """A file or folder of it; skips where it is not."""
    if not LOST.is_dir():
        pytest.skip(f"needs {LOST}: public tracks that are not part of this project")
    return LOST.joinpath(*parts)


@cache
def _recording(folder: Path) -> Recording:
    return read_tracks(folder, name="camera 001", progress=False)


def recording() -> Recording:
    """All of it, read once."""
    return _recording(path("tracks"))
