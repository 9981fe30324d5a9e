"""How the authors of RigFace prepare a photo: with networks and models that users fetch from those who own them.

    from rigface.released.files import Files
    from rigface.released.reconstruct import Released

    released = Released.from_files(Files.find("licensed/"))
    source, target = released.look(photo, face), released.look(other, other_face)
    conditions = released.conditions(source, target, {"expression"}, crop, labels)

DECA (Feng et al. 2021, "Learning an animatable detailed 3D face model from in-the-wild images") says what FLAME's head
looks like and how it is lit, and D3DFR which expression it has, in the numbers of the Basel face model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .reconstruct import Released


def load(device: str = "cpu") -> Released:
    """The authors' preparation, from the files in their place, see `Files.find`. Raises MissingCheckpointError: a file
    is not there; the message says which, its licence and where to register; CheckpointError: see `Released.from_files`.
    """
    from .files import Files
    from .reconstruct import Released

    return Released.from_files(Files.find(), device)
