"""Protocols and scores: who is trained on, and that the authors' logs give the field's numbers."""

from __future__ import annotations

import ast
import random
from dataclasses import replace

import numpy as np
import pytest
from refusals import refused
from test_micro_networks import shared

from common.core.errors import InputError, ShapeError
from microexpression.data.load import read_crossed
from microexpression.data.sample import Sample
from microexpression.protocols import EMOTIONS, Fold, Protocol, cd6me, megc2018_composite, megc2018_holdout, megc2019
from microexpression.results import confusion, scores, table, uar, uf1, unit_scores
from microexpression.study import chance


def made(dataset: str, subject: str, clip: str, emotion: str, units=(), objective: int = 0) -> Sample:
    return Sample(dataset, subject, clip, 1, 2, 3, frozenset(units), emotion, objective)


SMALL = [
    made("samm", "006", "1", "Anger", {4}, 3), made("samm", "006", "2", "Other", {7}, 7),
    made("casme2", "01", "a", "happiness", {12}, 1), made("casme2", "01", "b", "surprise", {1, 2}, 2),
    made("casme2", "04", "EP12_01f", "disgust", {4, 9}, 4), made("casme2", "04", "c", "disgust", {9}, 4),
    made("smic", "s01", "d", "positive"), made("casme2", "05", "e", "others", {14}, 7),
]  # fmt: skip


def test_classes_are_the_protocols_own_and_folds_leave_a_subject_out():
    protocol = megc2019(SMALL)
    found = {
        (*sample.key[:2], sample.clip): EMOTIONS[label] for sample, label in zip(protocol.samples, protocol.labels)
    }
    assert found == {
        ("samm", "006", "1"): "negative", ("casme2", "01", "a"): "positive", ("casme2", "01", "b"): "surprise",
        ("casme2", "04", "c"): "negative", ("smic", "s01", "d"): "positive",
    }  # fmt: skip
    assert sorted(fold.name for fold in protocol.folds) == ["casme2-01", "casme2-04", "samm-006", "smic-s01"]
    for fold in protocol.folds:
        tested = {protocol.samples[row].person for row in fold.test}
        assert len(tested) == 1
        assert not tested & {protocol.samples[row].person for row in fold.train}
        assert sorted(fold.train + fold.test) == [*range(5)]
    assert len(megc2018_composite(SMALL).samples) == 5
    assert {fold.name for fold in megc2018_holdout(SMALL).folds} == {"casme2", "samm"}
    five = cd6me(SMALL)
    assert five.labels[0][:3] in {(0, 0, 0), (0, 0, 1), (1, 1, 0)}
    assert {fold.name for fold in five.folds} == {"casme2", "samm", "smic"}


@pytest.mark.parametrize("protocol", [megc2019, megc2018_composite, megc2018_holdout, cd6me])
def test_the_order_of_rows_changes_nothing(protocol):
    shuffled = random.Random(1).sample(SMALL, len(SMALL))
    assert protocol(shuffled) == protocol(SMALL)


def test_protocols_that_would_leak_cannot_be_made():
    with refused(InputError, "conflict"):
        Protocol("x", tuple(SMALL[:2]), (0, 1), ("a", "b"), (Fold("f", (0, 1), (1,)),))
    with refused(InputError, "duplicate"):
        Protocol("x", tuple(SMALL[:2]), (0, 1), ("a", "b"), (Fold("f", (0,), (1,)), Fold("g", (0,), (1,))))
    with refused(InputError, "count", actual=1):
        megc2019(SMALL[:1])
    with refused(InputError, "duplicate"):
        megc2019([*SMALL, replace(SMALL[0], onset=0)])


# --- scores ----------------------------------------------------------------------------------------------------------


def macro_precision(matrix: np.ndarray) -> float:
    """The mean over classes of TP / (TP + FP), which STSTNet's paper prints as UAR."""
    return float(np.mean(np.diag(matrix) / np.maximum(matrix.sum(0), 1)))


def test_scores_on_numbers_by_hand():
    matrix = confusion([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2], 3)
    assert matrix.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert uf1(matrix) == pytest.approx((4 / 5 + 2 / 4 + 2 / 3) / 3)
    assert uar(matrix) == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert macro_precision(matrix) == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    assert uf1(confusion([0, 1], [0, 1], 3)) == pytest.approx(2 / 3), "a class without samples scores 0"
    with pytest.raises(ShapeError):
        confusion([0, 1], [0], 2)


def test_scores_of_units_by_hand():
    truth, found = np.array([[1, 0], [1, 0], [0, 1], [0, 0]]), np.array([[1, 0], [0, 0], [0, 1], [1, 0]])
    own = unit_scores(truth, found, ["a", "a", "b", "b"])
    assert own.units == pytest.approx((0.5, 1.0))
    assert own.groups == pytest.approx({"a": (2 / 3 + 0) / 2, "b": (0 + 1) / 2})
    assert own.unit_average == pytest.approx(0.75)
    assert own.group_average == pytest.approx((1 / 3 + 1 / 2) / 2)
    both = unit_scores(truth, found, ["a"] * 4, both_sides=True)
    assert both.units == pytest.approx(((0.5 + 0.5) / 2, 1.0))
    with pytest.raises(ShapeError):
        unit_scores(truth, found[:2], ["a"] * 4)


