from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.action_units import ACTION_UNITS, as_list, to_text, to_vector
from common.errors import ActionUnitError, ShapeError

SMILE = [0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0]


def test_the_order_is_the_networks():
    assert list(ACTION_UNITS) == [f"AU{n}" for n in (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)]


@pytest.mark.parametrize(
    "wish",
    [
        {"AU12": 3, "AU6": 2},
        {"au12": 3.0, "AU06": "2"},
        {"12": 3, "6": 2},
        "AU12=3,AU6=2",
        "AU12=3 AU6=2",
        " au6 = 2 ; AU12=3 ",
        SMILE,
        tuple(SMILE),
        np.array(SMILE),
        torch.tensor(SMILE),
    ],
)
def test_all_forms_mean_the_same(wish):
    assert to_vector(wish) == SMILE


@pytest.mark.parametrize("wish", [{}, "", "neutral", [0] * 12])
def test_nothing_is_allowed(wish):
    assert to_vector(wish) == [0] * 12


@given(st.lists(st.sampled_from([-10, -2.5, 0, 0.125, 3, 10]), min_size=12, max_size=12))
def test_text_and_vector_are_inverses(vector):
    assert to_vector(to_text(vector)) == vector


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"AU3": 1}, "mean AU4|mean AU2"),
        ({"AU13": 1}, "mean AU12"),
        ({"AU27": 1}, "mean AU26"),
        ({"brow lower": 1}, "mean AU4"),
        ({"jaw dropp": 1}, "mean AU26"),
        ({"": 1}, "Unknown action unit"),
        ({None: 1}, "Unknown action unit"),
        ({"AU12": 11}, "must lie in"),
        ({"AU12": -10.5}, "must lie in"),
        ({"AU12": math.nan}, "must lie in"),
        ({"AU12": math.inf}, "must lie in"),
        ({"AU12": "much"}, "needs a number"),
        ({"AU12": None}, "needs a number"),
        ("AU12", "NAME=VALUE"),
        ("AU12=", "needs a number"),
        ("AU12=1,AU012=2", "twice"),
        ({"AU12": 1, "12": 2}, "twice"),
        ({"AU" + "9" * 5000: 1}, "Unknown action unit"),
        (3, "mapping, a string or 12 numbers"),
    ],
)
def test_what_cannot_be_understood_says_so(wish, message):
    with pytest.raises(ActionUnitError, match=message):
        to_vector(wish)


def test_wrong_length():
    with pytest.raises(ShapeError, match="AU1, AU2"):
        to_vector([1, 2, 3])


def test_absolute_intensities_have_their_own_range():
    with pytest.raises(ActionUnitError, match=r"\[0, 5\]"):
        to_vector({"AU12": -1}, low=0, high=5)


def test_lists_of_wishes():
    for single in ({"AU12": 3}, "AU12=3", SMILE, np.array(SMILE), torch.tensor(SMILE), (1, 2)):
        assert as_list(single) is None
    assert as_list([{"AU12": 3}]) == [{"AU12": 3}]
    assert as_list(["AU12=3", "AU6=2"]) == ["AU12=3", "AU6=2"]
    assert len(as_list(np.zeros((5, 12)))) == 5
    assert len(as_list([SMILE, SMILE])) == 2
    assert as_list([]) == []
