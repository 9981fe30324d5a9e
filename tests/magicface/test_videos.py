"""Videos to pairs: what is dropped and why, one crop a video, and a preparation that resumes.

A stand-in face is a square: its red says how strong AU12 is, its green the yaw, its noise that it is in focus.
"""

from __future__ import annotations

import json
import shutil
import sys
import types
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused
from runs import ROOT

from common.core.errors import FaceEditError, FaceNotFoundError, InputError
from common.core.files import alone
from common.faces import Face, get_detector
from common.facs.action_units import ACTION_UNITS
from common.imaging.images import read_image, rgb
from common.imaging.videos import find_videos, read_frames
from common.synthetic.data.draw import draw_scene
from common.synthetic.render.picture import make
from common.synthetic.scene.factors import Shot, Wear
from magicface.__main__ import main
from magicface.data import ManifestPairs
from magicface.videos import prepare as preparation
from magicface.videos.choose import Settings, choose
from magicface.videos.prepare import Tools, prepare, table
from magicface.videos.read import Labels

SETTINGS = Settings(size=64, every=1, min_face=20, pairs=8)
SMILE = list(ACTION_UNITS).index("AU12")


def frame(smile: float, yaw: float = 0, at: tuple[int, int] = (48, 48), side: int = 40, blur: float = 0) -> np.ndarray:
    picture = np.full((96, 128, 3), 15, np.uint8)
    face = np.zeros((side, side, 3), np.uint8)
    face[..., 0], face[..., 1] = 40 * smile, 100 + 4 * yaw
    face[::2, ::2, 2] = 255
    face = cv2.GaussianBlur(face, (0, 0), blur) if blur else face
    x, y = (centre - side // 2 for centre in at)
    picture[y : y + side, x : x + side] = face
    return picture


class Stub:
    """Detector, parser and estimator of stand-in faces; `stop` raises like Ctrl-C at its n-th parsing."""

    name = "stub"

    def __init__(self, stop: int | None = None) -> None:
        self.stop, self.parsed, self.measured = stop, 0, 0

    def find(self, image: np.ndarray) -> list[Face]:
        count, _, boxes, _ = cv2.connectedComponentsWithStats((image.max(2) > 60).astype(np.uint8))
        return [self.face(*boxes[i, :4]) for i in range(1, count) if boxes[i, 4] > 50]

    @staticmethod
    def face(x: float, y: float, width: float, height: float) -> Face:
        angle = np.linspace(0, 2 * np.pi, 68)
        round_about = np.column_stack([0.5 - 0.5 * np.cos(angle), 0.5 + 0.5 * np.sin(angle)]) * (width, height) + (x, y)
        points = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]) * (width, height) + (x, y)
        return Face(np.array([x, y, x + width, y + height]), 1.0, points, round_about, "stub")

    def parse(self, crop: np.ndarray, *, outline: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        self.parsed += 1
        if self.parsed == self.stop:
            raise KeyboardInterrupt
        return (crop.max(2) > 60).astype(np.uint8)

    def __call__(self, image: np.ndarray) -> types.SimpleNamespace:
        self.measured += 1
        red, green, _ = image[26:38, 26:38].reshape(-1, 3).mean(0)
        if green < 90:
            raise FaceNotFoundError("no face")
        units = np.zeros(12)
        units[SMILE] = round(float(red) / 20) / 2
        return types.SimpleNamespace(units=units, angles=np.array([(green - 100) / 4, 0, 0]))


def tools(stub: Stub | None = None) -> Tools:
    stub = stub or Stub()
    return Tools(stub, stub, stub)


def write_video(path: Path, frames: list[np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (width, height))
    for picture in frames:
        writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    writer.release()


@pytest.fixture
def videos(tmp_path) -> Path:
    """A film with everything that can be wrong, and a folder of frames."""
    nothing, two = np.full((96, 128, 3), 15, np.uint8), frame(1, at=(30, 48), side=30)
    two[30:60, 80:110] = two[33:63, 15:45]
    write_video(
        tmp_path / "videos" / "ann" / "film.avi",
        [*(frame(smile, at=(48 + smile, 48)) for smile in range(5)), nothing, two, frame(2, side=16),
         frame(2, at=(90, 48)), frame(2, blur=3), frame(2, side=60), frame(5, yaw=20)],
    )  # fmt: skip
    (tmp_path / "videos" / "bob").mkdir()
    for number, smile in enumerate((0, 1, 3)):
        cv2.imwrite(str(tmp_path / "videos" / "bob" / f"{9 + number}.png"), frame(smile)[..., ::-1])
    (tmp_path / "videos" / "bob" / "99.png").write_bytes(b"torn")
    return tmp_path / "videos"


def rows(manifest: Path) -> list[dict]:
    return [json.loads(line) for line in manifest.read_text().splitlines()]


def test_what_is_dropped_and_why(videos, tmp_path):
    report = prepare(videos, tmp_path / "pairs.jsonl", SETTINGS, tools(), progress=False)
    assert report == json.loads((tmp_path / "pairs.report.json").read_text())
    assert report["by_video"]["ann--film.avi"]["dropped"] == {
        "no face": 1, "several faces": 1, "face too small": 1, "face moved away": 2, "blurred": 1,
    }  # fmt: skip
    assert report["by_video"]["bob"]["dropped"] == {"not readable": 1}
    assert (report["frames"], report["kept"], report["pairs"]) == (16, 9, 14)
    assert report["units"]["AU12"]["rises"] == report["units"]["AU12"]["falls"] == 7
    assert report["units"]["AU4"] == {"rises": 0, "falls": 0, "largest": 0.0}
    assert read_image(tmp_path / "pairs.sheet.png").height > 1000


def test_training_reads_the_manifest(videos, tmp_path):
    manifest = tmp_path / "pairs.jsonl"
    prepare(videos, manifest, SETTINGS, tools(), progress=False)
    pairs, listed = ManifestPairs(manifest, 64), rows(manifest)
    assert len({(row["source"], row["target"]) for row in listed}) == len(pairs)
    for pair, row in zip((pairs[i] for i in range(len(pairs))), listed):
        assert abs(float(pair["vector"][SMILE])) >= 1
        for role in ("source", "target"):  # what was measured is what the picture shows
            shown = float(pair[role][0, 26:38, 26:38].mean()) * 255 / 40
            assert shown == pytest.approx(row[f"au_{role}"].get("AU12", 0), abs=0.3)
        outside = pair["source"].amax(0) < 60 / 255
        assert torch.equal(pair["conditioning_images"][0][:, outside][:, :64], pair["source"][:, outside][:, :64])
        assert not torch.equal(pair["conditioning_images"][0], pair["source"])
        assert row["background"] == row["source"].replace(".png", "-background.png")
    files = {path.name for path in (tmp_path / "pairs" / "bob").iterdir()}
    assert {"000000.png", "000000-background.png", "record.json"} <= files


def test_one_crop_for_a_video(videos, tmp_path):
    """The face wanders by four pixels, and does so in the crops, where they are 2.9: they share one place."""
    prepare(videos, tmp_path / "pairs.jsonl", SETTINGS, tools(), progress=False)
    left = {}
    for path in sorted((tmp_path / "pairs" / "ann--film.avi").glob("00000[0-4].png")):
        left[path.stem] = np.flatnonzero(rgb(read_image(path))[32].max(1) > 60)[0]
    places = [left[name] for name in sorted(left)]
    assert places == sorted(places)
    assert 2 <= places[-1] - places[0] <= 4


def test_paper_background_is_the_targets(videos, tmp_path):
    prepare(videos, tmp_path / "pairs.jsonl", replace(SETTINGS, conditioning_image="target"), tools(), progress=False)
    for row in rows(tmp_path / "pairs.jsonl"):
        assert row["background"] == row["target"].replace(".png", "-background.png")


def test_videos_whose_pictures_would_mix_are_refused(tmp_path):
    for name in ("a--b", "a/b"):
        (tmp_path / "videos" / name).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (8, 8)).save(tmp_path / "videos" / name / f"{number}.png")
    with refused(InputError, "name", actual=[str(tmp_path / "videos" / "a" / "b")]):
        prepare(tmp_path / "videos", tmp_path / "pairs.jsonl", SETTINGS, tools(), progress=False)


def test_photo_may_be_its_own_background(videos, tmp_path):
    prepare(
        videos,
        tmp_path / "pairs.jsonl",
        replace(SETTINGS, conditioning_image="photo", zoom=1.5),
        tools(),
        progress=False,
    )
    assert all(row["background"] == row["source"] for row in rows(tmp_path / "pairs.jsonl"))
    assert not list(tmp_path.glob("pairs/*/*-background.png"))


@pytest.mark.parametrize("stop", [1, 3, 7])
def test_stopped_preparation_resumes(videos, tmp_path, stop):
    """Ctrl-C while pictures are written: the same command makes the same files, and does no finished video again."""
    prepare(videos, tmp_path / "whole" / "pairs.jsonl", SETTINGS, tools(), progress=False)
    manifest = tmp_path / "again" / "pairs.jsonl"
    with pytest.raises(KeyboardInterrupt):
        prepare(videos, manifest, SETTINGS, tools(Stub(stop)), progress=False)
    assert not manifest.exists()
    (tmp_path / "again" / "pairs" / "bob").mkdir(exist_ok=True)
    (tmp_path / "again" / "pairs" / "bob" / "000099.png").write_bytes(b"half")
    stub = Stub()
    prepare(videos, manifest, SETTINGS, tools(stub), progress=False)
    assert stub.measured == (3 if stop > 5 else 9)
    whole, again = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
        for folder in (tmp_path / "whole", tmp_path / "again")
    )
    assert whole == again
    stub = Stub()
    prepare(videos, manifest, SETTINGS, tools(stub), progress=False)
    assert stub.measured == 0


