"""The weights of MagicFace, their terms, and whether they are on this machine."""

from __future__ import annotations

from common.cli.sources import Source, shared, small_model, stable_diffusion
from common.core.files import model_folder
from common.diffusion.loading import MAGICFACE, missing_files


def sources() -> list[Source]:
    """The rows of `magicface licenses` and `magicface doctor`."""
    return [
        Source(
            "MagicFace",
            "editing",
            "Apache-2.0 by its model card; built on Stable Diffusion 1.5",
            "see terms",
            MAGICFACE.repo,
            gigabytes=8.0,
            fetch="magicface download",
            folder=lambda: model_folder(MAGICFACE.repo),
            missing=lambda: missing_files(model_folder(MAGICFACE.repo), release=MAGICFACE),
        ),
        stable_diffusion(MAGICFACE),
        small_model("MagicFace inside", "editing"),
        *shared(),
    ]
