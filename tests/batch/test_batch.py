"""Batches: what is read, what is refused, and that no edit is lost or made twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from counting import REQUESTS, Painter
from PIL import Image
from refusals import refused
from runs import ENVIRONMENT, ROOT

from common.batch.folder import inside, samples
from common.batch.names import check_name
from common.batch.plan import plan, read_jobs, read_requests
from common.batch.run import run
from common.core.errors import FaceEditError, InputError
from common.facs.action_units import to_vector
from magicface import __main__ as command
from magicface import edit

FACES = ROOT / "examples" / "portraits"


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for name in ("a.png", "b.jpg", "more/a.png"):
        Image.new("RGB", (16, 16), "grey").save(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    return folder


def manifest(folder: Path, rows: list) -> Path:
    path = folder / "list.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_a_folder_is_its_pictures(photos):
    jobs, faults = read_jobs(photos)
    assert [job.name for job in jobs] == ["a", "b", "more-a"]
    assert faults == []


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_a_manifest_says_which_face_and_what(photos, kind):
    path = photos / f"list.{kind}"
    rows = [{"photo": "a.png", "face": "1", "name": "first"}, {"photo": "more/a.png", "request": "happy"}]
    if kind == "csv":
        path.write_text("photo,face,name,request\na.png,1,first,\nmore/a.png,,,happy\n")
    else:
        path.write_text(json.dumps(rows) if kind == "json" else "\n".join(map(json.dumps, rows)))
    (one, other), faults = read_jobs(path)
    assert (one.name, one.face, one.request) == ("first", 1, None)
    assert (other.name, other.face, other.request) == ("more-a", "largest", "happy")
    assert faults == []


@pytest.mark.parametrize(
    ("row", "code", "named"),
    [
        ({"photo": "../secret.png"}, "outside", "../secret.png"),
        ({"photo": "/etc/passwd"}, "outside", "/etc/passwd"),
        ({"photo": "a.png", "name": "../out"}, "format", "../out"),
        ({"photo": "a.png", "name": "x/y"}, "format", "x/y"),
        ({"photo": "none.png"}, "missing", "none.png"),
        ({"name": "x"}, "missing", "photo"),
        (17, "type", "17"),
        ({"photo": "a.png", "colour": "red"}, "unknown", "colour"),
        ({"photo": "a.png", "face": "nose"}, None, "nose"),
    ],
)
def test_bad_rows_are_reported_and_the_others_continue(photos, row, code, named):
    jobs, (fault,) = read_jobs(manifest(photos, [row, {"photo": "b.jpg"}]))
    assert [job.name for job in jobs] == ["b"]
    assert fault.where == "list.jsonl, line 1"
    assert code in (None, fault.code)
    assert named in fault.why


def test_links_are_followed_for_reading_and_never_for_writing(photos, tmp_path):
    (tmp_path / "secret.png").write_bytes((photos / "a.png").read_bytes())
    (photos / "link.png").symlink_to(tmp_path / "secret.png")
    (photos / "gone.png").symlink_to(tmp_path / "nowhere")
    jobs, (fault,) = read_jobs(photos)
    assert [job.name for job in jobs] == ["a", "b", "link", "more-a"]
    assert (fault.where, fault.code) == (str(photos / "gone.png"), "missing")
    with refused(InputError, "outside", actual="more/../../secret.png"):
        inside(photos, "more/../../secret.png")
    folder, outside = tmp_path / "run", tmp_path / "outside"
    outside.mkdir()
    (folder / "edits").mkdir(parents=True)
    (folder / "edits" / "link").symlink_to(outside)
    with refused(InputError, "outside", expected=folder):
        run(plan(jobs[2:3], REQUESTS), partial(Painter, folder), folder, {}, progress=False)
    assert not list(outside.iterdir())
    for name in ("", ".", "a/b", "a\\b", "x" * 200, "a..b", "nul\0", "-x"):
        with refused(InputError, "format", actual=name):
            check_name(name)


def test_a_snapshot_of_the_hub_is_a_folder_of_pictures(photos, tmp_path):
    """Each file is a link to a blob without a suffix; folders may be linked, in a circle even."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    blobs.mkdir()
    (snapshot / "train").mkdir(parents=True)
    for number, name in enumerate(("one.png", "train/two.png")):
        (blobs / f"{number}").write_bytes((photos / "a.png").read_bytes())
        (snapshot / name).symlink_to(os.path.relpath(blobs / f"{number}", (snapshot / name).parent))
    (snapshot / "more").symlink_to(photos)
    (snapshot / "round").symlink_to(snapshot)
    (snapshot / "list.csv").write_text(f"photo\none.png\n{snapshot}/train/two.png\n{photos}/a.png\nmore/a.png\n")
    jobs, faults = read_jobs(snapshot)
    assert ([job.name for job in jobs], faults) == (["more-a", "more-b", "more-more-a", "one", "train-two"], [])
    jobs, faults = read_jobs(snapshot / "list.csv")
    assert faults == []
    assert [job.name for job in jobs][:2] == ["one", "train-two"]
    assert all(job.photo.is_file() for job in jobs)
    folder = tmp_path / "run"
    counts = run(plan(jobs, REQUESTS), partial(Painter, folder), folder, {}, progress=False)
    assert counts == {"done": 5 * len(jobs), "failed": 0}


