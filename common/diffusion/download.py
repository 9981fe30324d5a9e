"""Fetching published weights: one self-contained folder, resumable, and quick to notice that there is no network."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

from ..core.errors import FaceEditError, MissingCheckpointError
from ..core.files import home, model_folder, replace_file
from ..weights.files import WEIGHTS, find_weights
from ..weights.hub import fetch, online
from ..weights.text_encoder import PROMPT_FILE, prompt_embeds
from .loading import MAGICFACE, PARSER_FILE, Release, auxiliary, missing_files

BASES = ("stable-diffusion-v1-5/stable-diffusion-v1-5", "sd-legacy/stable-diffusion-v1-5")
"""Where Stable Diffusion 1.5 lives, in the order of trust; the original repository is gone."""

NETWORK_FILES = ("config.json", WEIGHTS)
BASE_FILES = [
    "vae/config.json",
    f"vae/{WEIGHTS}",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/*",
]


def download(
    release: Release = MAGICFACE, *, base: str | None = None, folder: str | Path | None = None, parser: bool = True
) -> Path:
    """Fetches a release and what it needs of Stable Diffusion 1.5 into one folder, and returns it.

    What is already there is not fetched again; interrupted downloads resume. Progress is shown.

    Args:
        release: which model.
        base: hub repository or local folder of Stable Diffusion 1.5; default: the first of BASES that answers.
        folder: where the files go; default: `model_folder(release.repo)` under `home()`.
        parser: fetch the face parser's weights too.

    Raises:
        MissingCheckpointError: offline, or the hub refused; lists what is missing and where it goes.
    """
    folder = Path(folder).expanduser() if folder else model_folder(release.repo)
    local_base = Path(base).expanduser() if base and Path(base).expanduser().is_dir() else None
    if local_base is not None:
        _copy_base(local_base, folder)
    if wanted := _wanted(release, folder, local_base, parser):
        if not online():
            raise MissingCheckpointError(_offline_message(release, wanted, folder))
        networks = [f"{name}/{file}" for name in release.id_encoder + release.denoiser for file in NETWORK_FILES]
        parsers = [PARSER_FILE, f"utils/{PARSER_FILE}"] * parser
        fetch(release.repo, networks + parsers, folder)
        if parsers and release is not MAGICFACE and auxiliary(folder, PARSER_FILE) is None:
            fetch(MAGICFACE.repo, parsers, folder)  # the same file, which not every release brings
        if local_base is None and _wanted(release, folder, None, parser=False):
            _fetch_base((base,) if base else BASES, folder)
    if still := _wanted(release, folder, local_base, parser):
        raise MissingCheckpointError(
            f"The hub does not hold all of it; still missing in {folder}:\n" + "\n".join(f"  {name}" for name in still)
        )
    prompt_embeds([place for place in (folder, local_base) if place])  # stored, so that no later start computes it
    return folder


def _copy_base(base: Path, folder: Path) -> None:
    """VAE and scheduler of a local base, so that the folder stands for itself and can be carried elsewhere."""
    found = find_weights(base / "vae")
    weights = [found.path, *found.files()] if found else []
    for path in dict.fromkeys([base / "vae/config.json", *weights, base / "scheduler/scheduler_config.json"]):
        target = folder / path.relative_to(base)
        if path.is_file() and not target.is_file():
            replace_file(target, partial(shutil.copyfile, path))


def _wanted(release: Release, folder: Path, base: Path | None, parser: bool) -> list[str]:
    wanted = missing_files(folder, release=release)
    has_prompt = any((place / PROMPT_FILE).is_file() for place in (folder, base) if place)
    has_encoder = any(find_weights(place / "text_encoder") for place in (folder, base) if place)
    if not (has_prompt or has_encoder):
        wanted += ["text_encoder/model.safetensors", "tokenizer/"]
    if parser and auxiliary(folder, PARSER_FILE) is None:
        wanted.append(f"utils/{PARSER_FILE}")
    return wanted


def _fetch_base(ids: tuple[str, ...], folder: Path) -> None:
    """The first base that answers; several ids because such repositories have vanished before."""
    reasons: list[FaceEditError] = []
    for repo in ids:
        try:
            return fetch(repo, BASE_FILES, folder)
        except MissingCheckpointError as error:
            reasons.append(error)
    raise reasons[0]


def _offline_message(release: Release, wanted: list[str], folder: Path) -> str:
    lines = "\n".join(f"  {name}" for name in wanted)
    return (
        f"The model hub cannot be reached, and these files are missing in {folder}:\n{lines}\n"
        f"On a machine with internet run `{release.name} download --to FOLDER`, copy FOLDER here, and pass --model"
        f" FOLDER,\nor copy its files into the folder above. (FACE_RIG_HOME moves it; now {home()}"
        f"{', HF_HUB_OFFLINE is set' if os.environ.get('HF_HUB_OFFLINE') else ''}.)"
    )
