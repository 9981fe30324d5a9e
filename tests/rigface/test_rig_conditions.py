"""Conditions made before, and who makes others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused

from common.core.errors import FaceEditError, InputError, MissingCheckpointError, ShapeError
from rigface import Conditions
from rigface.conditioning import read_conditions
from rigface.reconstruct import get_reconstructor

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
    ("background", "render", "coefficients", "kind", "code", "fields"),
    [
        (GREY, GREY[:4, :4], np.zeros(64), ShapeError, None, {"name": "Conditions.render", "actual": (4, 4, 3)}),
        (GREY[:, :4], GREY, np.zeros(64), ShapeError, None, {"name": "Conditions.background"}),
        (GREY / 1.0, GREY, np.zeros(64), InputError, "type", {"actual": "float64"}),
        (GREY, GREY, np.zeros((2, 64)), ShapeError, None, {"name": "Conditions.coefficients", "actual": (2, 64)}),
        (GREY, GREY, np.full(64, np.inf), InputError, "finite", {}),
    ],
)
def test_what_does_not_fit_is_refused(background, render, coefficients, kind, code, fields):
    with refused(kind, code, **fields):
        Conditions(background, render, coefficients)


@pytest.mark.parametrize("coefficients", ["absent.npy", "smile", None, object(), [[1, 2], [3]]])
def test_coefficients_that_cannot_be_read(coefficients):
    with pytest.raises(FaceEditError):
        read_conditions(GREY, GREY, coefficients)


@pytest.fixture
def stand_ins(monkeypatch):
    """The released preparation lacks a file; the embedded one is a word."""

    def incomplete():
        raise MissingCheckpointError("generic_model.pkl is missing")

    monkeypatch.setattr("rigface.released.files.find_files", incomplete)
    monkeypatch.setattr("rigface.rendered.Rendered", lambda: "ours")


def test_a_network_gets_the_reconstructor_whose_numbers_it_reads(stand_ins):
    assert get_reconstructor(vector_size=24) == "ours"
    assert get_reconstructor("embedded", vector_size=24) == "ours"
    with pytest.raises(MissingCheckpointError, match=r"generic_model\.pkl"):
        get_reconstructor(vector_size=64)
    for name, size in (("released", 24), ("embedded", 64), ("auto", 12)):
        with refused(InputError, "conflict", actual=size):
            get_reconstructor(name, vector_size=size)
    with refused(InputError, "unknown", expected=["auto", "released", "embedded"], actual="deca"):
        get_reconstructor("deca", vector_size=64)
