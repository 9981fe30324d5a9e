"""Batches of FineFace: prompts and photos, intensities that are requested and found, and runs that go on."""

from __future__ import annotations

import csv
import json
import re
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refused
from runs import ROOT

from common.batch.folder import samples
from common.batch.plan import PHOTOS, TEXTS, Job, read_jobs
from common.core.errors import InputError
from common.facs.action_units import to_vector
from fineface import __main__ as command
from fineface import generate
from fineface.__main__ import PROGRAM
from fineface.batch import FineFaceWorker, read_request
from magicface import __main__ as magicface

FACES = ROOT / "examples" / "portraits"
PROMPTS = ["a close-up of a woman with red hair", "a close-up of an old man"]
QUIET = ["--model", "embedded", "-q"]
"""Without weights that were fetched, and without bars."""


@pytest.fixture
def prompts(tmp_path) -> Path:
    path = tmp_path / "prompts.txt"
    path.write_text(f"{PROMPTS[0]}\n\n# a remark\n{PROMPTS[1]}  # likewise\n")
    return path


@pytest.fixture
def requests(tmp_path) -> Path:
    path = tmp_path / "requests.txt"
    path.write_text("smile: AU6=2,AU12=4\nangry:0.7\n")
    return path


def options(*arguments: str) -> Namespace:
    return PROGRAM.batches.parser().parse_args(["photos", "--steps", "2", *arguments])


def manifest(folder: Path, rows: list) -> Path:
    path = folder / "list.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_a_text_file_is_its_prompts(prompts):
    jobs, faults = read_jobs(prompts, TEXTS)
    assert [(job.name, job.photo, job.prompt) for job in jobs] == [
        ("a-close-up-of-a-woman-with-red-hair", None, PROMPTS[0]), ("a-close-up-of-an-old-man", None, PROMPTS[1]),
    ]  # fmt: skip
    assert faults == []
    with refused(InputError, "format", actual=prompts):
        read_jobs(prompts, PHOTOS)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_a_manifest_mixes_photos_and_prompts(tmp_path, kind):
    Image.new("RGB", (16, 16), "grey").save(tmp_path / "a.png")
    path = tmp_path / f"list.{kind}"
    rows = [
        {"photo": "a.png", "face": "1"},
        {"prompt": "a man", "name": "him", "identity": "a.png", "seed": 3, "request": "sad"},
    ]
    if kind == "csv":
        path.write_text("photo,prompt,name,face,identity,seed,request\na.png,,,1,,,\n,a man,him,,a.png,3,sad\n")
    else:
        path.write_text(json.dumps(rows) if kind == "json" else "\n".join(map(json.dumps, rows)))
    (photo, prompt), faults = read_jobs(path, TEXTS)
    assert photo == Job("a", tmp_path / "a.png", 1)
    assert prompt == Job("him", prompt="a man", people=(tmp_path / "a.png",), seed=3, request="sad")
    assert faults == []


@pytest.mark.parametrize(
    ("row", "code", "named"),
    [
        ({"photo": "a.png", "prompt": "a man"}, "conflict", "prompt"),
        ({"prompt": 7}, "type", "7"),
        ({"prompt": "a man", "seed": -1}, None, "seed"),
        ({"prompt": "a man", "seed": "x"}, None, "seed"),
        ({"photo": "a.png", "seed": 1}, "conflict", "seed"),
        ({"prompt": ""}, "missing", "photo"),
        ({"prompt": "a man", "identity": "none.png"}, "missing", "none.png"),
        ({"prompt": "x", "identity": "../x"}, "outside", "../x"),
        ({"prompt": "x", "face": 1}, "conflict", "face"),
        ({"photo": "a.png", "identity": "a.png"}, "conflict", "identity"),
        ({"photo": "a.png", "background": "a.png"}, "unknown", "background"),
    ],
)
def test_bad_rows_are_reported_and_the_others_continue(tmp_path, row, code, named):
    Image.new("RGB", (16, 16), "grey").save(tmp_path / "a.png")
    jobs, (fault,) = read_jobs(manifest(tmp_path, [row, {"prompt": "a man"}]), TEXTS)
    assert [job.prompt for job in jobs] == ["a man"]
    assert fault.where == "list.jsonl, line 1"
    assert code in (None, fault.code)
    assert named in fault.why


