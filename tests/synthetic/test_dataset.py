from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from breadth import breadth
from refusals import refused
from torch.utils.data import DataLoader

from common.core.errors import FaceEditError, InputError
from common.core.face_labels import PARTS
from common.facs.action_units import ACTION_UNITS
from common.synthetic.data.dataset import NAMES, SyntheticFaces
from common.synthetic.data.draw import draw_scene
from common.synthetic.data.plan import PAIRS
from common.synthetic.render import picture

sys.path.insert(0, str(Path(__file__).parent))
import stand_in

SHAPES = {
    "image": (3, 32, 32),
    "background": (3, 32, 32),
    "masked_background": (3, 32, 32),
    "render": (3, 32, 32),
    "parts": (32, 32),
    "mask": (1, 32, 32),
    "landmarks": (68, 2),
    "landmarks_visible": (68,),
    "units": (12,),
    "units_sides": (2, 12),
    "identity": (148,),
    "angles": (3,),
    "light": (9, 3),
    "camera": (4,),
}


@pytest.fixture
def quick(monkeypatch):
    """Pictures that cost nothing; the list of sizes that were made."""
    made: list[int] = []

    def make(scene, size):
        made.append(size)
        return stand_in.make(scene, size)

    monkeypatch.setattr(picture, "make", make)
    return made


def same(one, other) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def test_an_item_is_complete(quick):
    item = SyntheticFaces(6, size=32, people=2)[3]
    assert {name: tuple(value.shape) for name, value in item.items() if isinstance(value, torch.Tensor)} == SHAPES
    assert item["parts"].dtype == torch.int64
    assert item["parts"].max() < len(PARTS)
    for name in ("image", "background", "masked_background", "render", "mask"):
        assert item[name].dtype == torch.float32
        assert 0 <= item[name].min() < item[name].max() <= 1
    scene = draw_scene(0, 3)
    assert item["index"] == 3
    assert item["person"] == 1
    assert np.allclose(item["units_sides"], scene.units)
    assert torch.allclose(item["units"], item["units_sides"].mean(0))
    assert np.allclose(item["angles"], scene.angles)
    assert torch.allclose(item["camera"], torch.tensor([5.0, 2.5, 0.01, -0.02]))
    assert item["caption"].startswith("a ")


@pytest.mark.parametrize("pairs", PAIRS)
def test_pairs_hold_source_target_and_difference(quick, pairs):
    item = SyntheticFaces(4, size=32, pairs=pairs)[2]
    source, target = item["source"], item["target"]
    assert torch.equal(item["delta"], target["units"] - source["units"])
    assert torch.equal(source["identity"], target["identity"])
    if pairs != "mixed":
        assert (item["delta"] != 0).any() == (pairs == "expression")
        assert torch.equal(source["angles"], target["angles"]) == (pairs != "pose")
    assert item["index"] == 2


def test_indices_are_checked(quick):
    faces = SyntheticFaces(5, size=32)
    assert len(faces) == 5
    assert same(faces[-1], faces[4])
    assert same(faces[np.int64(2)], faces[2])
    for index in (5, -6):
        with pytest.raises(IndexError, match=str(index)):
            faces[index]
    for index in (1.0, "1", True, None, slice(2)):
        with pytest.raises(InputError, match="index"):
            faces[index]
    assert len(list(faces)) == 5


def test_people_take_turns(quick):
    faces = SyntheticFaces(9, size=32, people=3)
    assert [item["person"] for item in faces] == [0, 1, 2] * 3
    assert torch.equal(faces[1]["identity"], faces[7]["identity"])
    assert not torch.equal(faces[1]["identity"], faces[2]["identity"])
    assert SyntheticFaces(40, size=32).plan.people == 10
    assert SyntheticFaces(1, size=32).plan.people == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "count"),
        ({"count": 2.5}, "count"),
        ({"size": 31}, "size"),
        ({"size": 4096}, "size"),
        ({"seed": -1}, "seed"),
        ({"people": 0}, "people"),
    ],
)
def test_wrong_arguments_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        SyntheticFaces(**({"count": 4} | changes))


def test_wrong_pairs_and_caches_are_refused():
    with refused(InputError, "unknown", expected=PAIRS, actual="smile"):
        SyntheticFaces(4, pairs="smile")
    with refused(InputError, "type", actual=Path(__file__)):
        SyntheticFaces(4, cache=__file__)


