"""Files of a Hugging Face model: in a folder, in this machine's cache, or on the hub."""

from __future__ import annotations

from pathlib import Path

from ..weights.files import missing_weights

MODEL = "jonathandinu/face-parsing"
"""A SegFormer trained on CelebAMask that anyone may download."""


def on_disk(model: str | Path = MODEL) -> bool:
    """Tell whether a model can be loaded without internet."""
    folder = snapshot(model)
    return folder is not None and not missing_weights(folder, "model.safetensors")


def snapshot(model: str | Path) -> Path | None:
    """The folder of a model that has a config; None where it is not on this machine."""
    config = stored(str(model), "config.json")
    return None if config is None else config.parent


def stored(model: str, name: str) -> Path | None:
    """Find a file in a model's folder, or in the cache if the model is a hub repository; None if it is in neither."""
    if Path(model).is_dir():
        path = Path(model) / name
        return path if path.is_file() else None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        path = try_to_load_from_cache(model, name)
    except HFValidationError:  # neither a folder nor a repository's name
        return None
    return Path(path) if isinstance(path, str) else None


def fetched(model: str, name: str) -> Path | None:
    """Download a file of a hub repository; None if the repository has no such file."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        return Path(hf_hub_download(model, name))
    except EntryNotFoundError:
        return None
