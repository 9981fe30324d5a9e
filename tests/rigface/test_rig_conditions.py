"""Conditions made before, and who makes others."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from common.core.errors import FaceEditError, InputError, MissingCheckpointError, ShapeError
from rigface import Conditions, RigEdit, reconstruct
from rigface.conditioning import read_conditions
from rigface.reconstruct import Given, get_reconstructor

GREY = np.full((8, 8, 3), 127, np.uint8)


def test_prepared_pictures_are_read_in_every_form(tmp_path):
    numbers = np.linspace(-1, 1, 64, dtype=np.float32)
    Image.fromarray(GREY).save(tmp_path / "bg.png")
    np.save(tmp_path / "exp.npy", numbers)
    for coefficients in (numbers, numbers[None], numbers.tolist(), torch.from_numpy(numbers), tmp_path / "exp.npy",
                         str(tmp_path / "exp.npy")):  # fmt: skip
        read = read_conditions(tmp_path / "bg.png", GREY // 2, coefficients)
        assert (read.coefficients == numbers).all()
        assert (read.background == GREY).all()
        assert (read.render == GREY // 2).all()
    assert repr(read) == "Conditions(background 8 x 8, render 8 x 8, 64 coefficients)"


@pytest.mark.parametrize(
    ("background", "render", "coefficients", "kind", "words"),
    [
        (GREY, GREY[:4, :4], np.zeros(64), ShapeError, r"render.*\(8, 8, 3\)"),
        (GREY[:, :4], GREY, np.zeros(64), ShapeError, "background"),
        (GREY / 1.0, GREY, np.zeros(64), InputError, "uint8"),
        (GREY, GREY, np.zeros((2, 64)), ShapeError, r"\(V,\)"),
        (GREY, GREY, np.full(64, np.inf), InputError, "finite"),
    ],
)
def test_what_does_not_fit_is_refused(background, render, coefficients, kind, words):
    with pytest.raises(kind, match=r"(?s)" + words):
        Conditions(background, render, coefficients)


@pytest.mark.parametrize("coefficients", ["absent.npy", "smile", None, object(), [[1, 2], [3]]])
def test_coefficients_that_cannot_be_read(coefficients):
    with pytest.raises(FaceEditError):
        read_conditions(GREY, GREY, coefficients)


def test_given_conditions_are_the_edit():
    conditions = Conditions(GREY, GREY, np.zeros(64))
    given = Given(conditions)
    for request in (None, RigEdit()):
        assert given.conditions(given.look(GREY, None), None, frozenset(), None, None, None, request) is conditions
    with pytest.raises(InputError, match="nothing else can be requested: pose yaw=3"):
        given.conditions(None, None, frozenset(), None, None, None, RigEdit(pose="yaw=3"))


@pytest.fixture
def stand_ins(monkeypatch):
    """Modules in place of the two reconstructors: the first lacks a file."""
    first, second = ModuleType("rig_first"), ModuleType("rig_second")

    def incomplete(device):
        raise MissingCheckpointError("generic_model.pkl is missing")

    first.load, second.load = incomplete, lambda device: device
    for module in (first, second):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(reconstruct, "HOMES", {"released": "rig_first", "embedded": "rig_second"})


def test_a_network_gets_the_reconstructor_whose_numbers_it_reads(stand_ins):
    assert get_reconstructor(vector_size=24, device="here") == "here"
    assert get_reconstructor("embedded", vector_size=24, device="here") == "here"
    with pytest.raises(MissingCheckpointError, match=r"(?s)generic_model\.pkl.*coefficients=\.\.\."):
        get_reconstructor(vector_size=64)
    for name, size in (("released", 24), ("embedded", 64), ("auto", 12)):
        with pytest.raises(InputError, match=f"reads {size} numbers"):
            get_reconstructor(name, vector_size=size)
    with pytest.raises(InputError, match="'auto', 'released', 'embedded'"):
        get_reconstructor("deca", vector_size=64)
