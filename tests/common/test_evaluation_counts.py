"""Summaries say on how many items each number was measured; what was not measured is N/A and decides no goal."""

from __future__ import annotations

import pytest

from common.evaluation.pooled import count, goals_table, measured_units, strong_units
from common.evaluation.responses import identity_words, mean_identity
from common.tables import counted, number

GOAL = ("units", ">=", 10)
STRONG, WEAK, NONE = ({"pearson": r, "slope": s} for r, s in ((0.95, 0.9), (0.2, 0.1), (None, None)))


@pytest.mark.parametrize(
    ("strong", "weak", "found", "reached"),
    [(0, 0, None, None), (1, 0, 1, None), (10, 0, 10, True), (9, 2, 9, None), (9, 3, 9, False), (0, 3, 0, False)],
)
def test_units_without_a_response_are_neither_strong_nor_weak(strong, weak, found, reached):
    responses = [STRONG] * strong + [WEAK] * weak + [NONE] * (12 - strong - weak)
    units = {f"AU{number}": {"edit": response} for number, response in enumerate(responses)}
    assert measured_units(units) == [strong + weak, 12]
    assert strong_units(units, GOAL) == {"found": found, "reached": reached}


def test_tables_say_n_of_all():
    text = goals_table({"a": GOAL}, {"a": {"found": 1, "reached": None}}, {"a": [1, 12]})
    assert "1 of 12" in text
    assert "too little measured" in text
    assert "not measured" in goals_table({"a": GOAL}, {"a": {"found": None, "reached": None}}, {"a": [0, 12]})
    assert counted(None, [0, 3]) == "N/A (0 of 3)"
    assert counted(0.5, count([1.0, None])) == "0.50 (1 of 2)"
    assert number(None) == "N/A"


def test_two_measures_of_identity_do_not_mix():
    dlib, arcface = {"measure": "dlib L2", "same": True}, {"measure": "ArcFace cosine", "same": True}
    found = mean_identity([{**dlib, "value": 0.2}, {**dlib, "value": 0.4}, {**arcface, "value": 0.9}, None])
    assert (found["measure"], found["mean"], found["count"], found["of"]) == ("dlib L2", pytest.approx(0.3), 2, 4)
    assert "(2 of 4)" in identity_words(found)
    assert identity_words(mean_identity([None])) == "N/A"
