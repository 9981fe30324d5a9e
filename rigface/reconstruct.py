"""What must be known of a face in 3D to make the conditions of an edit, and who can find it out.

A reconstructor looks at a face once, and then makes conditions for any number of wishes:

    released    DECA, FLAME and D3DFR from files that users own, as the published network wants them
    embedded    the toolkit's own head, for a small model inside the package
    Given       pictures that were prepared before; looks at nothing

The first two are looked up here and nowhere else, when they are first needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from common.errors import InputError, MissingCheckpointError

from .wish import NEUTRAL, RigWish

if TYPE_CHECKING:
    import numpy as np

    from common.faces import Crop, Face

    from .conditions import Conditions

HOMES = {"released": "rigface.released", "embedded": "rigface.rendered"}
"""Name -> module, whose `load(device)` makes the reconstructor; "auto" takes the first that is there and complete."""


class Reconstructor(Protocol):
    """Makes conditions of faces and wishes. What it sees of a face is its own: nobody else looks inside."""

    def look(self, photo: np.ndarray, face: Face) -> Any:
        """All that can be known of a face before any wish.

        Args:
            photo: (H, W, 3) uint8, RGB, the whole photo.
            face: where the face lies in it.
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
        wish: RigWish | None = None,
    ) -> Conditions:
        """What the network sees of one edit.

        Args:
            source: what `look` saw of the face to edit.
            target: what it saw of the face to copy from; None where nothing is copied.
            copy: what comes from the target, of "light", "pose" and "expression"; the rest stays the source's.
            crop: how the crop to edit lies in the source's photo.
            labels_source: (S, S) uint8, face-parsing classes of that crop; 0 is all that an edit keeps.
            labels_target: (S, S) uint8, the same of the target, in the crop round the target's own face.
            wish: the changes by numbers (its light, pose and expression); None or `RigWish()` for none.

        Raises:
            InputError: a change that it cannot make.
        """
        ...


@dataclass(frozen=True, eq=False)
class Look:
    """A face as a reconstructor saw it.

    Attributes:
        reconstructor: which of them.
        seen: what it saw, for its own use.
    """

    reconstructor: Reconstructor
    seen: Any = None


@dataclass(frozen=True, eq=False)
class Given:
    """Conditions that were prepared before: whatever they show is the edit.

    Attributes:
        prepared: the conditions.
    """

    prepared: Conditions

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
        wish: RigWish | None = None,
    ) -> Conditions:
        """The given ones, see `Reconstructor.conditions`.

        Raises:
            InputError: a wish of anything.
        """
        if copy or wish not in (None, NEUTRAL):
            raise InputError(
                f"Prepared pictures already show what is to change; nothing can be asked for besides: {wish}.\n"
                "  give the pictures without a wish, or the photo itself with one"
            )
        return self.prepared


def get_reconstructor(name: str = "auto", *, device: str = "cpu") -> Reconstructor:
    """The reconstructor of this name.

    Args:
        name: "released", "embedded", or "auto" for the first of them that this machine has all of.
        device: where its networks run.

    Raises:
        InputError: an unknown name.
        MissingCheckpointError: there is none of that name, or it lacks files; the message says which.
    """
    check_name(name)
    reasons: list[str] = []
    for known in HOMES if name == "auto" else (name,):
        if not _is_there(HOMES[known]):
            reasons.append(f"{known}: this installation has no {HOMES[known]}")
            continue
        try:
            return import_module(HOMES[known]).load(device)
        except MissingCheckpointError as error:
            reasons.append(f"{known}: {error}")
    raise MissingCheckpointError(
        "Light, pose and expression are changed on a 3D reconstruction of the face, and nothing here can make one.\n"
        + "".join(f"  {reason}\n" for reason in reasons)
        + "  to do without: give the crop with prepared pictures, rigface.edit(crop, background=..., render=..., "
        "coefficients=...)"
    )


def check_name(name: Any) -> None:
    """Raises an InputError unless `get_reconstructor` knows the name."""
    if not isinstance(name, str) or name not in ("auto", *HOMES):
        raise InputError(f"reconstructor must be one of {['auto', *HOMES]}, or one itself; got {name!r}.")


def _is_there(module: str) -> bool:
    return find_spec(module) is not None