def test_predictions_are_pooled_and_not_averaged():
    protocol = megc2019(SMALL)
    right = np.eye(3)[np.array(protocol.labels)]
    assert scores(protocol, right)["all"]["uf1"] == scores(protocol, right)["all"]["accuracy"] == 1
    one = scores(protocol, np.roll(right, 1, 1))
    assert one["all"]["uar"] == one["all"]["accuracy"] == 0
    assert sum(own["count"] for name, own in one.items() if name != "all") == one["all"]["count"] == 5
    text = table(protocol, {"net": one})
    assert text.count("\n") == 3
    assert "0.000 / 0.000" in text


# --- the field's numbers ---------------------------------------------------------------------------------------------


def matlab_log() -> list[tuple[str, str, str, int, int]]:
    """Data set, subject, clip, truth and prediction."""
    rows, dataset, subject = [], "", ""
    for line in shared("data", "ststnet", "STSTNet_logfile.txt").read_text().splitlines():
        words = line.split()
        if len(words) == 2:
            dataset, subject = words
        elif words:
            rows.append((dataset, subject, words[0], int(words[1]), int(words[2])))
    return rows


def python_log() -> list[tuple[str, int, int]]:
    """Data set, truth and prediction."""
    rows, subject, found = [], "", []
    for line in shared("data", "ststnet", "STSTNet_python_logfile.txt").read_text().splitlines():
        if line.startswith("Subject"):
            subject = line.split(":")[1].strip()
        elif line.startswith("Predicted"):
            found = ast.literal_eval(line.split(":")[1].strip())
        elif line.startswith("Ground Truth"):
            dataset = "casme2" if subject.startswith("sub") else "smic" if subject.startswith("s") else "samm"
            rows += [(dataset, truth, one) for truth, one in zip(ast.literal_eval(line.split(":")[1].strip()), found)]
    return rows


@pytest.mark.golden
def test_the_authors_log_gives_their_f1_and_shows_what_their_recall_is():
    rows = matlab_log()
    assert len(rows) == 442
    published = {"all": (0.7353, 0.7186, 0.7605), "smic": (0.6801, 0.6703, 0.7013), "casme2": (0.8382, 0.8190, 0.8686),
                 "samm": (0.6588, 0.6415, 0.6810)}  # fmt: skip
    for name, (f1, recall, printed) in published.items():
        own = [row for row in rows if name in ("all", row[0])]
        matrix = confusion([row[3] for row in own], [row[4] for row in own], 3)
        assert round(uf1(matrix), 4) == f1
        assert round(uar(matrix), 4) == recall
        assert round(macro_precision(matrix), 4) == printed, "what the paper calls UAR"


@pytest.mark.golden
def test_the_authors_other_log_gives_its_rows():
    rows = python_log()
    known = {"all": (0.7209, 0.7250), "smic": (0.6871, 0.6876), "casme2": (0.8304, 0.8304), "samm": (0.5993, 0.6145)}
    for name, right in known.items():
        own = [row for row in rows if name in ("all", row[0])]
        matrix = confusion([row[1] for row in own], [row[2] for row in own], 3)
        assert (round(uf1(matrix), 4), round(uar(matrix), 4)) == right


@pytest.mark.golden
def test_the_list_of_megc2019_is_the_authors():
    samples = read_crossed(shared("data", "infusenet", "cross_dataset_seq.csv"))
    protocol = megc2019(sample for sample in samples if sample.dataset in ("casme2", "samm"))
    ours = {sample.key: label for sample, label in zip(protocol.samples, protocol.labels)}
    theirs = {(d, s.removeprefix("sub"), c): truth for d, s, c, truth, _ in matlab_log() if d != "smic"}
    assert ours == theirs
    for name, counts in {"casme2": [88, 32, 25], "samm": [92, 26, 15]}.items():
        assert [sum(d == name and label == each for (d, _, _), label in ours.items()) for each in range(3)] == counts


@pytest.mark.golden
def test_one_answer_for_all_on_cd6me():
    protocol = cd6me(read_crossed(shared("data", "infusenet", "cross_dataset_seq.csv")))
    own = scores(protocol, chance(protocol))["binary"]
    assert [round(100 * own[name], 1) for name in ("unit_average", "group_average")] == [17.8, 17.8]
    assert [round(100 * value, 1) for value in own["groups"].values()] == [16.1, 19.4, 15.3, 20.2, 20.7, 15.1]
    units = [26.0, 24.2, 51.7, 12.4, 5.7, 22.1, 10.9, 7.1, 15.9, 24.0, 5.0, 8.1]
    assert [round(100 * value, 1) for value in own["units"].values()] == units