def test_two_preparations_do_not_share_a_folder(videos, tmp_path):
    with alone(tmp_path / "pairs"), pytest.raises(InputError, match="pairs"):
        prepare(videos, tmp_path / "pairs.jsonl", SETTINGS, tools(), progress=False)
    assert not list((tmp_path / "pairs").iterdir())
    assert prepare(videos, tmp_path / "pairs.jsonl", SETTINGS, tools(), progress=False)["pairs"] == 14


def test_changed_video_is_done_again(videos, tmp_path):
    manifest = tmp_path / "pairs.jsonl"
    prepare(videos, manifest, SETTINGS, tools(), progress=False)
    cv2.imwrite(str(videos / "bob" / "12.png"), frame(4.5)[..., ::-1])
    stub = Stub()
    prepare(videos, manifest, SETTINGS, tools(stub), progress=False)
    assert stub.measured == 4
    assert any(row["au_target"].get("AU12") == 4.5 for row in rows(manifest))
    with pytest.raises(InputError, match=r"64.*32"):
        prepare(videos, manifest, replace(SETTINGS, size=32), tools(), progress=False)


def test_unreadable_video_is_reported_and_the_others_are_prepared(videos, tmp_path):
    (videos / "broken.mp4").write_bytes(b"no film")
    report = prepare(videos, tmp_path / "pairs.jsonl", SETTINGS, tools(), progress=False)
    assert list(report["unreadable"]) == ["broken.mp4"]
    assert "broken.mp4" in report["unreadable"]["broken.mp4"]
    assert report["pairs"] == 14


