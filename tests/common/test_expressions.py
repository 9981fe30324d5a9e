"""Laws of words: each is made of known units, adds up, and is written anywhere a request is."""

from __future__ import annotations

import pytest

from common.cli.edit_photos import read_inputs
from common.core.errors import ActionUnitError
from common.face3d.heads.anny import default_head
from common.facs.action_units import ACTION_UNITS, to_text, to_vector
from common.facs.expressions import EXPRESSIONS, expression, is_word

BASIC = ("happy", "sad", "surprised", "afraid", "angry", "disgusted")


@pytest.mark.parametrize("word", EXPRESSIONS)
def test_a_word_is_its_units(word):
    found = EXPRESSIONS[word]
    assert set(found.units) <= set(ACTION_UNITS)
    assert all(0 < value <= 4 for value in found.whole.values())
    assert found.source
    assert to_vector(word) == to_vector(found.units)
    assert not set(found.others) & set(ACTION_UNITS)


@pytest.mark.parametrize("word", EXPRESSIONS)
def test_the_head_shows_all_units_of_a_word(word):
    found = EXPRESSIONS[word]
    shown = default_head().units_named(found.whole)[0]
    assert shown[:, :12].tolist() == [to_vector(word)] * 2
    assert bool(shown[:, 12:].any()) == bool(found.others)


def test_no_two_words_look_alike():
    looks = [to_text(to_vector(word)) for word in EXPRESSIONS]
    assert len(set(looks)) == len(looks)
    assert set(BASIC) < set(EXPRESSIONS)


def test_words_are_shared_and_added():
    half = to_vector("angry:0.5")
    assert half == [value / 2 for value in to_vector("angry")]
    mixed = to_vector("happy:0.5, surprised : 0.5")
    assert mixed == [a / 2 + b / 2 for a, b in zip(to_vector("happy"), to_vector("surprised"))]
    assert max(to_vector("angry,angrily disgusted")) == 5, "no more than a face can do"
    assert to_vector("angry:-1") == [-value for value in to_vector("angry")]


def test_a_unit_beside_a_word_is_taken_by_itself():
    assert to_vector("happy AU12=1") == to_vector({**EXPRESSIONS["happy"].units, "AU12": 1})
    assert to_vector("in pain,AU5=2") == to_vector({**EXPRESSIONS["in pain"].units, "AU5": 2})


def test_words_have_other_spellings():
    assert expression("In_Pain") is expression("pain") is EXPRESSIONS["in pain"]
    assert expression("pleasant-surprise") is EXPRESSIONS["pleasantly surprised"]


@pytest.mark.parametrize(("asked", "told"), [("hapy", "'happy'"), ("happy:3", "happy must lie"), ("sad:x", "a number")])
def test_a_wrong_word_says_what_would_be_right(asked, told):
    with pytest.raises(ActionUnitError, match=told):
        to_vector(asked)


def test_the_command_line_takes_words(tmp_path):
    photo = tmp_path / "me.jpg"
    photo.touch()
    assert read_inputs([str(photo), "angry:0.5", "AU5=1"], "") == ([photo], ["angry:0.5", "AU5=1"])
    assert read_inputs(["in pain", str(photo)], "") == ([photo], ["in pain"])
    assert not is_word("photo.jpg")
