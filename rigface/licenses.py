"""The weights and files of RigFace, their terms, and whether they are on this machine."""

from __future__ import annotations

from common.cli.sources import Source, shared, small_model, stable_diffusion
from common.core.files import home, model_folder
from common.diffusion.loading import RIGFACE, missing_files

from .released.files import FOLDER, WANTED, find_wanted


def sources() -> list[Source]:
    """The rows of `rigface licenses` and `rigface doctor`."""
    brought = [
        Source(
            wanted.what,
            "seeing faces in 3D, for the published weights" + ("" if wanted.needed else " (optional)"),
            wanted.licence,
            "no" if "non-commercial" in wanted.licence or "NC" in wanted.licence else "see terms",
            wanted.where,
            register=wanted.register,
            folder=lambda: home() / FOLDER,
            missing=lambda key=key: [] if find_wanted(key) else [WANTED[key].names[0]],
        )
        for key, wanted in WANTED.items()
    ]
    return [
        Source(
            "RigFace",
            "editing",
            "see its model card; its code is Apache-2.0; built on Stable Diffusion 1.5",
            "see terms",
            RIGFACE.repo,
            gigabytes=9.0,
            fetch="rigface download",
            folder=lambda: model_folder(RIGFACE.repo),
            missing=lambda: missing_files(model_folder(RIGFACE.repo), release=RIGFACE),
        ),
        stable_diffusion(RIGFACE),
        *brought,
        small_model("RigFace inside", "editing"),
        *shared(),
    ]