def test_folders_without_pairs(tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "one.png").write_bytes(b"")
    for folder in (tmp_path / "videos", tmp_path / "none"):
        with pytest.raises(InputError, match=folder.name):
            prepare(folder, tmp_path / "pairs.jsonl", SETTINGS, tools(), progress=False)
    write_video(tmp_path / "videos" / "still.avi", [frame(2)] * 3)
    with refused(FaceEditError, "empty"):
        prepare(tmp_path / "videos", tmp_path / "pairs.jsonl", SETTINGS, tools(), progress=False)
    with refused(InputError, "conflict", actual=str(tmp_path / "videos" / "pairs.jsonl")):
        prepare(tmp_path / "videos", tmp_path / "videos" / "pairs.jsonl", SETTINGS, tools(), progress=False)
    with refused(InputError, "name", actual=str(tmp_path / "pairs.csv")):
        prepare(tmp_path / "videos", tmp_path / "pairs.csv", SETTINGS, tools(), progress=False)


REFUSED = {"pairs": 0, "min_difference": 0, "max_turn": -1, "region": "body", "format": "xlsx", "face": "tall"}


@pytest.mark.parametrize("name", list(REFUSED))
def test_settings_are_checked(name):
    with pytest.raises(InputError, match=name):
        Settings(**{name: REFUSED[name]})


