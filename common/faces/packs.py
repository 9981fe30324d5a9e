"""Weights that a detector's library keeps in a folder of its own: what to say when they are missing, and how to
fetch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import CheckpointError, MissingCheckpointError
from ..weights.hub import reachable


@dataclass(frozen=True)
class Pack:
    """Files of a detector.

    Attributes:
        detector: The name under which `get_detector` knows the detector.
        folder: Where the files belong.
        files: Their names, all needed.
        licence: What their licence allows, one sentence.
        source: Address they come from.
    """

    detector: str
    folder: Path
    files: tuple[str, ...]
    licence: str
    source: str

    def complete(self) -> bool:
        """Whether every file is there."""
        return all((self.folder / file).is_file() for file in self.files)

    @property
    def command(self) -> str:
        """Shell command that fetches the files."""
        return f"python -c \"from common.faces import get_detector; get_detector('{self.detector}', fetch=True)\""

    def unreadable(self, error: Exception) -> CheckpointError:
        """The error for files that are there but cannot be loaded, as after a download that broke off."""
        return CheckpointError(
            f"The face detector {self.detector} cannot read its weights: {type(error).__name__}: {str(error)[:300]}\n"
            f"  remove:   {self.folder}: {', '.join(self.files)}\n"
            f"  fetch:    {self.command}"
        )

    def missing(self, reason: str = "") -> MissingCheckpointError:
        """The error that says what is missing, where it goes, and how to get it."""
        names = ", ".join(self.files)
        return MissingCheckpointError(
            f"The face detector {self.detector} has no weights on this machine.{' ' + reason if reason else ''}\n"
            f"  expected: {names}\n"
            f"  in:       {self.folder}\n"
            f"  licence:  {self.licence}\n"
            f"  fetch:    {self.command}\n"
            f"  or bring: {self.source}\n"
            '  The detector "mediapipe" needs none of this.'
        )

    def fetch(self, download: Callable[[], object]) -> None:
        """Calls `download`, which must bring the files, unless they are there.

        Raises:
            MissingCheckpointError: Offline (noticed within five seconds), or the files did not arrive.
        """
        if self.complete():
            return
        if not reachable(self.source):
            raise self.missing(f"{self.source.split('/')[2]} cannot be reached.")
        try:
            download()
        except Exception as error:  # the libraries' downloaders have no error in common; the message keeps the cause
            raise self.missing(f"The download failed: {error}.") from error
        if not self.complete():
            raise self.missing("The download did not bring them.")