def test_the_cache_holds_the_same_and_saves_the_work(quick, tmp_path):
    plain = SyntheticFaces(3, size=32, pairs="pose")
    kept = SyntheticFaces(3, size=32, pairs="pose", cache=tmp_path / "cache")
    expected = list(plain)
    assert all(map(same, kept, expected))
    quick.clear()
    again = SyntheticFaces(3, size=32, pairs="pose", cache=str(tmp_path / "cache"))
    assert all(map(same, again, expected))
    assert not quick
    assert len(list((tmp_path / "cache").rglob("*.npz"))) == 3


def test_sets_with_other_arguments_do_not_meet(quick, tmp_path):
    for arguments in ({}, {"size": 48}, {"seed": 1}, {"people": 2}, {"pairs": "light"}, {"pairs": "pose"}):
        quick.clear()
        SyntheticFaces(4, **({"size": 32} | arguments), cache=tmp_path)[0]
        assert quick, arguments


def test_a_damaged_file_is_made_again(quick, tmp_path):
    faces = SyntheticFaces(2, size=32, cache=tmp_path)
    expected = faces[0]
    (file,) = tmp_path.rglob("*.npz")
    whole = file.read_bytes()
    directory = whole.rindex(b"PK\x01\x02")  # the last file's entry: how it is packed, then how it is encrypted
    packed, encrypted = bytearray(whole), bytearray(whole)
    packed[directory + 10], encrypted[directory + 8] = 99, 1
    for damaged in (b"", whole[:100], whole[: len(whole) // 2], packed, encrypted):
        file.write_bytes(damaged)
        assert same(faces[0], expected)
        assert file.read_bytes() == whole


def test_warm_fills_what_is_missing(quick, tmp_path):
    faces = SyntheticFaces(4, size=32, cache=tmp_path)
    faces[2]
    assert faces.warm(1, progress=False) == 3
    assert faces.warm(1, progress=False) == 0
    with refused(InputError, "missing"):
        SyntheticFaces(4).warm()
    for workers in (0, 1.5, True):
        with pytest.raises(InputError, match="workers"):
            SyntheticFaces(4, size=32, seed=3, cache=tmp_path).warm(workers)


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_named(quick, tmp_path):
    tmp_path.chmod(0o500)
    with refused(FaceEditError, "unwritable"):
        SyntheticFaces(1, size=32, cache=tmp_path)[0]


def test_it_can_be_pickled(quick, tmp_path):
    faces = SyntheticFaces(3, size=32, cache=tmp_path)
    assert same(pickle.loads(pickle.dumps(faces))[1], faces[1])


@pytest.mark.parametrize("start", breadth(multiprocessing.get_all_start_methods()))
def test_workers_make_the_same(start, tmp_path):
    faces = SyntheticFaces(2, size=32, pairs="expression")
    loader = DataLoader(faces, batch_size=2, num_workers=1, multiprocessing_context=start)
    (batch,) = loader
    assert batch["source"]["image"].shape == (2, 3, 32, 32)
    assert batch["delta"].shape == (2, len(ACTION_UNITS))
    assert len(batch["target"]["caption"]) == 2
    for role in ("source", "target"):
        assert torch.equal(batch[role]["image"][1], faces[1][role]["image"])


@pytest.mark.slow
def test_warm_with_several_workers_keeps_the_same(tmp_path):
    faces = SyntheticFaces(3, size=32, cache=tmp_path)
    assert faces.warm(2, progress=False) == 3
    assert same(faces[1], SyntheticFaces(3, size=32)[1])


@pytest.mark.parametrize("pairs", [None, "expression"])
def test_named_arrays_are_those_of_the_whole_item(quick, pairs, tmp_path):
    """Whether they are made, or read from a cache; what is not named is not there, and the cache is whole."""
    options = {"size": 32, "pairs": pairs, "cache": tmp_path}
    whole, part = SyntheticFaces(3, **options), SyntheticFaces(3, **options, names=("image", "parts"))
    made = part[1]
    assert same(part[1], made)
    assert len(quick) == (2 if pairs else 1)
    everything = whole[1]
    assert len(quick) == (2 if pairs else 1)
    for role in ("source", "target") if pairs else (None,):
        found, expected = (item[role] if role else item for item in (made, everything))
        assert found.keys() - {"index"} == {"image", "parts", "units", "units_sides"}
        assert SHAPES.keys() <= expected.keys()
        assert all(same(found[name], expected[name]) for name in found)
    assert not pairs or torch.equal(made["delta"], everything["delta"])


def test_a_name_that_no_item_has_is_refused(quick):
    with refused(InputError, "unknown", expected=NAMES, actual=["pixels"]):
        SyntheticFaces(3, size=32, names=("image", "pixels"))
    assert {*NAMES} >= SyntheticFaces(1, size=32)[0].keys() - {"units", "index"}
