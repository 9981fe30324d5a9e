"""Faces to learn from, each kind on a miniature of its original form; problems are reported by line."""

from __future__ import annotations

import csv
import json
import logging
import sys
import types
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused

from common.core.errors import InputError
from common.faces import Crop
from common.facs.action_units import ACTION_UNITS, to_vector
from common.synthetic.data import dataset
from common.synthetic.data.dataset import SyntheticFaces
from common.synthetic.scene.captions import expression_words
from fineface.data.affectnet import LISTS, AffectNet, rescaled
from fineface.data.disfa import Disfa, choose_frames
from fineface.data.samples import ImageFolder, unit_columns
from fineface.data.synthetic import SyntheticSamples

sys.path.insert(0, str(Path(__file__).parents[1] / "synthetic"))
import stand_in


def colour(value: int, size: tuple[int, int] = (40, 40)) -> Image.Image:
    return Image.new("RGB", size, (value, 255 - value, 128))


def assert_is_sample(sample, size):
    assert sample["image"].shape == (3, size, size)
    assert sample["image"].dtype == sample["units"].dtype == torch.float32
    assert 0 <= sample["image"].min() <= sample["image"].max() <= 1
    assert sample["units"].shape == (12,)
    assert 0 <= sample["units"].min() <= sample["units"].max() <= 5
    assert sample["caption"]


# --- folders ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def image_folder(tmp_path):
    """Three pictures, listed as JSONL, with the intensities in a column."""
    folder = tmp_path / "faces"
    folder.mkdir()
    rows = []
    for i in range(3):
        colour(80 * i, (40, 30)).save(folder / f"{i}.png")
        rows.append({"file_name": f"{i}.png", "caption": f"face {i}", "action_units": {"AU12": i, "AU4": 0.5}})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def test_image_folder(image_folder):
    data = ImageFolder(image_folder, 16)
    assert len(data) == 3
    for i, sample in enumerate(data[i] for i in range(3)):
        assert_is_sample(sample, 16)
        assert sample["caption"] == f"face {i}"
        assert sample["units"].tolist() == to_vector({"AU12": i, "AU4": 0.5})
        assert abs(float(sample["image"][0].mean()) * 255 - 80 * i) < 1


def test_columns_say_the_same_as_one(image_folder):
    one = ImageFolder(image_folder, 16)
    (image_folder / "metadata.jsonl").unlink()
    with open(image_folder / "metadata.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "text", "AU12", "AU04", "AU45"])
        writer.writerows([f"{i}.png", f"face {i}", i or "", 0.5, 3] for i in range(3))
    other = ImageFolder(image_folder, 16)
    assert one.fingerprint == other.fingerprint
    for i in range(3):
        assert torch.equal(one[i]["units"], other[i]["units"])


def test_fingerprint_tells_of_pictures_and_labels(image_folder):
    first = ImageFolder(image_folder, 16).fingerprint
    assert ImageFolder(image_folder, 17).fingerprint != first
    text = (image_folder / "metadata.jsonl").read_text()
    (image_folder / "metadata.jsonl").write_text(text.replace("0.5", "0.6"))
    assert ImageFolder(image_folder, 16).fingerprint != first
    (image_folder / "metadata.jsonl").write_text(text)
    colour(3, (41, 30)).save(image_folder / "0.png")
    assert ImageFolder(image_folder, 16).fingerprint != first


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"file_name": "9.png", "caption": "a", "AU1": 1}, ["line 2", "9.png"]),
        ({"file_name": "1.png", "caption": "a", "AU1": 6}, ["line 2", "AU1", "[0, 5]"]),
        ({"file_name": "1.png", "caption": "a"}, ["line 2", "action_units"]),
        ({"file_name": "1.png", "AU1": 1}, ["line 2", "caption"]),
        ({"file_name": "1.png", "caption": "a", "AU1": 1, "AU01": 1}, ["line 2", "AU1"]),
        ({"file_name": "1.png", "caption": "a", "action_units": {"AU3": 1}}, ["line 2", "AU3"]),
        ({"caption": "a", "AU1": 1}, ["line 2", "file_name"]),
        (["1.png"], ["line 2", "list"]),
    ],
)
def test_faults_of_a_folder_are_reported_by_line(image_folder, line, words):
    lines = (image_folder / "metadata.jsonl").read_text().splitlines()
    lines[1] = json.dumps(line)
    (image_folder / "metadata.jsonl").write_text("\n".join(lines))
    with pytest.raises(InputError) as error:
        ImageFolder(image_folder, 16)
    assert all(word in str(error.value) for word in words), error.value


