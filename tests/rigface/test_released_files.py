"""Where the files that users bring are looked for, and the one error that lists those which are missing."""

from pathlib import Path

import pytest
import torch
from folders import GOLDEN
from refusals import refused

from common.core.errors import InputError, MissingCheckpointError
from common.face3d.heads.flame import Flame
from rigface.__main__ import main
from rigface.released.files import FOLDER, WANTED, find_files

NEEDED = [key for key, wanted in WANTED.items() if wanted.needed]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def put(folder: Path, *keys: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for key in keys:
        (folder / WANTED[key].names[0]).touch()
    return folder


def test_every_missing_file_is_listed_with_its_terms_and_its_place(tmp_path):
    with pytest.raises(MissingCheckpointError) as caught:
        find_files(put(tmp_path / "mine", "deca"))
    message = str(caught.value)
    for key, wanted in WANTED.items():
        assert (wanted.names[0] in message) == (key != "deca")
        assert (f"{wanted.what}\n      terms:  {wanted.licence}\n      get it: {wanted.where}" in message) == (
            key != "deca"
        )
    assert "FLAME_albedo_from_BFM.npz (optional)" in message
    assert f"put them into {tmp_path / 'mine'}" in message
    assert "embedded" in message
    assert "coefficients=" in message


def test_without_a_folder_they_are_looked_for_where_models_live(home):
    with pytest.raises(MissingCheckpointError, match=FOLDER):
        find_files()
    files = find_files(put(home / FOLDER, *NEEDED) and None)
    assert files["flame"] == home / FOLDER / "generic_model.pkl"
    assert sorted(files) == sorted(NEEDED)


def test_a_users_folder_comes_first_and_the_rest_is_filled_in(tmp_path, home):
    put(home / FOLDER, *NEEDED)
    put(home / "mengtingwei--magicface" / "utils/checkpoints/third_party", "template")
    files = find_files(put(tmp_path / "mine", "deca", "texture"))
    assert files["deca"] == tmp_path / "mine" / "deca_model.tar"
    assert files["texture"] == tmp_path / "mine" / "FLAME_texture.npz"
    assert files["d3dfr"] == home / FOLDER / "d3dfr_res50_nofc.pth"
    assert files["template"].is_relative_to(home / "mengtingwei--magicface")


def test_folders_may_be_laid_out_as_the_releases_are(tmp_path):
    put(tmp_path / "data", "deca", "landmarks", "texture")
    put(tmp_path / "FLAME2020", "flame")
    put(tmp_path / "utils" / "checkpoints" / "third_party", "d3dfr")
    files = find_files(str(tmp_path))
    assert all(path.is_file() for path in files.values())
    assert sorted(files) == sorted([*NEEDED, "texture"])


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with refused(InputError, "missing", actual=str(tmp_path / "elsewhere")):
        find_files(tmp_path / "elsewhere")


def test_converted_files_come_first(tmp_path, capsys):
    put(tmp_path, *NEEDED)
    (tmp_path / "generic_model.pkl").write_bytes((GOLDEN / "preparation" / "flame_model.pkl").read_bytes())
    assert main(["convert", str(tmp_path / "generic_model.pkl")]) == 0
    files = find_files(tmp_path)
    assert files["flame"] == tmp_path / "generic_model.safetensors"
    assert files["landmarks"] == tmp_path / "landmark_embedding.npy"
    assert torch.equal(Flame.from_file(files["flame"]).mean, Flame.from_file(tmp_path / "generic_model.pkl").mean)
    assert main(["convert", str(tmp_path / "absent.pkl")]) == 3
    assert main(["convert", str(files["flame"])]) == 2
