"""Errors have stable codes and fields, and come whole out of worker processes."""

from __future__ import annotations

import copy
import pickle

import pytest

from common.core import errors
from common.core.errors import FaceEditError, InputError
from common.editing.models import NoNetworksError
from microexpression.data.sample import DataSetError

MADE = [
    FaceEditError("a"),
    errors.ActionUnitError("AU99 is unknown.", expected="one of 12", actual="AU99", hint="see --help"),
    errors.CheckpointError("a is refused", code="refused"),
    errors.FaceNotFoundError("a"),
    errors.ImageError("a"),
    InputError("a", expected=3, actual=0),
    errors.MissingCheckpointError("a", hint="download"),
    errors.MissingDependencyError("scipy", "It", "pip install scipy"),
    errors.NonFiniteError("The pixels", "float16", "  try float32"),
    errors.ShapeError("x", "(3,)", [2], "turn it"),
    DataSetError("casme", ["no video"]),
    NoNetworksError("unet"),
]


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_copies_are_whole(error):
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is type(error)
        assert (str(other), vars(other)) == (str(error), vars(error))
        assert other.code == error.code


def test_every_class_has_a_code_of_its_own():
    named = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, FaceEditError)}
    kinds = named | {type(error) for error in MADE}
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert kinds == {type(error) for error in MADE}  # so that each is copied above


def test_fields_are_shown():
    error = InputError("guidance is out of range.", code="range", expected="[0, 30]", actual=-0.0, hint="use 3")
    assert str(error) == "guidance is out of range.\n  expected: [0, 30]\n  got:      -0.0\n  use 3"
    assert (error.code, error.expected, error.actual, error.hint) == ("range", "[0, 30]", -0.0, "use 3")
    assert InputError("a").code == "input"  # the class's own is untouched
