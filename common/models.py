"""Which folder a model lies in: a named one, the published one where it was fetched, else the one in the package."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from . import checkpoints
from .checkpoints import Release
from .errors import MissingCheckpointError
from .files import EMBEDDED, model_folder
from .pipeline import FaceEditPipeline
from .prompt import PROMPT_FILE

log = logging.getLogger(__name__)


def locate(model: str | Path | None, release: Release, embedded: Path | None) -> Path:
    """The folder of a model; it need not exist.

    Args:
        model: a folder, "owner/name" as the download command fetched it, or "embedded". None is the published release,
            or the embedded model where the release was never fetched.
        release: the published one.
        embedded: where the package has its small model, if it has one.

    Raises:
        InputError: neither a folder nor of the form "owner/name".
        MissingCheckpointError: the embedded model is asked for, and this installation has none.
    """
    inside = embedded if embedded and not checkpoints.missing_files(embedded, release=release) else None
    if model == EMBEDDED:
        if inside is None:
            raise MissingCheckpointError(
                f"This installation of {release.name} has no embedded model.\n"
                "  install it again, or name the folder of another: --model FOLDER (from Python: model=FOLDER)"
            )
        return inside
    folder = model_folder(model or release.repo)
    return inside if inside and not model and not folder.is_dir() else folder


def warps(model: str | Path | None, base: str | Path | None, release: Release) -> bool:
    """Whether photos are edited without networks: no model is named, and the published one was never fetched.

    The picture plays no part in this. A folder with some of the published files is not enough to edit, but shows that
    networks are wanted: loading it says which files are missing.
    """
    return model is None and base is None and not model_folder(release.repo).is_dir()


def load(model: str | Path | None, release: Release, embedded: Path | None, **options: Any) -> FaceEditPipeline:
    """The networks of a model, complete enough to edit; one line is logged where the embedded one steps in.

    Args:
        model: see `locate`.
        release: see `locate`.
        embedded: see `locate`.
        options: of `common.checkpoints.load`.

    Raises:
        InputError, MissingCheckpointError: see `locate`.
        CheckpointError: weights that do not fit.
    """
    folder = locate(model, release, embedded)
    if not folder.is_dir():
        raise checkpoints.missing_error(checkpoints.missing_files(folder, release=release), [folder], release)
    if not model and folder == embedded:
        log.warning(
            "using the small embedded model, trained on synthetic faces only; for the full-size weights: %s download",
            release.name,
        )
    pipeline = checkpoints.load(folder, release=release, **options)
    if pipeline.prompt_embeds is None:
        needed = [f"{PROMPT_FILE} (or text_encoder/ and tokenizer/, to make it)"]
        raise checkpoints.missing_error(needed, [folder], release)
    return pipeline
