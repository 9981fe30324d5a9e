"""The networks of RigFace's preparation: the published keys and numbers, and what becomes of wrong files."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from folders import GOLDEN
from preparation_networks import picture, shapes, weights
from refusals import refused
from safetensors.torch import load_file, save_file

from common.core.errors import CheckpointError, InputError, MissingCheckpointError, ShapeError
from common.face3d.heads.bfm import split_coefficients
from common.faces import Face
from common.faces.affine import transform
from common.parsing.conditioning import FIVE_POINTS
from rigface.released.d3dfr import EXPRESSION, D3dfr, align
from rigface.released.deca import Codes, Deca, window

NETWORKS = {"d3dfr": (D3dfr, "d3dfr_coefficients"), "deca": (Deca, "deca_codes")}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Files of the published form: D3DFR's alone, DECA's among others and older than torch's zip format."""
    folder = tmp_path_factory.mktemp("released")
    found = {"d3dfr": folder / "d3dfr_res50_nofc.pth", "deca": folder / "deca_model.tar"}
    torch.save(weights("d3dfr"), found["d3dfr"])
    others = {"E_detail": {"weight": torch.zeros(1)}, "D_detail": {}}
    torch.save({Deca.part: weights("deca"), **others}, found["deca"], _use_new_zipfile_serialization=False)
    return found


@pytest.fixture(scope="module")
def loaded(files) -> dict[str, torch.nn.Module]:
    return {name: NETWORKS[name][0].from_file(path) for name, path in files.items()}


@pytest.fixture
def face(astronaut) -> Face:
    landmarks = np.stack([np.linspace(180, 260, 68), np.linspace(70, 160, 68)[::-1]], 1)
    points = np.array([(205, 110), (240, 110), (222, 128), (208, 145), (238, 146)])
    return Face(np.array([175, 50, 270, 170]), 1.0, points, landmarks, "made up")


@pytest.mark.parametrize("name", NETWORKS)
def test_keys_and_shapes_are_the_published_ones(name):
    with torch.device("meta"):
        network = NETWORKS[name][0]()
    state = {key: list(value.shape) for key, value in network.state_dict().items()}
    assert state == shapes(name)
    assert list(state) == list(shapes(name))


@pytest.mark.golden
@pytest.mark.parametrize("name", NETWORKS)
def test_answers_equal_the_released_networks(loaded, name):
    golden = load_file(GOLDEN / "preparation" / "codes.safetensors")[NETWORKS[name][1]]
    images = picture() if name == "d3dfr" else (picture() + 1) / 2
    torch.testing.assert_close(loaded[name](images), golden, rtol=1e-5, atol=1e-5)


def test_codes_are_split_in_the_released_order():
    vector = torch.arange(2 * 236.0).reshape(2, 236)
    codes = Codes.split(vector)
    assert codes.shape[0, 0] == 0
    assert codes.texture[0, 0] == 100
    assert codes.expression[0, 0] == 150
    assert codes.rotation[0].tolist() == [200, 201, 202]
    assert codes.jaw[0].tolist() == [203, 204, 205]
    assert codes.camera[0].tolist() == [206, 207, 208]
    assert codes.light[0, :2].tolist() == [[209, 210, 211], [212, 213, 214]]
    assert torch.equal(torch.cat([value.flatten(1) for value in vars(codes).values()], 1), vector)
    with refused(ShapeError, name="codes", actual=(2, 235)):
        Codes.split(vector[:, 1:])


def test_expression_is_where_the_coefficients_have_it():
    vector = torch.arange(261.0)[None]
    assert torch.equal(split_coefficients(vector).expression, vector[:, EXPRESSION])


def test_reading_a_photo_is_one_call_of_the_network_on_its_crop(loaded, astronaut, face):
    aligned, matrix = align(astronaut, face.points)
    assert aligned.shape == (256, 256, 3)
    images = torch.from_numpy(aligned).movedim(2, 0)[None] / 127.5 - 1
    torch.testing.assert_close(loaded["d3dfr"].read(astronaut, face.points), loaded["d3dfr"](images)[0])
    # five points cannot all be met by a similarity, but their mean is
    assert np.allclose(transform(face.points.astype(float), matrix).mean(0), FIVE_POINTS.mean(0))
    assert loaded["deca"].read(astronaut, window(face)).shape.shape == (1, 100)


def test_aligning_meets_points_that_a_similarity_can_meet(astronaut):
    turn = np.array([[0.4, 0.2, 30], [-0.2, 0.4, 80]])
    _, matrix = align(astronaut, transform(FIVE_POINTS, turn))
    assert np.allclose(transform(transform(FIVE_POINTS, turn), matrix), FIVE_POINTS)


def test_deca_looks_at_the_landmarks_box(face):
    matrix = window(face)
    assert np.allclose(transform(np.array([220.0, 115.0]), matrix), 111.5)
    assert matrix[0, 0] == pytest.approx(223 / (85 * 1.1 * 1.3))
    with refused(InputError, "range", actual=0.0):
        window(Face(np.zeros(4), 1.0, np.zeros((5, 2)), np.zeros((68, 2)), "made up"))


def test_safetensors_hold_the_same_network(loaded, tmp_path):
    state = {key: value.contiguous() for key, value in loaded["deca"].state_dict().items()}
    save_file(state, tmp_path / "deca.safetensors")
    again = Deca.from_file(tmp_path / "deca.safetensors").state_dict()
    assert all(torch.equal(again[key], value) for key, value in state.items())


@pytest.mark.parametrize(
    ("change", "code", "key"),
    [
        (lambda s: {k: v for k, v in s.items() if k != "layers.2.bias"}, "keys", "layers.2.bias"),
        (lambda s: s | {"fc.weight": torch.zeros(2)}, "keys", "fc.weight"),
        (lambda s: s | {"layers.2.bias": torch.zeros(2)}, "keys", "layers.2.bias"),
    ],
)
def test_keys_that_do_not_fit_are_named(loaded, tmp_path, change, code, key):
    torch.save({Deca.part: change(dict(loaded["deca"].state_dict()))}, tmp_path / "deca_model.tar")
    with pytest.raises(CheckpointError, match=re.escape(key)) as caught:
        Deca.from_file(tmp_path / "deca_model.tar")
    assert caught.value.code == code


def test_a_file_of_other_networks_is_refused(tmp_path):
    for content, held in (({"E_detail": {}, "opt": 1}, "E_detail, opt"), ({Deca.part: [1, 2]}, Deca.part)):
        torch.save(content, tmp_path / "other.tar")
        with refused(CheckpointError, "keys", actual=held):
            Deca.from_file(tmp_path / "other.tar")


@pytest.mark.parametrize("make", [D3dfr, Deca])
def test_missing_damaged_and_refused_files(make, tmp_path):
    with refused(MissingCheckpointError):
        make.from_file(tmp_path / "absent.tar")
    (tmp_path / "damaged.tar").write_bytes(b"<html>rate limited</html>")
    with refused(CheckpointError, "unreadable"):
        make.from_file(tmp_path / "damaged.tar")
    torch.save({"weight": Path("elsewhere")}, tmp_path / "code.tar")
    with refused(CheckpointError, "refused"):
        make.from_file(tmp_path / "code.tar")
