"""An editor's place for networks, where it has none: a warp needs no model, nor its loading."""

from __future__ import annotations

from typing import Any

import torch

from .draft.change import VECTOR_SIZE
from .errors import InputError
from .hooks import Identity

WARP_SIZE = 256
"""Side in pixels of a photo's crop where no network says another."""


class NoNetworksError(InputError, AttributeError):
    """What was asked for needs networks; an AttributeError too, so that `hasattr` says no."""

    code = "no_networks"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"This editor was made for drafts and has no networks ({name}).",
            expected='engine="draft"; for the diffusion, make the editor by from_pretrained()',
        )


class NoNetworks:
    """Stands where an editor keeps its `FaceEditPipeline`: sees nobody, shows nothing, and cannot be run."""

    device = torch.device("cpu")
    places = ()
    sample_size, vae_scale_factor = WARP_SIZE, 8
    guides, vector_size = 2, VECTOR_SIZE  # those of the toolkit's own reconstructor, so that RigFace takes that

    def encode_identity(self, source: torch.Tensor) -> Identity:
        """Nobody."""
        return {}

    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        """No latents."""
        return torch.empty(len(image), 0, 0, 0)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Raises a NoNetworksError."""
        raise NoNetworksError("__call__")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what Python asks an object for, such as `copy` and `pickle` do
            raise AttributeError(name)
        raise NoNetworksError(name)