def test_frames_come_in_order(videos):
    assert find_videos(videos) == [videos / "ann" / "film.avi", videos / "bob"]
    assert [number for number, _ in read_frames(videos / "ann" / "film.avi", every=5)] == [0, 5, 10]
    bob = dict(read_frames(videos / "bob"))
    assert [None if bob[i] is None else int(bob[i][48, 48, 0]) for i in range(4)] == [0, 40, 120, None]  # 9, 10, 11, 99
    assert list(dict(read_frames(videos / "bob", wanted={1}))) == [1]


def test_pairs_cover_the_units_evenly():
    """Two units seldom move, one always does: each rises and falls as often as the others while there are pairs."""
    rng = np.random.default_rng(0)
    units, angles = np.zeros((60, 12)), rng.uniform(-12, 12, (60, 3))
    units[:, SMILE] = rng.uniform(0, 5, 60)
    units[:4, 2] = units[4:8, 5] = 3
    chosen = np.array(choose(units, angles, Settings(pairs=60, max_turn=15)))
    change = units[chosen[:, 1]] - units[chosen[:, 0]]
    assert len(np.unique(chosen, axis=0)) == 60
    assert (np.abs(angles[chosen[:, 0]] - angles[chosen[:, 1]]) <= 15).all()
    assert (np.abs(change).max(1) >= 1).all()
    counts = [int((sign * change[:, unit] >= 1).sum()) for unit in (2, 5, SMILE) for sign in (1, -1)]
    assert min(counts) >= 9
    assert np.bincount(chosen.ravel()).max() <= 15
    assert choose(units, angles, Settings(pairs=60, max_turn=15)) == [tuple(pair) for pair in chosen.tolist()]
    assert choose(units, angles, Settings(pairs=60, max_turn=15, seed=1)) != [tuple(p) for p in chosen.tolist()]
    assert choose(units, angles, Settings(max_turn=0)) == []
    assert choose(units[:0], angles[:0], Settings()) == []


def test_the_command_on_drawn_people(tmp_path, monkeypatch, capsys):
    """With the offline detector and parser; the stand-in estimator reads how bright the mouth is."""

    class AUEstimator:
        name = "bright"

        def __call__(self, image: np.ndarray) -> types.SimpleNamespace:
            units = np.zeros(12)
            units[SMILE] = 5 * image[80:110, 50:80].mean() / 255
            return types.SimpleNamespace(units=units, angles=np.zeros(3))

    fake = types.SimpleNamespace(get_estimator=lambda name: AUEstimator())
    monkeypatch.setitem(sys.modules, "common.measure", fake)  # type: ignore[arg-type]
    scene = replace(draw_scene(0, 16), angles=(0.0, 0.0, 0.0), shot=Shot(view=18, face_height=0.5, shift=(0.0, -0.05)))
    frames = []
    for jaw in (0.0, 4.0):
        side = tuple(jaw * (name in ("AU25", "AU26")) for name in ACTION_UNITS)
        frames.append(make(replace(scene, units=(side, side)), 128).image)
    write_video(tmp_path / "videos" / "drawn.avi", [*frames, np.zeros_like(frames[0])])
    command = ["prepare-videos", str(tmp_path / "videos"), "--output", str(tmp_path / "pairs.jsonl"), "--every", "1"]
    command += [
        "--estimator",
        "auto",
        "--size",
        "128",
        "--min-difference",
        "0.05",
        "--region",
        "face",
        "-q",
        "--detector",
        "mediapipe",
    ]
    assert main([*command, "--parser", "grabcut"]) == 0
    printed = capsys.readouterr().out
    assert "1  no face" in printed
    assert "2 pairs" in printed
    for row in rows(tmp_path / "pairs.jsonl"):
        source, behind = (rgb(read_image(tmp_path / row[name])).astype(int) for name in ("source", "background"))
        hidden = (behind != source).any(2)
        assert hidden[64, 64]  # the nose
        assert not hidden[:10].any()
    assert main(["prepare-videos", str(tmp_path), "--output", str(tmp_path / "x.txt")]) == 2


# --- the film reader -------------------------------------------------------------------------------------------------

SMILES = (0.0, 2.0, 4.0, 5.0, 3.0, 0.0)
FILM = ROOT.parent / "shared" / "film"