def test_missing_metadata_is_reported(image_folder):
    (image_folder / "metadata.jsonl").unlink()
    with refused(InputError, "count", actual=0):
        ImageFolder(image_folder, 16)
    with refused(InputError, "missing"):
        ImageFolder(image_folder / "none", 16)


# --- DISFA -----------------------------------------------------------------------------------------------------------


class Anywhere:
    """A detector that sees a face wherever the picture is not black."""

    def find(self, pixels):
        box = np.array([10.0, 8, 30, 32])
        return [types.SimpleNamespace(box=box, area=1.0, turns=0)] if pixels.max() > 60 else []


@pytest.fixture
def disfa(tmp_path, monkeypatch):
    """Two people of ten frames: AU12 rises from frame 6 on, frame 9 is black, and the labels are one frame longer."""
    monkeypatch.setattr("fineface.data.disfa.get_detector", Anywhere)
    root = tmp_path / "DISFA"
    (root / "Videos_LeftCamera").mkdir(parents=True)
    for name in ("SN001", "SN002"):
        folder = root / "ActionUnit_Labels" / name
        folder.mkdir(parents=True)
        for unit in ACTION_UNITS:
            rows = [(i, min(max(0, i - 5), 5) if unit == "AU12" else 0) for i in range(1, 12)]
            (folder / f"{name}_au{unit[2:]}.txt").write_text("".join(f"{i},{v}\n" for i, v in rows))
        path = str(root / "Videos_LeftCamera" / f"LeftVideo{name}_comp.avi")
        video = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 20, (64, 48))
        for i in range(1, 11):
            video.write(np.full((48, 64, 3), 0 if i == 9 else 100 + 10 * i, np.uint8))
        video.release()
    return root


