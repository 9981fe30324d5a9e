"""Pairs to train on: the conditioning image is the editor's, and a list's faults are reported by line."""

from __future__ import annotations

import csv
import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused

from common.core.errors import FaceNotFoundError, InputError
from common.editing.prepare import Prepared
from common.faces import Crop
from common.faces.landmarks import five_points
from common.facs.action_units import to_vector
from common.parsing import masked_background
from common.synthetic.data import dataset
from common.synthetic.data.dataset import SyntheticFaces
from magicface import data
from magicface.data import COLUMNS, ManifestPairs, SyntheticPairs

sys.path.insert(0, str(Path(__file__).parents[1] / "synthetic"))
import stand_in

ITEMS = ("source", "target")


@pytest.fixture
def faces(monkeypatch):
    monkeypatch.setattr(dataset, "picture", types.SimpleNamespace(make=stand_in.make))
    return SyntheticFaces(3, size=32, pairs="expression")


@pytest.mark.parametrize("conditioning_image", ["source", "target"])
@pytest.mark.parametrize("region", ["face", "head"])
def test_synthetic_conditioning_image_is_what_the_editor_makes(faces, conditioning_image, region):
    item, pair = faces[1], SyntheticPairs(faces, conditioning_image=conditioning_image, region=region)[1]
    picture = {key: value.numpy() for key, value in item[conditioning_image].items() if isinstance(value, torch.Tensor)}
    pixels = np.rint(picture["image"].transpose(1, 2, 0) * 255).astype(np.uint8)
    points = five_points(picture["landmarks"])
    expected = masked_background(pixels, picture["parts"].astype(np.uint8), picture["landmarks"], points, region)
    assert np.array_equal(np.rint(pair["conditioning_images"][0].numpy().transpose(1, 2, 0) * 255), expected)
    assert torch.equal(pair["source"], item["source"]["image"])
    assert torch.equal(pair["target"], item["target"]["image"])
    torch.testing.assert_close(pair["vector"], item["target"]["units"] - item["source"]["units"])


def test_found_source_is_prepared_as_a_photo(faces, monkeypatch):
    """Source and conditioning image are what `prepare` makes of the source; the target lies in the same crop."""
    item = faces[1]
    pixels = [np.rint(item[role]["image"].numpy().transpose(1, 2, 0) * 255).astype(np.uint8) for role in ITEMS]
    crop = Crop.around(np.array([8.0, 9, 20, 25]), (32, 32), 32)
    made = Prepared(None, crop, crop.apply(pixels[0]), np.zeros((32, 32)), np.full((32, 32, 3), 7, np.uint8), None)
    seen = []

    def prepare(photo, detector, parser, *, size, region, zoom, conditioning_image):
        seen.append((photo, detector.name, parser.name, size, region, zoom, conditioning_image))
        return made

    monkeypatch.setattr(data, "prepare", prepare)
    pair = {
        name: value.numpy() * 255
        for name, value in SyntheticPairs(faces, region="head", found=True, zoom=1.5)[1].items()
    }
    assert seen[0][1:] == ("mediapipe", "embedded", 32, "head", 1.5, "background")
    assert np.array_equal(seen[0][0], pixels[0])
    assert np.array_equal(np.rint(pair["source"].transpose(1, 2, 0)), crop.apply(pixels[0]))
    assert np.array_equal(np.rint(pair["target"].transpose(1, 2, 0)), crop.apply(pixels[1]))
    assert (np.rint(pair["conditioning_images"]) == 7).all()


def test_source_that_is_not_found_stays_whole(faces, monkeypatch):
    def prepare(*_, **__):
        raise FaceNotFoundError("no face")

    monkeypatch.setattr(data, "prepare", prepare)
    found, whole = SyntheticPairs(faces, found=True)[1], SyntheticPairs(faces)[1]
    assert all(torch.equal(found[name], whole[name]) for name in whole)


@pytest.mark.parametrize("found", [False, True])
def test_photo_is_its_own_conditioning_image(faces, monkeypatch, found):
    crop = Crop.around(np.array([8.0, 9, 20, 25]), (32, 32), 32)

    def prepare(photo, *_, conditioning_image, **__):
        assert conditioning_image == "photo"
        return Prepared(None, crop, crop.apply(photo), None, crop.apply(photo), None)

    monkeypatch.setattr(data, "prepare", prepare)
    pair = SyntheticPairs(faces, conditioning_image="photo", found=found)[1]
    assert torch.equal(pair["conditioning_images"][0], pair["source"])


def test_found_goes_with_the_guide_of_the_source(faces):
    with refused(InputError, "conflict", actual="target"):
        SyntheticPairs(faces, conditioning_image="target", found=True)