def test_editors_of_photos_refuse_prompts(tmp_path, requests, capsys):
    (tmp_path / "calm.jpg").write_bytes((FACES / "calm.jpg").read_bytes())
    path = manifest(tmp_path, [{"prompt": "a man"}, {"photo": "calm.jpg", "prompt": None}])
    assert magicface.main(["batch", str(path), "--requests", str(requests), "--inspect", "-q"]) == 1
    text = capsys.readouterr().out
    assert re.findall(r"\d+", text.splitlines()[0]) == ["2", "1"], "edits and photos"
    assert f"{path.name}, line 1: " in text
    _, (fault,) = read_jobs(path, PHOTOS)
    assert fault.code == "conflict"


def test_a_request_is_intensities_and_for_photos_a_prompt():
    for value in ("AU12=3", {"AU12": 3}, {"aus": "AU12=3"}, to_vector("AU12=3")):
        assert read_request(value).aus.values == tuple(to_vector("AU12=3"))
        assert read_request(value).prompt is None
    assert read_request({"aus": {"AU12": 3}, "prompt": "in the rain"}).prompt == "in the rain"
    assert not any(read_request({}).aus)
    for value in ({"prompt": "x"}, {"aus": {}, "prompt": 3}, {"aus": {}, "x": 1}, "AU12=11", "AU3=1", {"aus": "x"}):
        with pytest.raises(InputError):
            read_request(value)


@pytest.mark.slow
def test_prompts_are_made_and_a_run_goes_on(prompts, requests, tmp_path, capsys):
    """The embedded model; a picture that is taken away comes back as it was."""
    folder = tmp_path / "run"
    asked = [
        "batch",
        str(prompts),
        "--requests",
        str(requests),
        "-o",
        str(folder),
        *QUIET,
        *("--steps", "2", "--guidance", "1"),
    ]
    assert command.main([*asked, "--baseline"]) == 0
    rows = samples(folder)
    assert [row["request"] for row in rows.values()] == [{}, "AU6=2,AU12=4", "angry:0.7"] * 2
    row = rows["a-close-up-of-an-old-man/smile"]
    assert (row["photo"], row["prompt"], row["state"]) == (None, PROMPTS[1], "done")
    picture = folder / row["output"]
    alone = generate(PROMPTS[1], "AU6=2,AU12=4", steps=2, guidance=1, seed=424, progress=False, model="embedded")
    assert np.abs(pixels(picture) - np.asarray(alone)).mean() < 3, "but for rounding, and the mark in saved pictures"
    assert np.abs(pixels(folder / row["output"].replace("smile", "neutral")) - np.asarray(alone)).mean() > 4
    before = pixels(picture)
    picture.unlink()
    assert command.main([*asked, "--baseline"]) == 0
    assert np.abs(pixels(picture) - before).mean() < 0.5
    capsys.readouterr()
    assert command.main([*asked, "--seed", "5"]) == 2
    printed = capsys.readouterr().err
    assert "{'seed': 424}" in printed
    assert "{'seed': 5}" in printed
    assert command.main(["score", str(folder), "-q"]) == 0
    table = list(csv.DictReader((folder / "scores.csv").read_text().splitlines()))
    assert [line["prompt"] for line in table] == [PROMPTS[0]] * 3 + [PROMPTS[1]] * 3
    for line in table:
        assert line["AU12_before"] == line["yaw_change"] == line["identity"] == "N/A"
        assert line["wanted_is"] == "intensity"
        assert 0 <= float(line["AU12_wanted"]) <= 5
        assert -90 < float(line["yaw"]) < 90, "of the picture alone"
        assert abs(float(line["AU12_after"])) < 8