def test_what_a_folder_leaves_out_is_told_in_one_line(photos, caplog):
    (photos / "clip.mov").write_text("")
    (photos / "._a.png").write_text("")
    (photos / "more" / "README").write_text("")
    read_jobs(photos)
    (line,) = caplog.messages
    assert all(kind in line for kind in ("4", "1 .mov", "1 .txt", "1 hidden", "1 without a suffix"))


@pytest.mark.parametrize(
    ("name", "text", "names"),
    [
        ("w.txt", "AU12=3\nangry:0.7  # a share\nglad: AU6=2,AU12=3\n\n", ["AU12=3", "angry-0.7", "glad"]),
        ("w.json", '{"smile": {"AU12": 3}, "frown": "AU4=2"}', ["smile", "frown"]),
        ("w.json", '["happy", {"AU4": 2}]', ["happy", "AU4-2"]),
        ("w.csv", "name,request\nsmile,AU12=3\n", ["smile"]),
        ("w.jsonl", '{"name": "smile", "request": [0,0,0,0,0,0,3,0,0,0,0,0]}', ["smile"]),
    ],
)
def test_requests_are_read_in_every_form(tmp_path, name, text, names):
    (tmp_path / name).write_text(text)
    assert list(read_requests(tmp_path / name, to_vector)) == names


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("w.txt", "AU3=1"), ("w.txt", "x: AU12=1\nx: AU12=2"), ("w.txt", ""), ("w.json", "7"), ("w.json", "{"),
        ("w.csv", "name\nx"), ("w.xml", "<a/>"), ("w.txt", "../x: AU12=1"),
    ],
)  # fmt: skip
def test_what_are_no_requests_is_refused(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError):
        read_requests(tmp_path / name, to_vector)


def painted(folder: Path) -> list[str]:
    return (folder.parent / "painted.txt").read_text().split()


def finished(folder: Path, names: list[str]) -> None:
    """Every edit is there, whole, with one line that says so."""
    rows = samples(folder)
    assert sorted(rows) == sorted(f"{name}/{request}" for name in names for request in REQUESTS)
    for key, row in rows.items():
        with Image.open(folder / row["output"]) as picture:
            assert picture.getpixel((0, 0)) == (10 * REQUESTS[key.split("/")[1]]["AU12"], 0, 0)
    assert not list(folder.rglob(".*")), "nothing half-written is left"


def written(folder: Path) -> int:
    """How many lines there are; those that are being merged count twice."""
    with contextlib.suppress(FileNotFoundError):
        return sum(path.read_bytes().count(b"\n") for path in folder.glob("samples*.jsonl"))
    return 0