def test_synthetic_faces_must_be_expression_pairs():
    with refused(InputError, "type", expected="expression", actual="pose"):
        SyntheticPairs(SyntheticFaces(2, size=32, pairs="pose"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "crops").mkdir()
    for i, name in enumerate(("a", "b", "bg")):
        Image.new("RGB", (40, 40), (60 * i, 0, 10)).save(tmp_path / "crops" / f"{name}.png")
    Image.new("RGB", (40, 30)).save(tmp_path / "crops" / "wide.png")
    (tmp_path / "crops" / "text.png").write_text("no picture")
    return tmp_path


def row(**changes):
    files = {"source": "crops/a.png", "target": "crops/b.png", "background": "crops/bg.png"}
    return {**files, "au_source": {"AU12": 1}, "au_target": {"AU12": 3, "AU4": 0.5}, **changes}


def jsonl(folder, *rows):
    path = folder / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_jsonl_csv_and_data_set_agree(folder, monkeypatch):
    with open(folder / "pairs.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerow(row(au_source="AU12=1", au_target=str(to_vector({"AU12": 3, "AU4": 0.5}))))
    pictures = {name: Image.open(folder / row()[name]) for name in ("source", "target", "background")}
    fake = types.SimpleNamespace(load_from_disk=lambda path: [row(au_source={"AU12": 1, "AU4": None}, **pictures)])
    monkeypatch.setitem(sys.modules, "datasets", fake)  # type: ignore[arg-type]
    (folder / "hugging").mkdir()
    lists = [ManifestPairs(p, 16) for p in (jsonl(folder, row()), folder / "pairs.csv", folder / "hugging")]
    for pairs in lists:
        assert len(pairs) == 1
        item = pairs[0]
        assert item["source"].shape == (3, 16, 16)
        assert item["conditioning_images"].shape == (1, 3, 16, 16)
        assert item["vector"].tolist() == to_vector({"AU12": 2, "AU4": 0.5})
        assert torch.equal(item["target"], lists[0][0]["target"])
        assert float(item["conditioning_images"][0, 0, 0, 0]) == pytest.approx(120 / 255)


def test_folders_that_are_not_a_data_set_are_refused(folder, monkeypatch):
    def refuse(path):
        raise FileNotFoundError("no dataset_info.json")

    fake = types.SimpleNamespace(load_from_disk=refuse)
    monkeypatch.setitem(sys.modules, "datasets", fake)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="dataset_info"):
        ManifestPairs(folder, 16)
    fake.load_from_disk = lambda path: {"train": [row()], "test": []}
    with pytest.raises(InputError, match="train, test"):
        ManifestPairs(folder, 16)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"source": "crops/none.png"}, ["source", "none.png"]),
        ({"target": "crops/wide.png"}, ["target", "(40, 30)"]),
        ({"background": "crops/text.png"}, ["crops/text.png"]),
        ({"background": ""}, ["background"]),
        ({"au_source": {"AU12": 6}}, ["au_source", "[0, 5]", "6"]),
        ({"au_target": {"AU13": 1}}, ["au_target", "AU13"]),
        ({"au_target": [1, 2]}, ["au_target", "(12,)"]),
        ({"extra": 1}, ["columns", "extra"]),
    ],
)
def test_faults_are_reported_by_line(folder, changes, names):
    with pytest.raises(InputError) as error:
        ManifestPairs(jsonl(folder, row(), row(**changes)), 16)
    for name in ["line 2", *names]:
        assert name in str(error.value)


def test_lists_that_are_none(folder):
    for path, name in (
        (folder / "none.csv", r"none\.csv"),
        (folder / "pairs.txt", r"\.csv, \.tsv or \.jsonl"),
        (jsonl(folder), r"pairs\.jsonl"),
    ):
        with pytest.raises(InputError, match=name):
            ManifestPairs(path, 16)
    (folder / "pairs.jsonl").write_text("{")
    with pytest.raises(InputError, match="line 1"):
        ManifestPairs(folder / "pairs.jsonl", 16)
    (folder / "pairs.jsonl").write_bytes(b'{"source": "\xe9.png"}')
    with pytest.raises(InputError, match=r"pairs\.jsonl"):
        ManifestPairs(folder / "pairs.jsonl", 16)


def test_another_picture_of_the_same_name_is_another_list(folder, monkeypatch):
    """Latents are kept by the fingerprint: it knows a list however it is named, and a picture made again."""
    path = jsonl(folder, row())
    before = ManifestPairs(path, 16).fingerprint
    monkeypatch.chdir(folder)
    assert ManifestPairs(path.name, 16).fingerprint == before
    Image.new("RGB", (40, 40), (9, 9, 9)).save(folder / "crops" / "b.png")
    assert ManifestPairs(path, 16).fingerprint != before


def test_a_csv_says_who_it_shows_and_may_have_what_is_not_needed(folder):
    with open(folder / "pairs.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, (*COLUMNS, "person"))
        writer.writeheader()
        writer.writerow(row(au_source="AU12=1", au_target="AU12=3", person="ann"))
    assert ManifestPairs(folder / "pairs.csv", 16).people == ["ann"]
    assert ManifestPairs(folder / "pairs.csv", 16, photo=True).people == ["ann"]
