"""Evaluation: what is asked, what is measured, and that it can be stopped."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from estimators import Brightness

from common.core.errors import InputError
from common.core.files import alone
from common.editing.defaults import Defaults, write_defaults
from common.evaluation.items import LEVELS, draw_item
from common.evaluation.run import evaluate, summarise
from common.facs.action_units import ACTION_UNITS, AUDelta
from common.imaging.images import rgb
from common.synthetic.render import picture
from magicface import MagicFace
from magicface.__main__ import main
from magicface.evaluation import SEED
from magicface.evaluation.metrics import GOALS, SUITE

COUNT, SIZE = 4, 96
KINDS = ["all", "single", "combination", "all, the crop as generated"]
NAMES = tuple(ACTION_UNITS)

pytestmark = pytest.mark.usefixtures("pictures_are_made_once")


@pytest.fixture(scope="module")
def model(model_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated") / "model"
    shutil.copytree(model_folder, folder)
    write_defaults(folder, Defaults(steps=1, guidance=1.0, region="face", paste_back="detail"))
    return folder


@pytest.fixture(scope="module")
def editor(model):
    return MagicFace.from_pretrained(model, device="cpu", detector="mediapipe", parser="grabcut")


def answering(editor, monkeypatch, role: str):
    """The editor, made to return the source or the target of each item, whatever its networks say."""
    items = [draw_item(SEED, index) for index in range(COUNT)]
    known = {picture.make(i.source, SIZE).image.tobytes(): picture.make(getattr(i, role), SIZE).image for i in items}

    def edit(subject, request, *, paste_back, **options):
        answer = known[rgb(subject.photo).tobytes()]
        if request == AUDelta():
            return subject.source
        return subject.crop.apply(answer) if paste_back is False else answer

    monkeypatch.setattr(editor, "edit", edit)
    return editor


def measured(editor, folder, count=COUNT, suite=SUITE, **options):
    return evaluate(editor, folder, suite, estimator=Brightness(), count=count, size=SIZE, progress=False, **options)


def value(report, name, of="edit"):
    return report["metrics"][name][of]["value"]


# --- what is asked ---------------------------------------------------------------------------------------------------


def test_a_request_is_the_target_less_the_source():
    for index in range(120):
        item = draw_item(SEED, index)
        source, target = (np.mean(scene.units, 0) for scene in (item.source, item.target))
        np.testing.assert_allclose(item.units, target - source, atol=1e-3)
        assert replace(item.target, units=item.source.units) == item.source
        assert 0 <= min(*source, *target) <= max(*source, *target) <= 5
        changed = np.count_nonzero(np.abs(item.units) >= 0.5)
        assert changed == 1 if item.unit else changed >= 2
        if item.unit:
            assert item.units[NAMES.index(item.unit)] in LEVELS
            assert np.count_nonzero(item.units) == 1


def test_every_unit_comes_early_and_in_both_directions():
    items = [draw_item(SEED, index) for index in range(100)]
    assert {item.unit for item in items[:16]} == {*NAMES, None}
    assert sum(item.unit is None for item in items) == 25
    for name in NAMES:
        assert {max(item.units, key=abs) for item in items if item.unit == name} == set(LEVELS)
    assert len({item.source.person.identity for item in items}) == 100
    assert draw_item(SEED, 7) == items[7] != draw_item(SEED + 1, 7)


# --- what is measured ------------------------------------------------------------------------------------------------


def test_a_perfect_editor_has_no_error(editor, monkeypatch, tmp_path):
    report = measured(answering(editor, monkeypatch, "target"), tmp_path)
    assert report["failed"] == 0
    assert list(report["errors"]) == KINDS
    for name, error in report["errors"].items():
        assert error["edit"] == error["edit_to_nothing"] == 0, name
        assert error["nothing"] > 0
        assert error["vae"] > 0
    assert value(report, "null") == 100
    assert value(report, "background") > 60  # a true picture's JPEG is not quite the source's
    assert value(report, "error") == 0
    assert report["metrics"]["error"]["reached"] is True


def test_an_editor_that_does_nothing_has_the_error_of_doing_nothing(editor, monkeypatch, tmp_path):
    report = measured(answering(editor, monkeypatch, "source"), tmp_path)
    for name in KINDS:
        assert report["errors"][name]["edit_to_nothing"] == pytest.approx(1), name
    assert value(report, "background") == 100
    assert report["metrics"]["error"]["reached"] is False
    if value(report, "identity") is not None:
        assert value(report, "identity") == pytest.approx(0, abs=1e-6)
    assert value(report, "off_target") is None  # nothing changed, so nothing can be compared


def records(answer):
    """Made-up records of 96 items, whose measured change is `answer(request)`."""
    error = {"edit": 1.0, "nothing": 4.0, "vae": 0.5, "count": 10}
    for index in range(96):
        item = draw_item(SEED, index)
        truth, edit = np.array(item.units), np.array(answer(np.array(item.units)))
        yield {
            "index": index, "kind": item.kind, "unit": item.unit, "asked": list(item.units), "photo": error,
            "crop": error, "null": {"edit": 30.0, "truth": 30.5}, "background": {"error": 0.0, "count": 3},
            "units": {"edit": edit.tolist(), "truth": truth.tolist()},
            "identity": {"edit": None, "truth": None}, "seconds": {"encode": 1.0, "edit": 2.0},
        }  # fmt: skip


def test_a_response_in_proportion_is_perfectly_correlated():
    report = summarise(list(records(lambda asked: 0.5 * asked)), SUITE, {})
    for unit in report["units"].values():
        assert unit["edit"]["pearson"] == pytest.approx(1)
        assert unit["edit"]["slope"] == pytest.approx(0.5)
        assert unit["truth"]["slope"] == pytest.approx(1)
        assert unit["error"] == 0.25
    assert value(report, "off_target") == value(report, "off_target", "truth") == 0
    assert value(report, "combined") == pytest.approx(1)
    assert all(metric["reached"] is (None if metric["goal"] is None else True) for metric in report["metrics"].values())
    assert {name for name, metric in report["metrics"].items() if metric["goal"] is not None} == set(GOALS)
    assert value(report, "null_loss") == 0.5
    assert report["metrics"]["error"]["interval"] == pytest.approx([0.25, 0.25])


def test_what_changes_besides_is_counted():
    """Every unit moves by a tenth of the request for one of them."""
    report = summarise(list(records(lambda asked: asked + 0.1 * asked.sum())), SUITE, {})
    assert value(report, "off_target") == pytest.approx(0.1 / 1.1)
    opposite = summarise(list(records(lambda asked: -asked)), SUITE, {})
    assert value(opposite, "strong_units") == 0
    assert opposite["metrics"]["strong_units"]["reached"] is False


def test_an_interval_holds_the_value_and_narrows_with_items():
    noise = np.random.default_rng(0)
    every = list(records(lambda asked: asked + noise.normal(0, 1, 12)))
    widths = []
    for count in (24, 96):
        found = summarise(every[:count], SUITE, {})["metrics"]["off_target"]
        low, high = found["interval"]
        assert low < found["edit"]["value"] < high
        widths.append(high - low)
    assert widths[1] < widths[0]
    assert summarise(every[:4], SUITE, {})["metrics"]["off_target"]["interval"] is None


def test_a_photo_without_a_face_is_told_apart(editor, monkeypatch, tmp_path):
    monkeypatch.setattr(editor, "detector", SimpleNamespace(name="none", find=lambda image: []))
    report = measured(editor, tmp_path, count=2)
    assert (report["items"], report["failed"], report["errors"]) == (2, 2, {})
    assert value(report, "error") is None
    assert report["metrics"]["error"]["reached"] is None
    assert "2 could not be edited" in (tmp_path / "report.md").read_text()


def test_options_are_passed_and_the_editor_stays_as_it_was(editor, monkeypatch, tmp_path):
    own = editor.defaults
    asked = []
    edit = editor.edit

    def noted(*args, **options):
        asked.append({name: options.get(name) for name in ("steps", "start", "strength", "engine")})
        return edit(*args, **options)

    monkeypatch.setattr(editor, "edit", noted)
    report = measured(editor, tmp_path, count=1, steps=2, start="warp", strength=0.5)
    assert editor.defaults is own
    assert {tuple(each.values()) for each in asked} == {(2, "warp", 0.5, "diffusion")}
    assert [report["evaluated"]["settings"][name] for name in ("steps", "start", "strength")] == [2, "warp", 0.5]
    with pytest.raises(InputError, match="strength"):
        measured(editor, tmp_path / "none", strength=0.5)
    assert not (tmp_path / "none").exists()


# --- files -----------------------------------------------------------------------------------------------------------


def without_time(folder) -> dict:
    report = json.loads((folder / "report.json").read_text())
    del report["metrics"]["seconds"], report["metrics"]["encode_seconds"]
    return report


def test_stopped_and_resumed_is_the_same_report(editor, tmp_path):
    measured(editor, tmp_path / "whole", count=2)
    calls, attempt = [], SUITE.attempt

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 3:  # the warm-up, one item, and then
            raise KeyboardInterrupt
        return attempt(*args)

    suite = replace(SUITE, attempt=interrupted)
    with pytest.raises(KeyboardInterrupt):
        measured(editor, tmp_path / "parts", count=2, suite=suite)
    assert len(list((tmp_path / "parts" / "items").glob("*.json"))) == 1
    assert not (tmp_path / "parts" / "report.json").exists()
    measured(editor, tmp_path / "parts", count=2, suite=suite)
    assert without_time(tmp_path / "parts") == without_time(tmp_path / "whole")
    made = len(calls)
    assert measured(editor, tmp_path / "parts", count=1, suite=suite)["items"] == 1
    assert len(calls) == made  # all is there
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == sorted(
        ["intensities.png", "errors.png", "evaluation.json", "items", "metrics.csv", "report.json", "report.md",
         "sheet.png", "units.csv"]
    )  # fmt: skip
    with open(tmp_path / "parts" / "metrics.csv", encoding="utf-8") as file:
        rows = {(row["metric"], row["of"]): row for row in csv.DictReader(file)}
    found = json.loads((tmp_path / "parts" / "report.json").read_text())["metrics"]
    assert float(rows["error", "edit"]["value"]) == found["error"]["edit"]["value"]
    assert len(rows) == sum(of in metric for metric in found.values() for of in ("edit", "truth"))
    with pytest.raises(InputError, match=r"1000.*5"):
        measured(editor, tmp_path / "parts", seed=5)
    with pytest.raises(InputError, match="1"):
        measured(editor, tmp_path / "parts", count=0)


def test_two_evaluations_do_not_share_a_folder(editor, tmp_path):
    with alone(tmp_path), pytest.raises(InputError, match=re.escape(str(tmp_path))):
        measured(editor, tmp_path, count=1)
    assert not list(tmp_path.iterdir())


def test_the_command(model, monkeypatch, tmp_path, capsys):
    import common.measure

    monkeypatch.setattr(common.measure, "get_estimator", lambda name: Brightness())
    command = ["evaluate", "--count", "1", "--model", str(model), "--output", str(tmp_path), "--size", str(SIZE), "-q"]
    assert main([*command, "--device", "cpu", "--detector", "mediapipe", "--parser", "grabcut"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# 1 edits of synthetic people")
    assert (tmp_path / "report.md").read_text() in printed
