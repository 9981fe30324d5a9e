"""What must be known of a face in 3D to make the conditions of an edit, and who can find it out.

A reconstructor looks at a face once, and then makes conditions for any number of requests:

    released    DECA, FLAME and D3DFR from files that users own, as the published network wants them
    embedded    the toolkit's own head, for a small model inside the package
    Given       pictures that were prepared before; looks at nothing

The first two are looked up here and nowhere else, when they are first needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from common.core.errors import InputError, MissingCheckpointError

from .request import RigEdit

if TYPE_CHECKING:
    import numpy as np

    from common.faces import Crop, Face

    from .conditioning import Conditions

HOMES = {"released": "rigface.released", "embedded": "rigface.rendered"}
"""Name -> module, whose `load(device)` makes the reconstructor."""
VECTORS = {"released": 64, "embedded": 24}
"""Name -> how many numbers its conditions have: "auto" takes the one that the network was made for."""


_WITHOUT = (
    "  to do without: give the crop with prepared pictures, rigface.edit(crop, background=..., render=..., "
    "coefficients=...)"
)


class Reconstructor(Protocol):
    """Makes conditions of faces and requests. What it sees of a face is its own: nothing else reads it."""

    warps: ClassVar[bool]
    """Whether its conditions bring a warp."""

    def look(self, photo: np.ndarray, face: Face) -> Any:
        """All that can be known of a face before any request.

        `photo` is the whole one, (H, W, 3) uint8, RGB.
        """
        ...

    def conditions(
        self,
        source: Any,
        target: Any | None,
        copy: frozenset[str],
        crop: Crop,
        labels_source: np.ndarray,
        labels_target: np.ndarray | None,
        request: RigEdit | None = None,
        *,
        target_crop: Crop | None = None,
    ) -> Conditions:
        """What the network sees of one edit.

        Args:
            source: what `look` saw of the face to edit.
            target: what it saw of the face to copy from; None where nothing is copied.
            copy: what comes from the target, of "light", "pose" and "expression"; the rest stays the source's.
            crop: how the crop to edit lies in the source's photo.
            labels_source: (S, S) uint8, face-parsing classes of that crop; 0 is all that an edit keeps.
            labels_target: (S, S) uint8, the same of the target, in the crop of its own photo.
            request: the changes by numbers (its light, pose and expression); None or `RigEdit()` for none.
            target_crop: how that crop lies in the target's photo.

        Raises:
            InputError: a change that it cannot make.
        """
        ...


@dataclass(frozen=True, eq=False)
class Look:
    """A face as a reconstructor saw it.

    `seen` is for its own use.
    """

    reconstructor: Reconstructor
    seen: Any = None


@dataclass(frozen=True, eq=False)
class Given:
    """Conditions that were prepared before: whatever they show is the edit."""

    prepared: Conditions
    warps: ClassVar[bool] = False

    def look(self, photo: np.ndarray, face: Face) -> None:
        """Nothing: all there is to know has been given."""

    def conditions(
        self,
        source: Any,
        target: Any | None,
        copy: frozenset[str],
        crop: Crop,
        labels_source: np.ndarray,
        labels_target: np.ndarray | None,
        request: RigEdit | None = None,
        *,
        target_crop: Crop | None = None,
    ) -> Conditions:
        """The given ones, see `Reconstructor.conditions`. Raises InputError: a request of anything."""
        if copy or request not in (None, RigEdit()):
            raise InputError(
                f"Prepared pictures already show what is to change; nothing else can be requested: {request}.\n"
                "  give the pictures without a request, or the photo itself with one"
            )
        return self.prepared


def get_reconstructor(name: str = "auto", *, vector_size: int, device: str = "cpu") -> Reconstructor:
    """The reconstructor for a network.

    "auto" is the one that makes what the network reads, `vector_size` numbers. Raises InputError: an unknown name, or
    conditions that the network cannot read; MissingCheckpointError: it lacks files; the message says which.
    """
    check_name(name)
    fits = [known for known, size in VECTORS.items() if size == vector_size and name in ("auto", known)]
    if not fits:
        sizes = ", ".join(f"{known} {size}" for known, size in VECTORS.items())
        raise InputError(
            f"This network reads {vector_size} numbers, which the reconstructor {name!r} does not make.\n"
            f"  they make: {sizes}\n  give one of your own, or reconstructor='auto'"
        )
    try:
        return import_module(HOMES[fits[0]]).load(device)
    except MissingCheckpointError as error:
        raise MissingCheckpointError(f"{error}\n{_WITHOUT}") from error


def check_name(name: Any) -> None:
    """Raises an InputError unless `get_reconstructor` knows the name."""
    if not isinstance(name, str) or name not in ("auto", *HOMES):
        raise InputError(f"reconstructor must be one of {['auto', *HOMES]}, or one itself; got {name!r}.")
