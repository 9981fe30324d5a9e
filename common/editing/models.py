"""Which folder a model lies in, its networks, and what stands in their place where there are none."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from ..core.errors import InputError, MissingCheckpointError
from ..core.files import EMBEDDED, model_folder
from ..diffusion import loading
from ..diffusion.attention import Identity
from ..diffusion.loading import Release
from ..diffusion.pipeline import FaceEditPipeline
from ..warp.delta import VECTOR_SIZE
from ..weights.text_encoder import PROMPT_FILE

log = logging.getLogger(__name__)

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


def locate(model: str | Path | None, release: Release, embedded: Path | None) -> Path:
    """The folder of a model; it need not exist.

    Args:
        model: a folder, "owner/name" as the download command fetched it, or "embedded". None is the published release.
        release: the published one.
        embedded: where the package has its small model, if it has one.

    Raises:
        InputError: neither a folder nor of the form "owner/name".
        MissingCheckpointError: the embedded model is asked for, and this installation has none.
    """
    if model != EMBEDDED:
        return model_folder(model or release.repo)
    if embedded is None or loading.missing_files(embedded, release=release):
        raise MissingCheckpointError(
            f"This installation of {release.name} has no embedded model.\n"
            "  install it again, or name the folder of another: --model FOLDER (from Python: model=FOLDER)"
        )
    return embedded


def missing_networks(program: str, option: str = "model") -> MissingCheckpointError:
    """The error for an editor without networks that is asked to run them.

    Args:
        program: the package.
        option: of its command line, and of its functions, that names a model.
    """
    return MissingCheckpointError(
        f"There are no networks: the published weights of {program} are not on this machine, and no model is named.\n"
        f"  fetch the published weights: {program} download\n"
        f"  or name a model: --{option} FOLDER, or --{option} embedded for the small networks, trained on synthetic "
        f'faces (from Python: {option}="embedded")\n'
        "  or leave out what asks for networks (engine, start, strength): the photo is then warped"
    )


def warps(model: str | Path | None, base: str | Path | None, release: Release) -> bool:
    """Whether photos are edited without networks: no model is named, and the published one was never fetched.

    The picture plays no part in this. A folder with some of the published files is not enough to edit, but shows that
    networks are wanted: loading it says which files are missing.
    """
    return model is None and base is None and not model_folder(release.repo).is_dir()


def load(model: str | Path | None, release: Release, embedded: Path | None, **options: Any) -> FaceEditPipeline:
    """The networks of a model, complete enough to edit; of the embedded one, a line is logged that says what it is for.

    Args:
        model: see `locate`.
        release: see `locate`.
        embedded: see `locate`.
        options: of `common.diffusion.loading.load`.

    Raises:
        InputError, MissingCheckpointError: see `locate`.
        CheckpointError: weights that do not fit.
    """
    folder = locate(model, release, embedded)
    if not folder.is_dir():
        raise loading.missing_error(loading.missing_files(folder, release=release), [folder], release)
    if model == EMBEDDED:
        log.warning(EMBEDDED_NOTE)
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
