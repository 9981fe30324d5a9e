"""Fetching, against a hub that the test plays."""

from __future__ import annotations

import shutil

import huggingface_hub
import pytest
from huggingface_hub import constants

from common.core.errors import MissingCheckpointError
from common.diffusion import download as module
from common.diffusion.loading import MAGICFACE, RIGFACE, missing_files


@pytest.fixture
def hub(model_folder, tmp_path, monkeypatch):
    """Repositories as folders; snapshot_download copies what the patterns ask for. Records what was asked."""
    repos, asked = tmp_path / "hub", []
    release, base = repos / MAGICFACE.repo, repos / module.BASES[1]
    for name in ("ID_enc", "denoising_unet"):
        shutil.copytree(model_folder / name, release / name)
    (release / "utils").mkdir()
    (release / "utils" / "79999_iter.pth").write_bytes(b"weights")
    for name in ("vae", "scheduler"):
        shutil.copytree(model_folder / name, base / name)
    (base / "text_encoder").mkdir()
    (base / "text_encoder" / "model.safetensors").write_bytes(b"weights")

    def snapshot_download(repo, *, local_dir, allow_patterns):
        asked.append(repo)
        if not (repos / repo).is_dir():
            raise OSError(f"404: {repo}")
        for path in (repos / repo).rglob("*"):
            if path.is_file() and any(path.relative_to(repos / repo).match(pattern) for pattern in allow_patterns):
                target = local_dir / path.relative_to(repos / repo)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setattr(module, "online", lambda: True)
    return asked


def test_one_complete_folder_from_the_first_base_that_answers(hub, tmp_path):
    folder = module.download(folder=tmp_path / "model")
    assert hub == [MAGICFACE.repo, *module.BASES]
    assert (folder / "vae" / "config.json").is_file()
    assert (folder / "utils" / "79999_iter.pth").is_file()
    module.download(folder=folder)
    assert len(hub) == 3  # what is there is not fetched again


def test_a_release_without_the_parser_takes_the_other_ones(hub, golden_rigface, tmp_path):
    for name in ("unet_id", "unet_denoise"):
        shutil.copytree(golden_rigface / name, tmp_path / "hub" / RIGFACE.repo / name)
    folder = module.download(RIGFACE, folder=tmp_path / "model")
    assert hub[:2] == [RIGFACE.repo, MAGICFACE.repo]
    assert (folder / "utils" / "79999_iter.pth").is_file()
    assert missing_files(folder, release=RIGFACE) == []
    assert not (folder / "ID_enc").exists()


def test_what_the_hub_does_not_hold_is_named(hub, tmp_path):
    with pytest.raises(MissingCheckpointError, match=r"no/base.*404"):
        module.download(folder=tmp_path / "model", base="no/base")


def test_offline_is_noticed_and_explained(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(MissingCheckpointError, match=r"denoising_unet/config.json[\s\S]*--model FOLDER"):
        module.download(folder=tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_local_base_leaves_a_folder_that_stands_for_itself(hub, model_folder, tmp_path):
    base = tmp_path / "base"
    for name in ("vae", "scheduler"):
        shutil.copytree(model_folder / name, base / name)
    shutil.copyfile(model_folder / "prompt_embeds.safetensors", base / "prompt_embeds.safetensors")
    folder = module.download(folder=tmp_path / "model", base=str(base))
    assert hub == [MAGICFACE.repo]
    assert missing_files(folder) == []
