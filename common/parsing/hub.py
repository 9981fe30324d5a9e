"""The folder of a SegFormer: one of the user's own, or this machine's copy of a repository of the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import MissingCheckpointError
from ..weights.files import missing_weights
from ..weights.hub import reachable

MODEL = "jonathandinu/face-parsing"
"""A SegFormer trained on CelebAMask that anyone may download."""
WEIGHTS = "model.safetensors"
_FORMS = (["config.json", "preprocessor_config.json", "*.safetensors", "*.safetensors.index.json"], ["*.bin*"])
"""What is downloaded, and what in addition where a repository has no safetensors."""


def on_disk(model: str | Path = MODEL) -> bool:
    """Tell whether a model can be loaded without internet."""
    folder = snapshot(model)
    return folder is not None and not missing_weights(folder, WEIGHTS)


def snapshot(model: str | Path) -> Path | None:
    """The folder of a model that has a config; None where it is not on this machine."""
    folder = Path(model)
    if not folder.is_dir():
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

        try:
            folder = Path(snapshot_download(str(model), local_files_only=True))
        except (HFValidationError, LocalEntryNotFoundError):
            return None
    return folder if (folder / "config.json").is_file() else None


def download(model: str) -> None:
    """Bring a hub repository's network onto this machine. Raises MissingCheckpointError: it failed."""
    from huggingface_hub import constants, snapshot_download

    if not reachable(constants.ENDPOINT):
        raise missing(model, "the hub cannot be reached", "connection")
    try:
        for names in _FORMS:
            if not on_disk(model):
                snapshot_download(model, allow_patterns=names)
    except Exception as error:  # the client's errors have no common base
        raise missing(model, str(error)[:300]) from error


def missing(model: str | Path, why: str, code: str = "") -> MissingCheckpointError:
    """The error for a model that is not on this machine."""
    return MissingCheckpointError(
        f"The SegFormer {model} is missing: {why}.",
        code=code,
        hint='fetch it once: from common.parsing import get_parser; get_parser("segformer", fetch=True)\n'
        '  or do without: get_parser("embedded")',
    )
