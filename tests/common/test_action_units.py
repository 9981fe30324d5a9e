from __future__ import annotations

import math
import sqlite3
from collections import OrderedDict, namedtuple
from types import MappingProxyType

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.core.errors import ActionUnitError, InputError, ShapeError
from common.facs.action_units import ACTION_UNITS, as_list, known_unit, to_text, to_vector
from common.facs.action_units.facs import FACS

SMILE = [0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0]


def test_the_order_is_the_networks():
    assert list(ACTION_UNITS) == [f"AU{n}" for n in (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)]


@pytest.mark.parametrize(
    "asked",
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
def test_all_forms_mean_the_same(asked):
    assert to_vector(asked) == SMILE


@pytest.mark.parametrize("asked", [{}, "", "neutral", [0] * 12])
def test_nothing_is_allowed(asked):
    assert to_vector(asked) == [0] * 12


@given(st.lists(st.sampled_from([-10, -2.5, 0, 0.125, 3, 10]), min_size=12, max_size=12))
def test_text_and_vector_are_inverses(vector):
    assert to_vector(to_text(vector)) == vector


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"AU3": 1}, "mean AU4|mean AU2"),
        ({"UA12": 1}, "mean AU12"),
        ({"dimple": 1}, r"AU14 \(dimpler\) is a FACS action unit"),
        ({12: 3}, "no text"),
        ("AU12=3,5", "point"),
        ("6B+12C", "AU6=2,AU12=3"),
        ("happy,12D", "AU12=4"),
        (iter([0] * 12), "in a list"),
        (set(range(12)), "in a list"),
        (bytes(12), "in a list"),
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
def test_what_cannot_be_understood_says_so(asked, message):
    with pytest.raises(ActionUnitError, match=message):
        to_vector(asked)


def test_wrong_length():
    with pytest.raises(ShapeError, match="AU1, AU2"):
        to_vector([1, 2, 3])


def test_absolute_intensities_have_their_own_range():
    with pytest.raises(ActionUnitError, match=r"\[0, 5\]"):
        to_vector({"AU12": -1}, low=0, high=5)


def test_lists_of_requests():
    for single in ({"AU12": 3}, "AU12=3", SMILE, np.array(SMILE), torch.tensor(SMILE), (1, 2)):
        assert as_list(single) is None
    assert as_list([{"AU12": 3}]) == [{"AU12": 3}]
    assert as_list(["AU12=3", "AU6=2"]) == ["AU12=3", "AU6=2"]
    assert len(as_list(np.zeros((5, 12)))) == 5
    assert len(as_list([SMILE, SMILE])) == 2
    assert as_list([]) == []


KNOWN = ("AU1", "AU2", "AU4", "AU5", "AU6", "AU9", "AU12", "AU15", "AU17", "AU20", "AU25", "AU26")
IN_OTHER_ORDER = {"AU12": 3.0, "AU26": 1.0, "AU1": 0.5} | dict.fromkeys(KNOWN[1:6] + KNOWN[7:11], 0.0)


def test_values_with_names_are_read_by_name():
    """Of pandas, numpy, sqlite3, named tuples; in an order that is not the networks'."""
    pandas = pytest.importorskip("pandas")
    right = to_vector(IN_OTHER_ORDER)
    assert right[6] == 3
    names, values = list(IN_OTHER_ORDER), list(IN_OTHER_ORDER.values())
    record = np.array([tuple(values)], dtype=[(name, float) for name in names])
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    query = "select " + ", ".join(f"{value} as {name}" for name, value in IN_OTHER_ORDER.items())
    forms = [
        OrderedDict(IN_OTHER_ORDER), MappingProxyType(IN_OTHER_ORDER), pandas.Series(IN_OTHER_ORDER),
        pandas.DataFrame([IN_OTHER_ORDER]).iloc[0], pandas.Series(IN_OTHER_ORDER).add_suffix("_r"),
        namedtuple("Request", names)(*values), record[0], database.execute(query).fetchone(),
    ]  # fmt: skip
    for form in forms:
        assert as_list(form) is None
        assert to_vector(form) == right, type(form)
    database.close()
    for table in (pandas.DataFrame([IN_OTHER_ORDER] * 2), record.repeat(2)):
        assert [to_vector(row) for row in as_list(table)] == [right, right]
    assert as_list(pandas.Series(["happy", "AU12=3"], index=["a", "b"])) == ["happy", "AU12=3"]


