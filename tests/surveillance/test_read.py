"""Tracks are read from all forms alike; unusable files are listed, and missing days are missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import square
from refusals import refused

from common.core.errors import InputError
from surveillance.reading import read_tracks, read_truth

QUIET = {"progress": False}


@pytest.fixture(scope="module")
def days():
    return square.weeks(3)


@pytest.fixture(scope="module")
def recording(days, tmp_path_factory):
    return read_tracks(square.write(tmp_path_factory.mktemp("square") / "tracks", days), **QUIET)


def test_all_points_are_there_once(recording, days):
    points = recording.points
    assert list(points) == ["day", "track", "frame", "x", "y"]
    assert len(points) == sum(len(rows) for day in days.values() for rows in day.values())
    assert recording.track_number[-1] + 1 == sum(map(len, days.values()))
    assert not points.duplicated(["day", "track", "frame"]).any()
    assert recording.size == square.SIZE
    assert recording.faults == ()


def test_days_that_were_not_recorded_are_missing(recording, days):
    assert list(recording.days) == list(days)
    assert len(recording.calendar) == 20  # the last day of the third week, the only gap, is at the end
    part = recording.between("2012-01-05", "2012-01-08")
    assert len(part.days) == 4
    assert set(part.points["day"].unique()) == set(part.days)
    assert np.array_equal(np.unique(part.day_number), np.arange(4))
    with refused(InputError, "empty"):
        recording.between("2013-01-01", "2013-02-01")


def test_order_of_lines_changes_nothing(recording, days, tmp_path):
    square.write(tmp_path, days, list(days)[::-1])
    for path in tmp_path.iterdir():
        lines = path.read_text().split("\n")
        path.write_text("\n".join(np.random.default_rng(0).permutation(lines)))
    again = read_tracks(tmp_path, **QUIET)
    assert again.points.reset_index(drop=True).equals(recording.points.reset_index(drop=True))


def test_csv_with_columns_of_ones_own(recording, tmp_path):
    table = recording.points.rename(columns={"day": "when", "track": "id", "x": "cx", "y": "cy"})
    table["when"] = pd.to_datetime(table["when"]) + pd.Timedelta(hours=11)
    table.assign(speed=1).to_csv(tmp_path / "all.csv", index=False)
    words = {"day": "when", "track": "id", "x": "cx", "y": "cy"}
    found = read_tracks(tmp_path / "all.csv", columns=words, size=square.SIZE, **QUIET)
    assert found.points.astype({"day": str}).equals(recording.points.reset_index(drop=True).astype({"day": str}))
    with pytest.raises(InputError, match="track, x, y"):
        read_tracks(tmp_path / "all.csv", **QUIET)
    with pytest.raises(InputError, match="speed"):
        read_tracks(tmp_path / "all.csv", columns={"speed": "speed"}, **QUIET)


def test_files_without_a_day_are_counted_from_a_start(recording, days, tmp_path):
    square.write(tmp_path / "dated", dict(list(days.items())[:3]))
    for number, path in enumerate(sorted((tmp_path / "dated").iterdir())):
        path.rename(tmp_path / f"clip-{number}.txt")
    with refused(InputError, "empty"):
        read_tracks(tmp_path, **QUIET)
    found = read_tracks(tmp_path, start="2020-02-28", **QUIET)
    assert [str(day.date()) for day in found.days] == ["2020-02-28", "2020-02-29", "2020-03-01"]
    same = recording.of(recording.days[:3])
    assert np.array_equal(found.points[["track", "x", "y"]], same.points[["track", "x", "y"]])


def test_a_picture_holds_some_of_the_points(days, tmp_path):
    folder = square.write(tmp_path, dict(list(days.items())[:1]))
    with refused(InputError, "range", actual=(9, 9)):
        read_tracks(folder, size=(9, 9), **QUIET)


def test_what_mot_challenge_does_not_consider_is_left_out(tmp_path):
    (tmp_path / "gt.txt").write_text("1,7,100,50,20,40,1,1,1\n1,8,10,10,20,40,0,3,1\n2,7,101,50,20,40,1,1,1\n")
    found = read_tracks(tmp_path, start="2020-01-01", **QUIET)
    assert found.points["track"].tolist() == [7, 7]


def test_boxes_of_mot_challenge_stand_on_their_feet(tmp_path):
    sequence = tmp_path / "MOT-2012-01-03" / "gt"
    sequence.mkdir(parents=True)
    (sequence / "gt.txt").write_text("1,7,100,50,20,40,1,1,0.9\n2,7,104,50,20,40,1,1,0.9\n1,9,10,10,10,10,1,1,1\n")
    (sequence.parent / "seqinfo.ini").write_text("[Sequence]\nimWidth=640\nimHeight=480\nframeRate=25\n")
    found = read_tracks(tmp_path, **QUIET)
    assert (found.size, found.fps) == ((640, 480), 25)
    assert list(found.days) == [pd.Timestamp("2012-01-03")]
    assert found.points[["track", "frame", "x", "y"]].to_numpy().tolist() == [
        [7, 1, 110, 90], [7, 2, 114, 90], [9, 1, 15, 20],
    ]  # fmt: skip


def test_files_that_cannot_be_used_are_listed_with_the_reason(days, tmp_path):
    date = next(iter(days))
    square.write(tmp_path, {date: days[date]})
    (tmp_path / "again").mkdir()
    for name, text in {
        "notes.txt": "1 2 3 4", "001_20120109.txt": "", "001_20120110.txt": "1 2 3\n4 5 6\n",
        "001_20120111.txt": "1 1 5 5\n1 2 x 5\n", "001_20121332.txt": "1 1 1 1", "photo.jpg": "x",
        f"again/001_{date:%Y%m%d}.txt": "1 1 5 5", "001_20120112.txt": "1 -1 5 5",
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text)
    found = {fault.file: fault.reason for fault in read_tracks(tmp_path, **QUIET).faults}
    assert found.pop("notes.txt") == "stray: no day in its name"
    assert found.pop("001_20120109.txt") == "empty"
    assert "expected 4 columns" in found.pop("001_20120110.txt")
    assert "row 2" in found.pop("001_20120111.txt")
    assert "20121332" in found.pop("001_20121332.txt")
    assert "neither .txt nor .csv" in found.pop("photo.jpg")
    assert "row 1" in found.pop("001_20120112.txt")
    (twice,) = found.values()  # of the two files of one day, the second
    assert twice.startswith("stray: ")
    assert f"{date:%Y-%m-%d}" in twice


def test_nothing_to_read_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("")
    with refused(InputError, "empty"):
        read_tracks(tmp_path, **QUIET)
    with refused(InputError, "missing"):
        read_tracks(tmp_path / "none", **QUIET)
    with refused(InputError, "unknown", actual="kitti"):
        read_tracks(tmp_path, form="kitti", **QUIET)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("form", ["de", "tabs", "trailing", "hinted", "spaced"])
def test_csv_of_any_spreadsheet(recording, tmp_path, caplog, encoding, form):
    """Semicolons and decimal commas of a German Excel, tabs of its Unicode text, separators at the ends of lines."""
    kept = recording.points.head(40)
    separator = {"de": ";", "hinted": ";", "tabs": "\t"}.get(form, ",")
    lines = [separator.join(str(cell) for cell in row) for row in kept.astype(str).itertuples(index=False)]
    if form in ("de", "hinted"):
        lines = [line.replace(".", ",") for line in lines]
    header = separator.join(["Day", "TRACK", " frame", "X", "Y "])
    end = separator * 2 if form == "trailing" else ""
    text = "\r\n".join([*(["sep=;"] if form == "hinted" else []), *(line + end for line in [header, *lines]), end])
    (tmp_path / "t.CSV").write_bytes(
        text.replace(",", ", ").encode(encoding) if form == "spaced" else text.encode(encoding)
    )
    found = read_tracks(tmp_path / "t.CSV", size=square.SIZE, **QUIET)
    right = kept.astype({"day": str}).reset_index(drop=True)
    assert found.points.astype({"day": str}).reset_index(drop=True).equals(right)
    assert len(caplog.messages) == (separator != "," or encoding == "utf-16")


def test_fields_that_the_header_does_not_name_are_no_index(tmp_path):
    (tmp_path / "20120101.csv").write_text("track,frame,x,y\n1,2,3,4,5\n1,3,3,4,5\n")
    with pytest.raises(InputError, match=r"\b5\b.*\b4\b"):
        read_tracks(tmp_path, **QUIET)
    (tmp_path / "20120101.csv").write_text("track,frame,x,X\n1,2,3,4\n")
    with pytest.raises(InputError, match=r" y\b"):
        read_tracks(tmp_path, **QUIET)
    (tmp_path / "20120101.csv").write_text("track,frame,x,y,x\n1,2,3,4,5\n")
    with pytest.raises(InputError, match="'x'"):
        read_tracks(tmp_path, **QUIET)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line", ["001_{} {}", "{},{}", "{};{}", "{}\t{}", '"{}";"{}";'])
def test_the_truth_of_any_spreadsheet(tmp_path, line, encoding):
    rows = [line.format(day, flag) for day, flag in (("2012-01-31", 1), ("20120201", 0))]
    (tmp_path / "truth.txt").write_bytes("\n".join(["day;unusual", *rows, ";;", ""]).encode(encoding))
    assert read_truth(tmp_path / "truth.txt").tolist() == [True, False]
