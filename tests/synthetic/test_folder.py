from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from breadth import breadth
from PIL import Image
from refusals import refused

from common.core.errors import FaceEditError, InputError
from common.core.files import alone
from common.facs.action_units import ACTION_UNITS
from common.synthetic.__main__ import main
from common.synthetic.data.draw import draw_scene
from common.synthetic.data.folder import MAPS, write
from common.synthetic.render import picture

sys.path.insert(0, str(Path(__file__).parent))
import stand_in


@pytest.fixture
def quick(monkeypatch):
    """Pictures that cost nothing; the list of scenes that were made."""
    made = []

    def make(scene, size):
        made.append(scene)
        return stand_in.make(scene, size)

    monkeypatch.setattr(picture, "make", make)
    return made


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_holds_pictures_and_rows(quick, tmp_path):
    assert write(tmp_path / "new", 3, size=32, progress=False) == 3
    found = rows(tmp_path / "new")
    assert sorted(content(tmp_path / "new")) == [
        "image-000000.png", "image-000001.png", "image-000002.png", "metadata.jsonl", "settings.json",
    ]  # fmt: skip
    for index, row in enumerate(found):
        assert next(iter(row)) == "file_name"
        assert row["file_name"] == f"image-{index:06d}.png"
        assert (
            np.array(Image.open(tmp_path / "new" / row["file_name"])) == stand_in.make(quick[index], 32).image
        ).all()
        assert row["index"] == index
        assert row["factors"] == json.loads(json.dumps(quick[index].to_dict()))
        assert list(row["action_units"]) == list(ACTION_UNITS)
        assert np.allclose(list(row["action_units"].values()), np.mean(quick[index].units, 0), atol=1e-4)
        assert list(row["angles"].values()) == list(quick[index].angles)
        assert np.shape(row["light"]) == (9, 3)
        assert np.shape(row["landmarks"]) == (68, 2)
        assert len(row["landmarks_visible"]) == 68
        assert row["caption"].startswith("a ")


def kinds(value):
    """Types of a row's leaves, as a loader would infer them."""
    if isinstance(value, dict):
        return {key: kinds(item) for key, item in value.items()}
    if isinstance(value, list):
        (kind,) = {json.dumps(kinds(item), sort_keys=True, default=str) for item in value}
        return [kind]
    return type(value)


def test_all_rows_have_the_same_types(quick, tmp_path):
    write(tmp_path, 12, size=32, pairs="pose", maps=True, progress=False)
    assert all(kinds(row) == kinds(rows(tmp_path)[0]) for row in rows(tmp_path))


def test_pairs_come_as_two_rows(quick, tmp_path):
    write(tmp_path, 3, size=32, pairs="expression", progress=False)
    found = rows(tmp_path)
    assert [(row["pair"], row["role"]) for row in found] == [(i, r) for i in range(3) for r in ("source", "target")]
    assert found[2]["factors"]["person"] == found[3]["factors"]["person"]
    assert found[2]["action_units"] != found[3]["action_units"]
    assert all((tmp_path / row["file_name"]).is_file() for row in found)


def test_maps_stand_in_columns_that_loaders_read(quick, tmp_path):
    write(tmp_path, 2, size=32, maps=True, progress=False)
    for row, scene in zip(rows(tmp_path), quick):
        expected = stand_in.make(scene, 32)
        assert [key for key in row if key.endswith("_file_name")] == [f"{kind}_file_name" for kind in MAPS]
        for kind in MAPS:
            found = np.array(Image.open(tmp_path / row[f"{kind}_file_name"]))
            value = np.rint(expected.alpha * 255) if kind == "mask" else getattr(expected, kind)
            assert (found == value).all()


def test_a_finished_folder_is_left_alone(quick, tmp_path):
    write(tmp_path, 3, size=32, progress=False)
    before = content(tmp_path)
    quick.clear()
    assert write(tmp_path, 3, size=32, progress=False) == 0
    assert not quick
    assert content(tmp_path) == before


def test_what_is_missing_or_broken_is_made_again(quick, tmp_path):
    write(tmp_path, 5, size=32, pairs="light", maps=True, progress=False)
    before = content(tmp_path)
    (tmp_path / "source-000001.png").unlink()
    broken = tmp_path / "parts" / "target-000003.png"
    broken.write_bytes(broken.read_bytes()[:-20])
    lines = (tmp_path / "metadata.jsonl").read_bytes()
    (tmp_path / "metadata.jsonl").write_bytes(lines[:-100])  # half a line at the end: item 4
    (tmp_path / f".{'a' * 32}.png").write_bytes(b"left over")
    assert write(tmp_path, 5, size=32, pairs="light", maps=True, progress=False) == 3
    assert content(tmp_path) == before