@pytest.fixture(scope="module")
def smiles() -> list[np.ndarray]:
    """A drawn person of 160 px who smiles."""
    scene = replace(draw_scene(0, 0), wear=Wear(), angles=(0.0, 0.0, 0.0), blink=(0.0, 0.0))
    scene = replace(scene, shot=Shot(view=18, face_height=0.5))
    pictures = []
    for smile in SMILES:
        side = [0.0] * len(scene.units[0])
        side[SMILE] = smile
        pictures.append(make(replace(scene, units=(tuple(side), tuple(side))), 160).image)
    return pictures


@pytest.fixture
def film(smiles, tmp_path) -> Path:
    """A folder of one video: six smiles at ten frames a second, and a frame without a face."""
    write_video(tmp_path / "videos" / "smile.avi", [*smiles, np.zeros_like(smiles[0])])
    return tmp_path / "videos"


@pytest.fixture
def no_charts(monkeypatch):
    """Drawing takes longer than reading these small films."""
    monkeypatch.setattr(preparation, "save_chart", lambda *drawn: None)


def reader(labels: Path | None = None) -> Tools:
    return Tools(get_detector("mediapipe"), Stub(), labels=None if labels is None else Labels(labels))


def change(row: dict) -> float:
    return row["au_target"].get("AU12", 0.0) - row["au_source"].get("AU12", 0.0)


def shown(name: str) -> float:
    return SMILES[int(Path(name).stem)]


def test_pairs_by_the_film_reader_rise_and_fall_as_the_face_does(film, tmp_path, monkeypatch):
    report = prepare(film, tmp_path / "pairs.jsonl", SETTINGS, reader(), progress=False)
    assert report["dropped"] == {"no face": 1}
    assert report["kept"] == 6
    assert report["pairs"] >= 6
    assert "AU12" not in report["not_measured"]
    for row in rows(tmp_path / "pairs.jsonl"):
        if abs(change(row)) >= 1:
            assert change(row) * (shown(row["target"]) - shown(row["source"])) > 0
    readings = (tmp_path / "pairs" / "smile.avi" / "readings.csv").read_text().splitlines()
    assert readings[0].startswith("frame,timestamp,confidence,success")
    assert [line.split(",")[1] for line in readings[1:3]] == ["0.0000", "0.1000"]
    assert len(readings) == 8
    assert read_image(tmp_path / "pairs" / "smile.avi" / "readings.png").width > 900
    monkeypatch.setattr(preparation, "read_by_film", None)  # a finished video is not read again
    assert prepare(film, tmp_path / "pairs.jsonl", SETTINGS, reader(), progress=False) == report


def test_stopped_preparation_by_the_film_reader_resumes(film, smiles, tmp_path):
    write_video(film / "other.avi", smiles[::-1])
    prepare(film, tmp_path / "whole" / "pairs.jsonl", SETTINGS, reader(), progress=False)
    manifest = tmp_path / "again" / "pairs.jsonl"
    with pytest.raises(KeyboardInterrupt):
        prepare(film, manifest, SETTINGS, replace(reader(), parser=Stub(8)), progress=False)
    assert not manifest.exists()
    prepare(film, manifest, SETTINGS, reader(), progress=False)
    whole, again = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
        for folder in (tmp_path / "whole", tmp_path / "again")
    )
    assert whole == again


def test_readings_as_labels_choose_the_same_pairs(film, tmp_path, no_charts):
    prepare(film, tmp_path / "own" / "pairs.jsonl", SETTINGS, reader(), progress=False)
    csv = tmp_path / "own" / "pairs" / "smile.avi" / "readings.csv"
    report = prepare(film, tmp_path / "again" / "pairs.jsonl", SETTINGS, reader(csv), progress=False)
    assert report["action_units_by"].startswith("labels readings.csv")
    assert report["dropped"] == {"no face": 1}
    own, again = rows(tmp_path / "own" / "pairs.jsonl"), rows(tmp_path / "again" / "pairs.jsonl")
    assert own == again