def test_killed_at_any_moment_it_loses_nothing(tmp_path):
    """SIGKILL after random times, until the run has ended by itself."""
    photos, folder = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    names = [f"p{number:02d}" for number in range(40)]
    for name in names:
        Image.new("RGB", (16, 16), "grey").save(photos / f"{name}.png")
    program = [sys.executable, str(Path(__file__).with_name("counting.py")), str(photos), str(folder)]
    rng, kills = random.Random(0), 0
    for _ in range(60):
        process = subprocess.Popen(program, env=ENVIRONMENT, cwd=ROOT)
        until, before = time.monotonic() + 30, written(folder)
        while process.poll() is None and time.monotonic() < until:
            if kills < 6 and written(folder) > before:
                time.sleep(rng.random() * 0.15)
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.001)
        if process.wait() == 0:
            break
    assert kills >= 3
    finished(folder, names)
    assert len(painted(folder)) <= len(names) * len(REQUESTS) + 2 * kills, "at most the batch in work is made again"


def test_a_finished_run_has_nothing_to_do(photos, tmp_path):
    folder, jobs = tmp_path / "run", read_jobs(photos)[0]
    for _ in range(2):
        counts = run(plan(jobs, REQUESTS), partial(Painter, folder), folder, {"a": 1}, progress=False)
        assert counts == {"done": 15, "failed": 0}
    assert len(painted(folder)) == 15
    with refused(InputError, "conflict", expected={"a": 1}, actual={"a": 2}):
        run(plan(jobs, REQUESTS), partial(Painter, folder), folder, {"a": 2}, progress=False)
    (folder / "edits" / "a" / "request3.png").unlink()
    run(plan(jobs, REQUESTS), partial(Painter, folder), folder, {"a": 1}, progress=False)
    assert painted(folder)[15:] == ["a/request3"]


def test_a_torn_line_is_made_again_and_a_damaged_one_told(photos, tmp_path):
    folder, jobs = tmp_path / "run", read_jobs(photos)[0]
    run(plan(jobs, REQUESTS), partial(Painter, folder), folder, {}, progress=False)
    lines = (folder / "samples.jsonl").read_bytes()
    (folder / "samples.jsonl").write_bytes(lines[:-20])
    run(plan(jobs, REQUESTS), partial(Painter, folder), folder, {}, progress=False)
    finished(folder, ["a", "b", "more-a"])
    (folder / "samples.jsonl").write_bytes(b"{broken}\n" + lines)
    with pytest.raises(InputError, match=r"line 1"):
        run(plan(jobs, REQUESTS), partial(Painter, folder), folder, {}, progress=False)


def test_one_bad_request_takes_no_other_along(photos, tmp_path):
    class Picky(Painter):
        def edit(self, subject, requests):
            if any(request["AU12"] == 2 for request in requests):
                raise FaceEditError("not two")
            return super().edit(subject, requests)

    folder, jobs = tmp_path / "run", read_jobs(photos)[0]
    assert run(plan(jobs, REQUESTS), partial(Picky, folder), folder, {}, progress=False) == {"done": 12, "failed": 3}
    assert run(plan(jobs, REQUESTS), partial(Painter, folder), folder, {}, progress=False) == {"done": 12, "failed": 3}
    assert run(plan(jobs, REQUESTS), partial(Painter, folder), folder, {}, again=True, progress=False)["done"] == 15


