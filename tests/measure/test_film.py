"""Laws of reading films: times, order, gaps, blinks, one face of several, and tables of other tools."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from refusals import refused
from runs import ROOT

from common.core.errors import InputError
from common.faces import choose_face, get_detector
from common.faces.pose import HeadPose, head_pose, straightened
from common.faces.tracking import FaceTracker
from common.facs.action_units import ACTION_UNITS
from common.imaging.images import read_image
from common.imaging.videos import timed_frames
from common.measure.film import FilmReader, Tracks, read_film
from common.measure.film_chart import save_chart
from common.measure.film_csv import matched, read_csv, write_csv
from common.synthetic.data.draw import draw_scene
from common.synthetic.render.picture import make
from common.synthetic.scene.factors import Shot, Wear

av = pytest.importorskip("av")
FILM = ROOT.parent / "shared" / "film"
SMILES = (0.0, 2.5, 5.0, 3.5, 0.0)
TIMES = (0.0, 0.1, 0.2, 0.7, 0.8, 0.9, 1.6, 1.7)
"""Five smiles, a black frame, an open-eyed and a closed-eyed face."""


def drawn(smile: float, blink: float = 0.0) -> np.ndarray:
    """A person of 160 px."""
    scene = draw_scene(0, 0)
    side = [0.0] * len(scene.units[0])
    side[list(ACTION_UNITS).index("AU12")] = smile
    shot = Shot(view=18, face_height=0.5)
    units = (tuple(side), tuple(side))
    scene = replace(scene, wear=Wear(), angles=(0.0, 0.0, 0.0), blink=(blink, blink), shot=shot, units=units)
    return make(scene, 160).image


def write_film(path: Path, pictures: Sequence[np.ndarray], times: Sequence[float], index_first: bool = False) -> Path:
    """An mp4 whose frames have these time stamps in seconds."""
    with av.open(str(path), "w", options={"movflags": "faststart"} if index_first else {}) as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 8_000_000
        stream.codec_context.time_base = Fraction(1, 1000)
        for picture, time in zip(pictures, times):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture))
            frame.pts = round(time * 1000)
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def laid_on_its_side(path: Path, width: int) -> None:
    """Sets the display matrix of an mp4 as a telephone does: show it turned by a quarter clockwise."""
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4 + 40
    content[place : place + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, width << 16, 0, 1 << 30)
    path.write_bytes(content)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    smiles = [drawn(smile) for smile in SMILES]
    return [*smiles, np.zeros_like(smiles[0]), smiles[0], drawn(0.0, blink=1.0)]


@pytest.fixture(scope="module")
def film(pictures, tmp_path_factory):
    return read_film(write_film(tmp_path_factory.mktemp("film") / "film.mp4", pictures, TIMES))


def test_a_smile_rises_and_falls_at_the_films_own_times(film):
    for tracks in (film.tracks(), film.tracks(relative=True)):
        assert tracks.times == pytest.approx(TIMES, abs=0.002)
        assert np.argsort(tracks.of("AU12")[:4]).tolist() == [0, 1, 3, 2]
        assert np.ptp(tracks.of("AU12")[:4]) > 2
        assert np.abs(tracks.pose[:5]).max() < 25
        assert (tracks.reliability[:5, tracks.names.index("AU12")] > 0.3).all()
    assert film.tracks().of("AU12")[film.calm] < 1.5
    assert film.frames[2].reading["AU12"].left is not None


def test_a_frame_without_a_face_is_a_gap(film):
    tracks = film.tracks()
    assert tracks.found.tolist() == [True] * 5 + [False, True, True]
    assert np.isnan(tracks.units[5]).all()
    assert np.isnan(tracks.pose[5]).all()
    assert tracks.gaps == ((pytest.approx(0.9, abs=0.002),) * 2,)
    assert film.frames[5].reason == "no face"


def test_closed_eyes_are_a_blink(film):
    tracks = film.tracks()
    assert tracks.closed.tolist() == [False] * 7 + [True]
    assert tracks.blinks == ((pytest.approx(1.7, abs=0.002),) * 2,)
    assert tracks.openness[7].max() < tracks.openness[6].min() / 2


def test_a_telephones_film_is_read_upright(film, pictures, tmp_path):
    lying = write_film(tmp_path / "lying.mp4", [np.rot90(picture) for picture in pictures[:3]], TIMES)
    laid_on_its_side(lying, 160)
    first = next(iter(timed_frames(lying))).pixels
    assert first is not None
    assert np.abs(first.astype(int) - pictures[0]).mean() < 6
    upright = read_film(lying).tracks()
    assert np.abs(upright.pose[:, 2]).max() < 10
    assert upright.of("AU12") == pytest.approx(film.tracks().of("AU12")[:3], abs=0.7)


def test_one_of_two_people_is_followed(pictures, tmp_path):
    both = [np.hstack([pictures[0], picture]) for picture in pictures[:3]]
    path = write_film(tmp_path / "two.mp4", both, TIMES)
    left = read_film(path, face=0)
    right = read_film(path, face=1)
    assert np.ptp(left.tracks().of("AU12")) < 0.5 < 2 < np.ptp(right.tracks().of("AU12"))
    assert "2 faces" in right.notes[0]
    absent = read_film(path, face=2)
    assert not absent.tracks().found.any()
    assert any("face 2" in note for note in absent.notes)


def test_a_profile_is_not_read_but_has_a_pose(astronaut, monkeypatch):
    face = choose_face(get_detector("mediapipe").find(astronaut))
    ahead = straightened(face.mesh, head_pose(face.mesh))
    faces = [face, replace(face, mesh=straightened(ahead, HeadPose(-70.0, 0.0, 0.0)))]
    monkeypatch.setattr(FaceTracker, "follow", lambda self, frame: faces[int(frame[0, 0, 0])])
    reader = FilmReader()
    for number in (0, 1):
        reader.add(number, number / 25, np.full((8, 8, 3), number, np.uint8))
    film = reader.finish()
    tracks = film.tracks(relative=True)
    assert tracks.found.tolist() == [True, False]
    assert tracks.pose[1, 0] == pytest.approx(70, abs=3)
    assert np.isnan(tracks.units[1]).all()
    assert any("1 frames show a profile" in note for note in film.notes)


def test_films_that_cannot_be_read(pictures, tmp_path):
    noise = [np.random.default_rng(number).integers(0, 255, (64, 96, 3), np.uint8) for number in range(40)]
    whole = write_film(tmp_path / "whole.mp4", noise, [number / 25 for number in range(40)], index_first=True)
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    cut = read_film(tmp_path / "cut.mp4", every=8)
    assert any("breaks off" in note for note in cut.notes)
    assert any("no frame shows a face" in note for note in cut.notes)
    assert cut.calm is None
    unindexed = write_film(tmp_path / "unindexed.mp4", noise[:20], TIMES)
    unindexed.write_bytes(unindexed.read_bytes()[:-2000])
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 16000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    for name in ("unindexed.mp4", "sound.mp4"):
        with refused(InputError, "unreadable"):
            read_film(tmp_path / name)


# --- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["openface", "py-feat"])
def test_a_table_comes_back_as_it_was(film, form, tmp_path):
    tracks = film.tracks()
    write_csv(tracks, tmp_path / "film.csv", form)
    again = read_csv(tmp_path / "film.csv")
    assert again.names == tracks.names
    assert again.found.tolist() == tracks.found.tolist()
    assert again.numbers.tolist() == tracks.numbers.tolist()
    assert again.times == pytest.approx(tracks.times, abs=0.001)
    for name in tracks.names:
        assert again.of(name) == pytest.approx(tracks.of(name), abs=0.002, nan_ok=True)
    assert again.pose == pytest.approx(tracks.pose, abs=0.02, nan_ok=True)
    if form == "openface":
        assert again.gaze == pytest.approx(tracks.gaze, abs=0.02, nan_ok=True)


def test_signs_and_units_are_openfaces(tmp_path):
    tracks = Tracks.empty(["AU12"], [0], [0.0])
    tracks.found[0] = True
    tracks.units[0] = 2.5
    tracks.pose[0] = 10.0, 20.0, 30.0
    tracks.gaze[0] = 5.0, -40.0
    write_csv(tracks, tmp_path / "film.csv")
    names, values = (line.split(",") for line in (tmp_path / "film.csv").read_text().splitlines())
    row = dict(zip(names, values))
    assert row["frame"] == "1"
    assert [float(row[f"pose_R{axis}"]) for axis in "xyz"] == pytest.approx(np.radians([-20, -10, -30]), abs=1e-3)
    assert float(row["gaze_angle_x"]) == pytest.approx(np.radians(15), abs=1e-3)  # to the picture's right
    assert float(row["gaze_angle_y"]) == pytest.approx(np.radians(20), abs=1e-3)  # down
    assert (row["AU12_r"], row["AU12_c"]) == ("2.500", "1")
    write_csv(tracks, tmp_path / "feat.csv", "py-feat")
    assert (
        dict(zip(*(line.split(",") for line in (tmp_path / "feat.csv").read_text().splitlines())))["AU12"] == "0.5000"
    )


def test_labels_are_matched_by_time(tmp_path):
    """Labels at 30 frames a second with blanks, on a film of 25: the nearest, or none."""
    lines = ["frame, face_id, timestamp, confidence, success, AU12_r, AU12_c"]
    for number in range(30):
        if number == 12:
            continue
        success = int(number != 20)
        lines.append(f"{number + 1}, 0, {number / 30:.3f}, 0.98, {success}, {number / 10:.2f}, 1")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    labels = read_csv(tmp_path / "labels.csv")
    assert len(labels) == 29
    times = np.arange(25) / 25
    found = matched(labels, list(range(25)), times.tolist())
    nearest = np.abs(times[:, None] - np.arange(30) / 30).argmin(axis=1)
    assert found.found.tolist() == [row not in (12, 20) for row in nearest]
    error = found.of("AU12")[found.found] - 3 * times[found.found]
    assert np.abs(error).max() <= 3 * 0.019
    with refused(InputError, "empty"):
        matched(labels, [0, 1], [50.0, 50.04])


def test_py_feats_rows_are_matched_by_frame_and_the_largest_face_is_kept(tmp_path):
    (tmp_path / "fex.csv").write_text(
        "frame,FaceRectWidth,FaceRectHeight,FaceScore,Pitch,Roll,Yaw,AU01,AU12\n"
        "0,50,50,0.9,1,2,3,0.2,0.4\n0,20,20,0.99,0,0,0,1,1\n4,,,,,,,,\n8,50,50,0.8,1,2,3,nan,0.6\n"
    )
    labels = read_csv(tmp_path / "fex.csv")
    found = matched(labels, [0, 2, 4, 8], [0.0, 0.1, 0.2, 0.4])
    assert found.found.tolist() == [True, False, False, True]
    assert found.of("AU12")[[0, 3]] == pytest.approx([2, 3])
    assert np.isnan(found.of("AU1")[3])
    assert found.pose[0].tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("frame,timestamp,success,AU12_r\n1,0,1,0.5\n2,0.04,1,wide\n", "number", 3),
        ("frame,timestamp,success,AU12_r\n1,0,1,7\n", "range", 2),
        ("frame,timestamp,success,AU12_r\n1,0,1,inf\n", "range", 2),
        ("frame,AU12\n0,0.5\n1,3.5\n", "range", 3),
        ("frame,timestamp,success,AU12_r\n1,0.08,1,2\n2,0.04,1,2\n", "order", 3),
        ("frame,timestamp,success,AU12_r\n2,0,1,2\n1,0.04,1,2\n", "order", 3),
        ("frame,timestamp,success,AU12_r\n,0,1,2\n", "number", 2),
        ("frame,timestamp,success,AU12_r\n1,0,1,2,3,4\n", "count", 2),
        ("time,smile\n0,1\n", "missing", 1),
    ],
)
def test_bad_tables_are_refused_with_file_and_line(text, code, line, tmp_path):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        read_csv(tmp_path / "bad.csv")
    assert caught.value.code == code
    assert f"bad.csv, line {line}:" in str(caught.value)
    (tmp_path / "bad.csv").write_text("frame,AU12\n")
    with refused(InputError, "empty", actual=0):
        read_csv(tmp_path / "bad.csv")


def test_the_picture_shows_tracks_and_pairs(film, tmp_path):
    assert save_chart(film.tracks(relative=True), tmp_path / "film.png", [(0, 2)], "film.mp4")
    marked = read_image(tmp_path / "film.png")
    assert save_chart(film.tracks(relative=True), tmp_path / "plain.png")
    assert marked.width > 900
    assert marked.height > read_image(tmp_path / "plain.png").height


@pytest.mark.skipif(not (FILM / "d13.mp4").is_file(), reason="no films: ../shared is absent")
def test_real_film():
    """Each third frame of a man who smiles and blinks."""
    film = read_film(FILM / "d13.mp4", every=3)
    tracks = film.tracks()
    assert tracks.found.all()
    assert len(tracks.blinks) >= 2
    smile = [np.mean(frame.reading.scores.sides("mouthSmile")) for frame in film.frames if frame.reading is not None]
    assert np.corrcoef(smile, tracks.of("AU12"))[0, 1] > 0.9
    assert np.ptp(film.tracks(relative=True).of("AU12")) > 2