def test_an_error_half_way_leaves_a_sound_folder(quick, tmp_path, monkeypatch):
    calls = iter(range(100))

    def fails(scene, size):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return stand_in.make(scene, size)

    monkeypatch.setattr(picture, "make", fails)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a", 6, size=32, progress=False)
    assert [row["index"] for row in rows(tmp_path / "a")] == [0, 1, 2]
    assert write(tmp_path / "a", 6, size=32, progress=False) == 3
    write(tmp_path / "b", 6, size=32, progress=False)
    assert content(tmp_path / "a") == content(tmp_path / "b")


@pytest.mark.parametrize("changes", [{"size": 48}, {"seed": 1}, {"count": 4}, {"maps": True}, {"pairs": "pose"}])
def test_other_arguments_are_refused(quick, tmp_path, changes):
    write(tmp_path, 3, size=32, progress=False)
    before = content(tmp_path)
    with pytest.raises(InputError) as caught:
        write(tmp_path, **({"count": 3, "size": 32, "progress": False} | changes))
    assert caught.value.code == "conflict"
    name, value = next(iter(changes.items()))
    started, asked = caught.value.expected, caught.value.actual
    assert isinstance(started, dict)
    assert isinstance(asked, dict)
    assert started[name] != asked[name] == value
    assert content(tmp_path) == before


def test_folders_that_are_not_ours_are_refused(quick, tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"photo")
    with refused(InputError, "conflict"):
        write(tmp_path, 3, size=32, progress=False)
    with refused(InputError, "type", expected="a folder"):
        write(tmp_path / "holiday.jpg", 3, size=32, progress=False)
    (tmp_path / "settings.json").write_text("[1]")
    with refused(InputError, "unreadable"):
        write(tmp_path, 3, size=32, progress=False)
    with refused(FaceEditError, "unwritable"):
        write(tmp_path / "holiday.jpg" / "under", 3, size=32, progress=False)


def test_the_command_line(quick, tmp_path, capsys):
    arguments = ["--count", "2", "--size", "32", "--output", str(tmp_path / "x"), "--workers", "1"]
    assert main(arguments) == 0
    assert "complete: 2" in capsys.readouterr().err
    assert len(rows(tmp_path / "x")) == 2
    assert main([*arguments, "--seed", "3"]) == 2
    assert "other arguments" in capsys.readouterr().err
    assert main([*arguments[:-1], "0"]) == 2
    for wrong in (["--count", "0"], ["--count", "5", "--size", "7"], ["--count", "5", "--people", "0"]):
        assert main([*wrong, "--output", str(tmp_path / "y")]) == 2
    assert not (tmp_path / "y").exists()
    with pytest.raises(SystemExit) as stop:
        main(["--count", "2", "--output", "x", "--pairs", "smile"])
    assert stop.value.code == 2


MANY = 12  # so that there is time to kill a run in its middle, on a busy machine too


def command(folder: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "common.synthetic",
        "--count",
        str(MANY),
        "--size",
        "32",
        "--output",
        str(folder),
        "--workers",
        "2",
    ]


def listen() -> None:
    """Whoever starts the tests in the background has them ignore SIGINT, and so would a child."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(condition, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("signals", breadth([[signal.SIGKILL], [signal.SIGKILL, signal.SIGINT]]))
def test_a_killed_run_goes_on_to_the_same_folder(tmp_path, signals):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for number in signals:
        count = len(list(killed.glob("image-*.png"))) if killed.exists() else 0
        process = subprocess.Popen(command(killed), stderr=subprocess.PIPE, text=True, preexec_fn=listen)
        wait_for(lambda before=count: len(list(killed.glob("image-*.png"))) >= before + 2)
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
        wait_for(lambda found=children: not any(child.is_running() for child in found), 30)
    assert len(list(killed.glob("image-*.png"))) < MANY
    subprocess.run(command(killed), check=True, capture_output=True)
    write(whole, MANY, size=32, progress=False)
    assert content(killed) == content(whole)
    assert rows(whole)[7]["factors"]["lamps"]["key"] == draw_scene(0, 7).lamps.key


@pytest.mark.skipif(os.name == "nt", reason="no such locks")
def test_two_runs_do_not_write_to_one_folder(quick, tmp_path):
    with alone(tmp_path):
        with pytest.raises(InputError, match=re.escape(str(tmp_path))), alone(tmp_path):
            pass
        with pytest.raises(InputError, match=re.escape(str(tmp_path))):
            write(tmp_path, 3, size=32, progress=False)
    assert write(tmp_path, 3, size=32, progress=False) == 3
