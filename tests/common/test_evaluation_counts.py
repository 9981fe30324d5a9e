"""Reports state on how many items each number was measured; what was not measured is N/A and decides no goal."""

from __future__ import annotations

import pytest

from common.core.markdown import counted, number
from common.evaluation.items import NAMES
from common.evaluation.metrics import STRONG_UNITS, mean_identity, with_goals
from common.evaluation.report import markdown
from common.evaluation.run import Suite, summarise

SUITE = Suite(metrics=with_goals([STRONG_UNITS], {"strong_units": 10}))
FACTS = {"settings": {}, "estimator": ["regressor", ""]}


def single(unit: str, asked: float, measured: float) -> dict:
    """A record of one unit."""
    place = NAMES.index(unit)
    vectors = [[value if at == place else 0.0 for at in range(12)] for value in (asked, measured)]
    return {
        "index": 0, "kind": "single", "unit": unit, "asked": vectors[0],
        "units": {"edit": vectors[1], "truth": vectors[0]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("strong", "weak", "found", "reached"),
    [(0, 0, None, None), (1, 0, 1, None), (10, 0, 10, True), (9, 2, 9, None), (9, 3, 9, False), (0, 3, 0, False)],
)
def test_units_without_a_response_are_neither_strong_nor_weak(strong, weak, found, reached):
    records = []
    for number_, unit in enumerate(NAMES[: strong + weak]):
        answers = (1.0, 2.0, 3.0) if number_ < strong else (3.0, 2.0, 1.0)
        records += [single(unit, asked, answer) for asked, answer in zip((1.0, 2.0, 3.0), answers)]
    report = summarise(records, SUITE, FACTS)
    metric = report["metrics"]["strong_units"]
    assert metric["edit"]["value"] == found
    assert metric["edit"]["count"] == [strong + weak, 12]
    assert metric["reached"] is reached
    words = {True: "| reached", False: "| missed", None: "not measured" if found is None else "too little measured"}
    assert words[reached] in markdown(report)


def test_tables_say_n_of_all():
    assert counted(None, [0, 3]) == "N/A (0 of 3)"
    assert counted(0.5, [1, 2]) == "0.50 (1 of 2)"
    assert number(None) == "N/A"


def test_two_measures_of_identity_do_not_mix():
    dlib, arcface = {"measure": "dlib L2", "same": True}, {"measure": "ArcFace cosine", "same": True}
    values = [{**dlib, "value": 0.2}, {**dlib, "value": 0.4}, {**arcface, "value": 0.9}, None]
    found = mean_identity([{"kind": "single", "identity": {"edit": value}} for value in values], "edit")
    assert found[:3] == (pytest.approx(0.3), 2, 4)
    assert found.note == "dlib L2, 100 % the same person"
    assert mean_identity([{"kind": "single", "identity": {"edit": None}}], "edit")[:3] == (None, 0, 1)
