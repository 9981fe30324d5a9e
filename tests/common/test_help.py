"""What `doctor` and `licenses` say is complete, and follows what is on disk."""

from __future__ import annotations

import json
import re
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from common.diffusion.download import BASES
from common.diffusion.loading import MAGICFACE, RIGFACE
from common.parsing.hub import MODEL
from fineface.variants import FACEID_REPO, RELEASE, SD15_FACEID, SD21
from rigface.released.files import WANTED

README = (Path(__file__).parents[2] / "README.md").read_text()
PACKAGES = ("magicface", "rigface", "fineface")


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "models"))


def called(capsys, package: str, *arguments: str) -> str:
    capsys.readouterr()
    assert import_module(f"{package}.__main__").main(list(arguments)) == 0
    return capsys.readouterr().out


def rows(capsys, package: str) -> dict:
    return {row["name"]: row for row in json.loads(called(capsys, package, "doctor", "--json"))["weights"]}


@pytest.mark.parametrize("package", PACKAGES)
def test_both_commands_say_the_same_in_words_and_in_json(package, capsys):
    found, text = json.loads(called(capsys, package, "doctor", "--json")), called(capsys, package, "doctor")
    assert all(name in text for name in found["packages"])
    assert found["packages"]["torch"] in text
    terms, told = json.loads(called(capsys, package, "licenses", "--json")), called(capsys, package, "licenses")
    assert [row["name"] for row in terms] == [row["name"] for row in found["weights"]]
    for row in terms:
        assert row["name"] in text
        assert row["name"] in told
        assert row["licence"] in told
        assert row["commercial"] in ("yes", "no", "see terms")


def test_every_repository_that_is_asked_has_its_terms(capsys):
    asked = {
        "magicface": {MAGICFACE.repo, BASES[0], MODEL},
        "rigface": {RIGFACE.repo, BASES[0], MODEL},
        "fineface": {RELEASE, FACEID_REPO, SD21.bases[0], SD15_FACEID.bases[0], MODEL},
    }
    for package, repositories in asked.items():
        assert repositories <= {row["where"] for row in json.loads(called(capsys, package, "licenses", "--json"))}


def test_files_with_registration_say_where(capsys):
    found = json.loads(called(capsys, "rigface", "licenses", "--json"))
    places = {row["name"]: row["register"] for row in found}
    for wanted in WANTED.values():
        if wanted.where.startswith("register"):
            assert re.fullmatch(r"https://[\w.]+", places[wanted.what])


def test_the_readme_names_all_that_is_fetched(capsys):
    for package in PACKAGES:
        for row in json.loads(called(capsys, package, "licenses", "--json")):
            if re.fullmatch(r"[\w.-]+/[\w.-]+", row["where"]):
                assert row["where"] in README, row["name"]


def test_what_is_on_disk_is_seen(model_folder, tmp_path, capsys):
    before = rows(capsys, "magicface")
    assert before["MagicFace"]["state"] == "missing"
    assert before["MagicFace inside"]["state"] == "inside"
    assert "ID_enc/config.json" in before["MagicFace"]["missing"]
    folder = tmp_path / "models" / "mengtingwei--magicface"
    shutil.copytree(model_folder, folder)
    after = rows(capsys, "magicface")
    assert after["MagicFace"]["state"] == "complete"
    assert after["MagicFace"]["missing"] == []
    (folder / "ID_enc" / "config.json").unlink()
    assert rows(capsys, "magicface")["MagicFace"]["state"] == "incomplete"


def test_what_is_missing_comes_with_its_command(capsys):
    for package in PACKAGES:
        text = called(capsys, package, "doctor")
        for row in json.loads(called(capsys, package, "doctor", "--json"))["weights"]:
            if row["state"] == "missing" and row["fetch"]:
                assert row["fetch"] in text
