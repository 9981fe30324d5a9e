"""What stands in the place of a model's networks where there are none, and the notes on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..core.errors import InputError, MissingCheckpointError
from ..diffusion import loading
from ..diffusion.attention import Identity
from ..diffusion.loading import Release
from ..diffusion.pipeline import FaceEditPipeline
from ..warp.delta import VECTOR_SIZE
from ..weights.text_encoder import PROMPT_FILE

WARP_NOTE = (
    "no published weights on this machine: photos are warped with a fitted 3D head; for the authors' networks: "
    "%s download"
)
WARP_SIZE = 256
"""Side in pixels of a photo's crop where no network says another."""
EMBEDDED_NOTE = (
    "the embedded networks are small and were trained on synthetic faces: they show the whole diffusion path; "
    "photographs come out blurred (where no model is named they are warped, and stay sharp)"
)


def missing_networks(program: str, option: str = "model") -> MissingCheckpointError:
    """The error for an editor without networks that is asked to run them; its `option` names a model."""
    return MissingCheckpointError(
        f"There are no networks: the published weights of {program} are not on this machine, and no model is named.",
        hint=f"fetch the published weights: {program} download\n"
        f"  or name a model: --{option} FOLDER, or --{option} embedded for the small networks, trained on synthetic "
        f'faces (from Python: {option}="embedded")\n'
        "  or leave out what asks for networks (engine, start, strength): the photo is then warped",
    )


def load_complete(folder: Path, release: Release, **options: Any) -> FaceEditPipeline:
    """The networks in a folder, complete enough to edit; `options` are those of `common.diffusion.loading.load`.

    Raises MissingCheckpointError: files are missing; CheckpointError: weights that do not fit.
    """
    if not folder.is_dir():
        raise loading.missing_error(loading.missing_files(folder, release=release), [folder], release)
    pipeline = loading.load(folder, release=release, **options)
    if pipeline.prompt_embeds is None:
        needed = [f"{PROMPT_FILE} (or text_encoder/ and tokenizer/, to make it)"]
        raise loading.missing_error(needed, [folder], release)
    return pipeline


class NoNetworksError(InputError, AttributeError):
    """What was asked for needs networks; an AttributeError too, so that `hasattr` says no."""

    code = "no_networks"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"This editor only warps and has no networks ({name}).",
            expected='engine="warp"; for the diffusion, make the editor by from_pretrained()',
        )


class NoNetworks:
    """Stands where an editor keeps its `FaceEditPipeline`: finds no person, shows nothing, and cannot be run."""

    device = torch.device("cpu")
    places = ()
    sample_size = WARP_SIZE
    vae_scale_factor = 8
    # those of the toolkit's own reconstructor, so that RigFace takes that
    conditioning_images = 2
    vector_size = VECTOR_SIZE

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
