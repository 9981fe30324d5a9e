"""Pictures of a batch, made again: their photos are found, and the run is left as it is."""

from __future__ import annotations

import shutil
from importlib import import_module

import pytest
from breadth import breadth
from refusals import refused
from runs import ROOT

from common.batch.folder import samples
from common.core.errors import InputError
from common.editing.redo import recorded_files, run_of, target_of

SAME = "the same picture, pixel for pixel"
FACE = ROOT / "examples" / "portraits" / "calm.jpg"
WAYS = {
    "magicface": ["--engine", "warp"],
    "rigface": ["--engine", "warp"],
    "fineface": ["--start", "warp", "--strength", "0", "--model", "embedded"],
}


def command(package: str, *arguments: object) -> int:
    return import_module(f"{package}.__main__").main([str(argument) for argument in arguments])


@pytest.fixture(scope="module", params=breadth(WAYS))
def project(request, tmp_path_factory):
    """Photos and a run of them, which was started with relative paths."""
    place = tmp_path_factory.mktemp("project")
    (place / "photos" / "more").mkdir(parents=True)
    shutil.copy(FACE, place / "photos" / "more" / "calm.jpg")
    (place / "requests.txt").write_text("smile: AU12=3\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        asked = ["batch", "photos", "--requests", "requests.txt", "-o", "run", "-q", "--no-watermark"]
        assert command(request.param, *asked, *WAYS[request.param]) == 0
    return request.param, place


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_from_anywhere_it_finds_the_photo_and_leaves_the_run(project, tmp_path, monkeypatch, capsys):
    package, place = project
    picture, before = place / "run" / "edits" / "more-calm" / "smile.png", files(place)
    monkeypatch.chdir(tmp_path)
    assert command(package, "redo", picture) == 0
    assert SAME in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["more-calm-smile-again.png"]
    assert command(package, "redo", picture, "-o", tmp_path / "here.png") == 0
    assert (tmp_path / "here.png").is_file()
    assert files(place) == before
    monkeypatch.chdir(place / "run" / "edits")
    assert command(package, "redo", picture) == 2
    assert "-o FILE" in capsys.readouterr().err
    assert files(place) == before


@pytest.mark.parametrize("way", ["both", "photos"])
def test_moved_photos_are_found(project, tmp_path, monkeypatch, capsys, way):
    package, place = project
    if package != "magicface":
        pytest.skip("the search is the same in all packages")
    shutil.copytree(place / "run", tmp_path / "moved" / "run")
    photos = tmp_path / "moved" / "photos" if way == "both" else tmp_path / "elsewhere"
    shutil.copytree(place / "photos", photos)
    lines = (tmp_path / "moved" / "run" / "samples.jsonl").read_text()
    (tmp_path / "moved" / "run" / "samples.jsonl").write_text(lines.replace(str(place), "/gone"))
    monkeypatch.chdir(tmp_path)
    picture = tmp_path / "moved" / "run" / "edits" / "more-calm" / "smile.png"
    if way == "photos":
        assert command(package, "redo", picture) == 2
        assert "--photos FOLDER" in capsys.readouterr().err
        assert command(package, "redo", picture, "--photos", tmp_path / "none") == 2
    assert command(package, "redo", picture, *(["--photos", photos] if way == "photos" else [])) == 0
    assert SAME in capsys.readouterr().err


def test_lines_of_other_programs_do_no_harm(tmp_path):
    (tmp_path / "run" / "edits").mkdir(parents=True)
    picture = tmp_path / "run" / "edits" / "a.png"
    (tmp_path / "run" / "samples.jsonl").write_text('[1]\n{"output": "edits/a.png", "photo": 7}\n{"cut')
    assert run_of(picture) == tmp_path / "run"
    assert recorded_files(picture, "photo") == []
    assert recorded_files(tmp_path / "b.png", "photo") == []
    assert (tmp_path / "run" / "samples.jsonl").read_text().endswith("cut"), "reading mends nothing"
    assert target_of(tmp_path / "b.png", None) == tmp_path / "b-again.png"
    assert target_of(tmp_path / "b.png", str(tmp_path)) == tmp_path / "b-again.png"
    with refused(InputError, "duplicate"):
        target_of(picture, str(picture))


def test_paths_in_the_lines_hold_from_everywhere(project):
    _, place = project
    (row,) = samples(place / "run").values()
    assert row["photo"] == str(place / "photos" / "more" / "calm.jpg")
