"""The folder of a SegFormer: one of the user's own, or this machine's copy of a repository of the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from ..weights.files import missing_weights

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
    """Bring a hub repository's network onto this machine; raises what the hub's client raises."""
    from huggingface_hub import snapshot_download

    for names in _FORMS:
        if not on_disk(model):
            snapshot_download(model, allow_patterns=names)