def test_the_command_edits_a_folder(tmp_path, capsys):
    """With warps: two people, a file that is no picture, and a picture without a face."""
    photos, folder = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    for name in ("calm", "frown"):
        (photos / f"{name}.jpg").write_bytes((FACES / f"{name}.jpg").read_bytes())
    (photos / "broken.png").write_text("no picture")
    Image.new("RGB", (64, 64), "grey").save(photos / "nobody.png")
    (tmp_path / "requests.txt").write_text("smile: AU6=2,AU12=3\nangry:0.7\n")
    asked = ["batch", str(photos), "--requests", str(tmp_path / "requests.txt"), "-q", "--engine", "warp"]
    asked += ["--no-watermark"]
    assert command.main([*asked, "--inspect"]) == 1
    text = capsys.readouterr().out
    assert re.findall(r"\d+", text.splitlines()[0]) == ["4", "2"], "edits and photos that can be used"
    assert all(f"{name}.png: " in text for name in ("broken", "nobody"))
    assert command.main([*asked, "-o", str(folder), "--baseline"]) == 1
    assert sorted(path.name for path in (folder / "edits" / "calm").iterdir()) == [
        "angry-0.7.png", "smile.png", "unchanged.png",
    ]  # fmt: skip
    with Image.open(folder / "edits" / "frown" / "smile.png") as picture:
        true = edit(photos / "frown.jpg", "AU6=2,AU12=3", engine="warp", progress=False)
        assert np.array_equal(np.asarray(picture), np.asarray(true))
    rows = samples(folder)
    assert {row["state"] for key, row in rows.items() if key.startswith(("broken", "nobody"))} == {"failed"}
    assert rows["calm/smile"]["engine"] == "warp"
    assert len(rows["calm/smile"]["sha256"]) == 64
    assert command.main([*asked, "-o", str(folder), "--baseline", "--paste", "none"]) == 2
    assert "paste_back" in capsys.readouterr().err


def test_rigface_takes_light_and_pose(tmp_path):
    from rigface import __main__ as rigface
    from rigface.request import RigEdit

    (tmp_path / "requests.json").write_text(json.dumps({"lit": {"light": "azimuth=60"}, "glad": "happy"}))
    (tmp_path / "calm.jpg").write_bytes((FACES / "calm.jpg").read_bytes())
    (tmp_path / "list.csv").write_text("photo\ncalm.jpg\n")
    asked = [
        "batch",
        str(tmp_path / "list.csv"),
        "--requests",
        str(tmp_path / "requests.json"),
        "--engine",
        "warp",
        "-q",
    ]
    assert rigface.main([*asked, "-o", str(tmp_path / "run")]) == 0
    assert {row["state"] for row in samples(tmp_path / "run").values()} == {"done"}
    with pytest.raises(InputError):
        RigEdit.parse({"light": "azimuth=60", "AU12": 3})
    assert RigEdit.parse({"AU12": 3}) == RigEdit.parse("AU12=3")


def test_scores_are_measured_once_and_what_is_not_is_no_zero(tmp_path, capsys):
    """Of one person's warp, and of a picture in which the face is gone."""
    import csv

    photos, folder = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    (photos / "calm.jpg").write_bytes((FACES / "smile.jpg").read_bytes())
    (tmp_path / "requests.txt").write_text("smile: AU12=4\nangry: AU4=3\n")
    asked = ["batch", str(photos), "--requests", str(tmp_path / "requests.txt"), "-q", "--engine", "warp"]
    assert command.main([*asked, "-o", str(folder)]) == 0
    Image.new("RGB", (256, 256), "grey").save(folder / "edits" / "calm" / "angry.png")
    lines = []
    for _ in range(2):
        assert command.main(["score", str(folder), "-q"]) == 0
        lines.append((folder / "scores.jsonl").read_text())
    assert lines[0] == lines[1], "nothing is measured twice"
    smile, gone = csv.DictReader((folder / "scores.csv").read_text().splitlines())
    assert (smile["request"], gone["request"]) == ("smile", "angry")
    assert float(smile["AU12_after"]) - float(smile["AU12_before"]) > 1.5
    assert float(smile["AU12_wanted"]) == 4
    assert smile["error"] == "N/A"
    assert gone["AU12_after"] == gone["yaw_change"] == "N/A"
    assert gone["error"] != "N/A"
    assert command.main(["score", str(photos), "-q"]) == 2
    assert str(photos) in capsys.readouterr().err
