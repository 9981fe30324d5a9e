"""What is told of units and words: complete, true to the tables, and with a picture that shows it."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from common.core.errors import ActionUnitError
from common.editing.explain import explain
from common.facs.action_units import ACTION_UNITS, to_vector
from common.facs.cautions import cautions
from common.facs.expressions import EXPRESSIONS
from magicface import __main__ as command


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_every_unit_is_explained(unit):
    text = str(explain(unit))
    assert ACTION_UNITS[unit] in text
    assert "muscle: " in text
    assert str(explain(unit[2:])) == text


@pytest.mark.parametrize("word", EXPRESSIONS)
def test_every_word_is_explained(word):
    found = explain(word)
    assert list(found.vector) == to_vector(word)
    assert EXPRESSIONS[word].source in str(found)
    assert all(f"{unit}=" in str(found) for unit in EXPRESSIONS[word].units)


def test_a_picture_shows_the_difference():
    page = np.asarray(explain("AU26").picture(96))
    left, right = page[16:-4, 4:100].astype(int), page[16:-4, 104:200].astype(int)
    assert left.shape == right.shape
    assert np.abs(left - right)[60:].mean() > 2 * np.abs(left - right)[:40].mean(), "the jaw, not the forehead"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("AU4=3", "lids"), ("AU9=4", "closes the eyes"), ("AU2=-2", "distorts"), ("AU12=3,AU15=3", "up and down"),
        ("AU26=2,AU25=-2", "closes the lips"), ("AU12=7", "ends at 5"), ([1.0] * 12, "More than"),
    ],
)  # fmt: skip
def test_doubtful_requests_get_a_sentence(asked, told):
    assert any(told in each for each in cautions(to_vector(asked)))


@pytest.mark.parametrize("asked", ["neutral", "AU4=3,AU5=2", "AU12=3,AU6=2", *EXPRESSIONS])
def test_presets_and_plain_requests_get_little(asked):
    lines = cautions(to_vector(asked))
    assert len(lines) <= (1 if asked in EXPRESSIONS else 0)


def test_what_is_neither_is_refused():
    with pytest.raises(ActionUnitError, match="did you mean AU2"):
        explain("AU3")
    with pytest.raises(ActionUnitError, match="did you mean 'happy'"):
        explain("hapy")


def test_the_command_line_explains(capsys, tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    assert command.main(["explain"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in (*ACTION_UNITS, *EXPRESSIONS))
    assert command.main(["explain", "AU12", "-o", str(tmp_path / "smile.png")]) == 0
    assert (tmp_path / "smile.png").stat().st_size > 1000
    assert command.main(["explain", "AU12", "AU4", "-o", str(tmp_path / "both.png")]) == 2