def test_photos_are_made_anew_and_scored_against_the_request(tmp_path, capsys):
    """From warps alone, beside a picture without a face: a smile that is taken away, and one that is requested."""
    photos, folder = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    (photos / "calm.jpg").write_bytes((FACES / "calm.jpg").read_bytes())
    Image.new("RGB", (64, 64), "grey").save(photos / "nobody.png")
    (tmp_path / "w.json").write_text(json.dumps({"none": {}, "smile": {"aus": "AU12=4", "prompt": "a smile"}}))
    asked = ["batch", str(photos), "--requests", str(tmp_path / "w.json"), "--start", "warp", "--strength", "0", *QUIET]
    assert command.main([*asked, "--inspect"]) == 1
    assert re.findall(r"\d+", capsys.readouterr().out.splitlines()[0]) == ["2", "1"], "edits and photos"
    assert command.main([*asked, "-o", str(folder)]) == 1
    rows = samples(folder)
    assert {key: row["state"] for key, row in rows.items()} == {
        "calm/none": "done", "calm/smile": "done", "nobody/none": "failed", "nobody/smile": "failed",
    }  # fmt: skip
    assert (rows["calm/smile"]["engine"], rows["calm/smile"]["faceid"]) == ("warp", False)
    assert command.main(["score", str(folder), "-q"]) == 0
    none, smile = csv.DictReader((folder / "scores.csv").read_text().splitlines())
    assert (none["AU12_wanted"], smile["AU12_wanted"], smile["wanted_is"]) == ("0.0", "4.0", "intensity")
    assert none["AU12_before"] == smile["AU12_before"]
    assert float(smile["AU12_after"]) - float(none["AU12_after"]) > 1.5


class Recorder:
    """An editor that tells what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple] = []

    def made(self, prompt, requests, seed):
        self.asked.append((prompt, len(requests), seed))
        pictures = [Image.new("RGB", (8, 8)) for _ in requests]
        for picture, request in zip(pictures, requests):
            picture.info |= {"prompt": prompt, "aus": request}
        return pictures

    def edit(self, subject, aus, prompt, seed, **options):
        return self.made(prompt, aus, seed)

    def draw(self, pairs, options, **others):
        return self.made(pairs[0][0], [request for _, request in pairs], options.seed)


def test_each_request_gets_its_prompt_and_each_prompt_its_seed():
    worker = FineFaceWorker(Recorder(), options("--prompt", "anybody"))  # type: ignore[arg-type]
    requests = ["AU12=1", {"aus": "AU12=2", "prompt": "him"}, "AU12=3", {"aus": "AU12=4", "prompt": "him"}]
    made = worker.edit(None, requests)  # type: ignore[arg-type]
    assert [picture.info["prompt"] for picture in made] == ["anybody", "him"] * 2
    assert [picture.info["aus"] for picture in made] == [read_request(request).aus for request in requests]
    text = worker.encode(Job("x", prompt="a man", seed=9))
    worker.edit(text, ["AU12=1"])
    worker.edit(replace(text, seed=None), ["AU12=1"])  # type: ignore[type-var]
    assert worker.editor.asked == [("anybody", 2, 424), ("him", 2, 424), ("a man", 1, 9), ("a man", 1, 424)]
    with pytest.raises(InputError):
        worker.edit(text, requests)


def test_the_settings_name_the_variant_that_is_meant(tmp_path, monkeypatch):
    """Whatever is fetched later: a run does not go on with another model."""
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))

    def variant(*jobs: Job) -> str:
        return PROGRAM.batches.settings(PROGRAM.batches.check(options(), jobs))["variant"]

    prompt, photo = Job("x", prompt="a man"), Job("y", tmp_path / "y.png")
    assert variant(prompt) == "whole"
    assert variant(replace(prompt, people=(tmp_path / "y.png",))) == "sd15-faceid"
    (tmp_path / "Tvaranka--fineface").mkdir()
    assert variant(prompt, photo) == "sd21"
    assert PROGRAM.batches.check(options("--variant", "sd15-faceid"), [prompt]).variant == "sd15-faceid"
    for wrong in (["--steps", "0"], ["--strength", "2"], ["--au-scale", "nan"], ["--guidance", "0.5"]):
        with pytest.raises(InputError):
            PROGRAM.batches.check(options(*wrong), [prompt])