def test_disfa_has_the_active_frames_and_some_neutral_ones(disfa, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        data = Disfa(disfa, 16, tmp_path / "cache", neutral=3)
    # of 6 active frames each, one is black and one is beyond the video
    assert "2 of" in caplog.text
    assert "1 without a face" in caplog.text
    assert "1 without a picture" in caplog.text
    smiles = [float(data[i]["units"][6]) for i in range(len(data))]
    assert sorted(value for value in smiles if value) == [1, 1, 2, 2, 3, 3, 5, 5]
    assert smiles.count(0) == 3
    for i in range(len(data)):
        sample = data[i]
        assert_is_sample(sample, 16)
        if smiles[i]:  # the frame is the one that the label speaks of
            frame = int(data.listed[i].path.stem)
            assert frame == 5 + smiles[i]
            middle = float(sample["image"][:, 6:10, 6:10].mean()) * 255
            assert abs(middle - (100 + 10 * frame)) < 4


def test_disfa_frames_in_folders_are_those_of_the_video(disfa, tmp_path):
    for name in ("SN001", "SN002"):
        (tmp_path / "frames" / name).mkdir(parents=True)
        for i in range(1, 11):
            picture = Image.new("RGB", (64, 48), (0 if i == 9 else 100 + 10 * i,) * 3)
            picture.save(tmp_path / "frames" / name / f"{name}_{i:05d}.png")
    video = Disfa(disfa, 16, tmp_path / "cache", neutral=4)
    frames = Disfa(disfa, 16, tmp_path / "cache", neutral=4, frames=tmp_path / "frames")
    assert len(video) == len(frames)
    for i in range(len(video)):
        torch.testing.assert_close(video[i]["image"], frames[i]["image"], rtol=0, atol=0.02)
        assert torch.equal(video[i]["units"], frames[i]["units"])


def test_faces_are_cut_once(disfa, tmp_path, monkeypatch):
    one = Disfa(disfa, 16, tmp_path / "cache", neutral=2)
    monkeypatch.setattr("fineface.data.disfa.get_detector", None)
    again = Disfa(disfa, 16, tmp_path / "cache", neutral=2)
    assert one.fingerprint == again.fingerprint
    with pytest.raises(InputError, match=r"size: 16\b.*17"):
        Disfa(disfa, 17, tmp_path / "cache", neutral=2)


def test_neutral_frames_are_chosen_by_seed():
    labels = {name: {i: (0.0,) * 11 + (float(i % 3 == 0),) for i in range(60)} for name in ("SN001", "SN002")}
    one, same, other = (choose_frames(labels, 10, seed) for seed in (0, 0, 1))
    assert one == same != other
    for chosen in (one, other):
        assert all(set(range(0, 60, 3)) <= set(frames) for frames in chosen.values())
        assert sum(len(frames) for frames in chosen.values()) == 40 + 10
    everything = choose_frames(labels, 10_000, 0)
    assert all(len(frames) == 60 for frames in everything.values())


def test_subjects_are_held_out(disfa, tmp_path):
    only = Disfa(disfa, 16, tmp_path / "cache", subjects=["SN002"])
    rest = Disfa(disfa, 16, tmp_path / "cache", without=["SN002"])
    assert {row.path.parent.name for row in only.listed} == {"SN002"}
    assert {row.path.parent.name for row in rest.listed} == {"SN001"}
    with refused(InputError, "unknown", expected="SN001, SN002", actual="SN009"):
        Disfa(disfa, 16, tmp_path / "cache", subjects=["SN009"])


def test_what_disfa_lacks_is_reported(disfa, tmp_path):
    labels = disfa / "ActionUnit_Labels" / "SN002"
    kept = (labels / "SN002_au9.txt").read_text()
    (labels / "SN002_au9.txt").unlink()
    with refused(InputError, "missing", expected=str(labels / "SN002_au9.txt")):
        Disfa(disfa, 16, tmp_path / "cache")
    for line, words in (("3;1", "line 3"), ("3,7", "line 3"), ("", "frame 3")):
        lines = kept.splitlines()
        lines[2] = line
        (labels / "SN002_au9.txt").write_text("\n".join(lines))
        with pytest.raises(InputError, match=words):
            Disfa(disfa, 16, tmp_path / "cache")
    (labels / "SN002_au9.txt").write_text(kept)
    with pytest.raises(InputError, match="RightVideoSN001"):
        Disfa(disfa, 16, tmp_path / "cache", camera="right")
    with pytest.raises(InputError, match="ActionUnit_Labels"):
        Disfa(tmp_path, 16, tmp_path / "cache")


# --- AffectNet -------------------------------------------------------------------------------------------------------


@pytest.fixture
def affectnet(tmp_path):
    """Five pictures: one small, one without a face, one without a prediction."""
    root = tmp_path / "AffectNet"
    (root / "Manually_Annotated_Images" / "7").mkdir(parents=True)
    (root / "Manually_Annotated_file_lists").mkdir()
    rows = []
    for i in range(5):
        colour(40 * i, (500, 600) if i == 1 else (520, 600)).save(root / "Manually_Annotated_Images" / f"7/{i}.jpg")
        rows.append([f"7/{i}.jpg", 100, 150, 200, 220, "1;2", 10 if i == 2 else 1, 0.1, 0.2])
    with open(root / "Manually_Annotated_file_lists" / "training.csv", "w", newline="") as file:
        names = ["subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks"]
        csv.writer(file).writerows([[*names, "expression", "valence", "arousal"], *rows])
    with open(tmp_path / "units.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["subDirectory_filePath", *(f"AU{int(name[2:]):02d}_r" for name in ACTION_UNITS), "AU45_r"])
        writer.writerows([f"7/{i}.jpg", *([0.1 * i] * 6 + [0.9] * 6), 0.7] for i in range(4))
    return root


def test_affectnet(affectnet, tmp_path):
    data = AffectNet(affectnet, 16, tmp_path / "units.csv", top=1.0)
    assert [row.path.name for row in data.listed] == ["0.jpg", "3.jpg"]
    sample = data[1]
    assert_is_sample(sample, 16)
    assert sample["units"].tolist() == [1.5] * 6 + [4.5] * 6
    assert data[0]["units"].tolist() == [0.0] * 6 + [4.5] * 6
    photo = np.array(Image.open(affectnet / "Manually_Annotated_Images/7/3.jpg"))
    expected = Crop.around(np.array([100.0, 150, 300, 370]), (520, 600), 16).apply(photo)
    assert np.array_equal(np.rint(sample["image"].numpy().transpose(1, 2, 0) * 255), expected)


def test_predictions_are_rescaled():
    assert rescaled(1.0, 1.0, 1.1) == 5
    assert rescaled(3.0, 1.0, 1.1) == 5
    assert rescaled(0.219, 1.0, 1.1) == 0
    assert rescaled(0.22, 1.0, 1.1) == pytest.approx(1.1)
    assert rescaled(-2.0, 5.0, 0.0) == 0


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("units.csv", "7/2.jpg,0.2", "7/2.jpg,much", ["line 4", "AU1", "much"]),
        ("units.csv", "AU26_r", "AU27_r", ["AU26"]),
        ("units.csv", "subDirectory_filePath", "name", ["subDirectory_filePath"]),
        ("AffectNet/Manually_Annotated_file_lists/training.csv", "7/3.jpg,100", "7/3.jpg,x", ["line 5", "face_x"]),
        ("AffectNet/Manually_Annotated_file_lists/training.csv", "face_width", "w", ["face_width"]),
    ],
)
def test_faults_of_affectnets_lists_are_reported_by_line(affectnet, tmp_path, file, old, new, words):
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    with pytest.raises(InputError) as error:
        AffectNet(affectnet, 16, tmp_path / "units.csv", top=1.0)
    assert all(word in str(error.value) for word in words), error.value