def test_labels_of_another_tool_take_the_place_of_readings(film, smiles, tmp_path, no_charts):
    """They say the opposite of what is seen, at another frame rate, and lack a frame; one video has none."""
    write_video(film / "ann" / "other.avi", smiles)
    labels = tmp_path / "labels"
    labels.mkdir()

    def write(strongest: float, lacking: int) -> None:
        lines = ["frame, timestamp, confidence, success, pose_Rx, pose_Ry, pose_Rz, AU12_r"]
        for number in range(18):
            time, level = number / 30, strongest - SMILES[min(number // 3, 5)]
            if number // 3 != lacking:
                lines.append(f"{number + 1}, {time:.3f}, 0.98, {int(number // 3 != 1)}, 0, 0, 0, {max(level, 0)}")
        (labels / "smile.csv").write_text("\n".join(lines))

    write(5, lacking=4)
    report = prepare(film, tmp_path / "pairs.jsonl", SETTINGS, reader(labels), progress=False)
    assert report["by_video"]["smile.avi"]["dropped"] == {"no face": 1, "no label": 2}
    assert list(report["unreadable"]) == ["ann--other.avi"]
    assert "other" in report["unreadable"]["ann--other.avi"]
    for row in rows(tmp_path / "pairs.jsonl"):
        assert change(row) == pytest.approx(shown(row["source"]) - shown(row["target"]))
    write(4, lacking=-1)
    (labels / "ann").mkdir()
    (labels / "ann" / "other.csv").write_text("frame,timestamp,success,AU12_r\n1,0,1,9\n")
    again = prepare(film, tmp_path / "pairs.jsonl", SETTINGS, reader(labels), progress=False)
    assert again["by_video"]["smile.avi"]["dropped"] == {"no face": 1, "no label": 1}
    assert "other.csv, line 2" in again["unreadable"]["ann--other.avi"]


def test_labels_that_cannot_be_used(film, smiles, tmp_path, no_charts):
    with refused(InputError, "missing", actual=str(tmp_path / "none.csv")):
        prepare(film, tmp_path / "pairs.jsonl", SETTINGS, reader(tmp_path / "none.csv"), progress=False)
    with refused(InputError, "conflict"):
        Tools(Stub(), Stub(), Stub(), Labels(tmp_path))
    write_video(film / "other.avi", smiles)
    (tmp_path / "one.csv").write_text("frame,AU12\n0,0.5\n")
    with refused(FaceEditError, "empty"):
        prepare(film, tmp_path / "pairs.jsonl", SETTINGS, reader(tmp_path / "one.csv"), progress=False)
    report = json.loads((tmp_path / "pairs.report.json").read_text())
    assert sorted(report["unreadable"]) == ["other.avi", "smile.avi"]


def test_one_of_several_people_is_followed_and_films_without_faces_are_noted(smiles, tmp_path, no_charts):
    folder = tmp_path / "videos"
    write_video(folder / "two.avi", [np.hstack([smiles[0], picture]) for picture in smiles])
    write_video(folder / "nobody.avi", [np.zeros_like(smiles[0])] * 3)
    (folder / "cut.mp4").write_bytes(b"no film")
    report = prepare(folder, tmp_path / "pairs.jsonl", replace(SETTINGS, face="1"), reader(), progress=False)
    assert report["by_video"]["two.avi"]["kept"] == 6
    assert report["by_video"]["two.avi"]["pairs"] >= 6
    assert "2 faces" in report["notes"]["two.avi"][0]
    assert report["notes"]["nobody.avi"] == ["no frame shows a face"]
    assert list(report["unreadable"]) == ["cut.mp4"]
    assert "nobody.avi: no frame shows a face" in table(report)
    with refused(FaceEditError, "empty"):  # the other one does not move
        prepare(folder, tmp_path / "still.jsonl", replace(SETTINGS, face="0"), reader(), progress=False)


def test_flags_that_do_not_go_together(film, tmp_path):
    command = ["prepare-videos", str(film), "-o", str(tmp_path / "pairs.jsonl")]
    for flags in (["--detector", "mediapipe"], ["--estimator", "fit", "--face", "1"]):
        assert main([*command, *flags]) == 2
    with pytest.raises(SystemExit):
        main([*command, "--estimator", "fit", "--labels", "labels.csv"])


@pytest.mark.skipif(not (FILM / "d20.mp4").is_file(), reason="no films: ../shared is absent")
def test_real_film_makes_pairs(tmp_path):
    (tmp_path / "videos").mkdir()
    shutil.copy(FILM / "d20.mp4", tmp_path / "videos")
    report = prepare(
        tmp_path / "videos", tmp_path / "pairs.jsonl", Settings(size=64, every=6, pairs=6), reader(), progress=False
    )
    assert report["kept"] >= 15
    assert report["pairs"] == 6
