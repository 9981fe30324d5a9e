"""The examples on squares, in small form."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

import pandas as pd
import pytest
import square
from PIL import Image
from runs import ROOT, example

from surveillance import shares


@pytest.mark.slow
def test_a_made_square_is_watched(tmp_path, monkeypatch):
    for detector in ("forest", "neighbours"):
        monkeypatch.delitem(shares.DETECTORS, detector)
    printed = example("watch_square.py", "--weeks", 7, "--people", 5, "--output", tmp_path)
    assert "together" in printed
    with Image.open(tmp_path / "square.jpg") as sheet:
        assert sheet.size[0] == 1500
    truth = (tmp_path / "truth.txt").read_text().split()
    assert truth[1::2].count("1") == 8  # seven Wednesdays but one that was not recorded, and two more


@pytest.fixture
def cameras(tmp_path) -> Path:
    for name, market in (("north", 2), ("south", None)):
        square.write(tmp_path / "cameras" / name, square.weeks(3, market=market, tracks=4))
    (tmp_path / "cameras" / "empty").mkdir()
    return tmp_path / "cameras"


def test_each_of_many_cameras_is_a_row(cameras, tmp_path):
    watch = runpy.run_path(str(ROOT / "examples" / "watch_many_cameras.py"))["watch"]
    row = watch(cameras / "north", tmp_path / "out")
    assert (row["camera"], row["days"], row["fault"]) == ("north", 20, "")
    assert (tmp_path / "out" / row["page"]).is_file()
    assert "empty" in watch(cameras / "empty", tmp_path / "out")["fault"]


@pytest.mark.slow
def test_many_cameras_at_once(cameras, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    printed = example("watch_many_cameras.py", cameras, "-o", tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "cameras.csv").set_index("camera")
    assert list(table.index) == ["empty", "north", "south"]
    assert table["days"].tolist()[1:] == [20, 20]
    assert "3 of 3" in printed