def test_values_without_names_are_read_by_place():
    pandas = pytest.importorskip("pandas")
    assert to_vector(pandas.Series(SMILE)) == to_vector(SMILE)
    assert [to_vector(row) for row in as_list(pandas.DataFrame([SMILE]))] == [to_vector(SMILE)]
    with pytest.raises(InputError, match="neither names nor"):
        to_vector(pandas.Series(SMILE)[::-1])
    with pytest.raises(ActionUnitError, match="twice"):
        to_vector(pandas.Series([1.0, 2.0], index=["AU12", "AU12_r"]))
    with pytest.raises(InputError, match="two columns"):
        as_list(pandas.DataFrame([[1, 2]], columns=["AU12", "AU12"]))


@pytest.mark.parametrize("unit", [name for name in FACS if name not in ACTION_UNITS])
@pytest.mark.parametrize("spelling", ["{}", "au{:02d}", "AU{:02d}_r", "AU{}L", "AU{}_c", " AU{} "])
def test_no_unit_of_facs_is_taken_for_another_one(unit, spelling):
    with pytest.raises(ActionUnitError) as caught:
        known_unit(spelling.format(int(unit[2:])) if spelling != "{}" else unit)
    assert f"{unit} ({FACS[unit]}) is a FACS action unit, but the networks know only 12" in str(caught.value)
    assert "did you mean" not in str(caught.value)


def test_all_units_that_cannot_be_granted_are_named_at_once():
    with pytest.raises(ActionUnitError, match=r"AU7 \(lid tightener\), AU10 .* and AU14 \(dimpler\) are FACS"):
        to_vector({"AU07_r": 1, "AU10_r": 2, "AU12_r": 3, "AU14_r": 0})


@pytest.mark.parametrize("name", ["AU12_r", " AU12_r", "AU12_r ", "au12", "AU012", "AU_12", "AU 12", "AU-12", "12"])
def test_spellings_of_programs(name):
    assert known_unit(name) == "AU12"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("AU12_c", "take AU12_r"), (" AU12_c", "take"), ("AU12L", "one side"), ("L12", "one side"),
        ("AU12_L", "one side"), ("AU12_R", "one side"), ("AU12 left", "one side"),
        ("right_AU12", "one side"), ("AU12C", "AU12=3"),
    ],
)  # fmt: skip
def test_spellings_that_mean_something_else_say_so(name, message):
    with pytest.raises(ActionUnitError, match=message):
        known_unit(name)
    with pytest.raises(ActionUnitError, match=message):
        to_vector({name: 1})


def test_probabilities_are_told_once(caplog):
    """py-feat reads 0 to 1; a request is on a scale of 0 to 5."""
    rng = np.random.default_rng(3)
    found = {f"AU{int(name[2:]):02d}": float(value) for name, value in zip(KNOWN, rng.random(12))}
    for _ in range(3):
        to_vector(found)
    assert [record.message.count("0..1") for record in caplog.records] == [1]
    caplog.clear()
    to_vector({"AU12": 0.5})
    to_vector({"AU12": 3, "AU06": 0.5})
    assert not caplog.records
    with pytest.raises(ActionUnitError, match=r"0\.\.1"):
        to_vector(found | {"AU07": 0.5})


def test_a_decimal_comma_in_a_cell():
    assert to_vector({"AU12": "3,5"})[6] == 3.5


def test_full_width_digits_and_neutral_beside_units_are_read():
    assert to_vector("AU６=2") == to_vector("AU6=2")
    assert to_vector("neutral,AU12=3") == to_vector("AU12=3")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("AU1+2=3", "AU1=3,AU2=3"),
        ("AU6+AU12", "AU6=3,AU12=3"),
        ("angry:0,7", "have a point"),
        ("AU12=1_0", "needs a number"),
    ],
)
def test_sums_and_odd_numbers_are_told_how_to_be_written(asked, told):
    with pytest.raises(ActionUnitError, match=told):
        to_vector(asked)
