"""Fetching a variant: its adapter, its base and its FaceID, each into the folder where `from_pretrained` looks."""

from __future__ import annotations

from pathlib import Path

from common.core.errors import MissingCheckpointError
from common.core.files import model_folder
from common.weights.hub import fetch, online

from .variants import (
    BASE_FILES,
    FACEID_REPO,
    RELEASE,
    Variant,
    check_complete,
    faceid_file,
    locate_base,
    missing_base_files,
    missing_files,
)


def download(
    variant: Variant,
    *,
    base: str | None = None,
    folder: str | Path | None = None,
    base_folder: str | Path | None = None,
) -> tuple[Path, Path]:
    """Fetches what a variant needs and this machine lacks; returns the adapter's folder and the base's.

    What is already there is not fetched again; an interrupted download goes on where it stopped. Progress is shown.

    Args:
        variant: which.
        base: hub repository or local folder of its base model; default: the first of the variant's own that answers.
        folder: where the adapter's files go; default: the release's own folder under `common.core.files.home()`.
        base_folder: where the base's files go; default: the repository's own folder there.

    Raises:
        MissingCheckpointError: offline, or the hub refused; lists what is missing and where it goes.
        InputError: `base` is neither a folder nor of the form "owner/name".
    """
    folder = Path(folder).expanduser() if folder else model_folder(RELEASE)
    local = Path(base_folder).expanduser() if base_folder else locate_base(base, variant)
    if not missing_files(folder, variant) and not missing_base_files(local):
        return folder, local
    if not online():
        try:
            check_complete(folder, local, variant)
        except MissingCheckpointError as error:
            raise MissingCheckpointError(
                f"The model hub cannot be reached. {error}\n"
                f"  without internet here: fineface download --variant {variant.name} --to FOLDER --base-to FOLDER "
                "elsewhere,\n  then carry both folders here, and name them: --model FOLDER --base FOLDER"
            ) from error
    if missing_files(folder, variant):
        names = [f"{stem}.ckpt" for stem in (variant.processors, variant.encoder)]
        fetch(RELEASE, [*names, variant.lora] if variant.lora else names, folder)
        if variant.faceid and faceid_file(folder, variant) is None:
            fetch(FACEID_REPO, [variant.faceid], folder)
    if missing_base_files(local):
        local = _fetch_base((base,) if base else variant.bases, Path(base_folder).expanduser() if base_folder else None)
    check_complete(folder, local, variant)
    return folder, local


def _fetch_base(ids: tuple[str, ...], folder: Path | None) -> Path:
    """The first base that answers with all of its files; such repositories have vanished before."""
    reasons: list[MissingCheckpointError] = []
    for repo in ids:
        place = folder or model_folder(repo)
        try:
            fetch(repo, BASE_FILES, place)
        except MissingCheckpointError as error:
            reasons.append(error)
            continue
        if not (lacking := missing_base_files(place)):
            return place
        reasons.append(MissingCheckpointError(f"{repo} does not hold {', '.join(lacking)}."))
    raise reasons[0]