def test_what_affectnet_lacks_is_reported(affectnet, tmp_path):
    with refused(InputError, "missing", expected=" or ".join(name.format("validation") for name in LISTS)):
        AffectNet(affectnet, 16, tmp_path / "units.csv", split="validation")
    with pytest.raises(InputError, match=r"none\.csv"):
        AffectNet(affectnet, 16, tmp_path / "none.csv")
    with pytest.raises(InputError, match="3 of 5"):
        AffectNet(affectnet, 16, tmp_path / "units.csv", smallest=900)
    (affectnet / "Manually_Annotated_Images/7/0.jpg").unlink()
    with pytest.raises(InputError, match=r"line 2: .*7/0\.jpg"):
        AffectNet(affectnet, 16, tmp_path / "units.csv")


# --- synthetic -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pairs", [None, "expression"])
def test_synthetic_samples(monkeypatch, pairs):
    monkeypatch.setattr(dataset, "picture", types.SimpleNamespace(make=stand_in.make))
    faces = SyntheticFaces(30, size=32, pairs=pairs)
    plain, told = SyntheticSamples(faces), SyntheticSamples(faces, expression_words=True)
    assert len(plain) == (60 if pairs else 30)
    assert plain.fingerprint != told.fingerprint
    for i in range(len(plain)):
        item = faces[i // 2]["source" if i % 2 == 0 else "target"] if pairs else faces[i]
        sample, phrase = plain[i], expression_words(np.round(item["units_sides"].double().numpy(), 3).tolist())
        assert torch.equal(sample["image"], item["image"])
        assert torch.equal(sample["units"], item["units"])
        assert told[i]["caption"] == item["caption"]
        if phrase:
            assert phrase in item["caption"]
            assert phrase not in sample["caption"]
            assert len(sample["caption"]) == len(item["caption"]) - len(f", {phrase}")


def test_synthetic_pairs_of_another_kind_are_refused():
    with refused(InputError, "conflict", actual="pose"):
        SyntheticSamples(SyntheticFaces(2, size=32, pairs="pose"))


def test_what_a_folder_of_pictures_leaves_out_or_scales_otherwise_is_told(tmp_path, caplog):
    for name in ("a.png", "b.png"):
        Image.new("RGB", (16, 16), "grey").save(tmp_path / name)
    (tmp_path / "metadata.csv").write_text("File_Name;Caption;AU12_r;AU12_c\na.png;a man;0,9;1\n", encoding="utf-16")
    data = ImageFolder(tmp_path, 16)
    assert data.listed[0].units[6] == 0.9
    assert len(caplog.messages) == 3
    assert "1 pictures have no line" in caplog.text
    assert "0..1" in caplog.text
    (tmp_path / "metadata.csv").write_text("file_name,caption\na.png,a man\nb.png,a woman\n")
    with pytest.raises(InputError, match="action_units"):
        ImageFolder(tmp_path, 16)


def test_columns_of_one_side_are_no_unit():
    with pytest.raises(InputError, match="AU12"):
        unit_columns({"AU12_L": 1, "AU12_R": 2})
    assert unit_columns({" AU12_r": 1, "AU12_c": 1, "AU14_r": 2, "AU45_c": 0, "frame": 3}) == {"AU12": 1}
