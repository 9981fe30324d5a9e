"""Evaluation of FineFace: what is asked, what is measured, and that it can be stopped."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import small_fineface as small
from estimators import Brightness
from PIL import Image

from common.core.errors import InputError
from common.evaluation.report import markdown
from common.evaluation.run import evaluate, summarise
from common.facs.action_units import ACTION_UNITS
from common.imaging.images import read_image, rgb
from common.measure.traits import TRAITS
from common.synthetic.scene.captions import true_traits
from fineface import FineFace
from fineface.__main__ import main
from fineface.evaluation import SEED
from fineface.evaluation.items import LEVELS, draw_item
from fineface.evaluation.metrics import SUITE, true_picture

COUNT, SIZE = 2, 96
NAMES = tuple(ACTION_UNITS)

pytestmark = pytest.mark.usefixtures("pictures_are_made_once")


@pytest.fixture(scope="module")
def editor(base, tmp_path_factory):
    """A tiny random model of its own, made to answer with true pictures."""
    folder = tmp_path_factory.mktemp("evaluated")
    small.write_faces(folder / "faces")
    (folder / "whole.toml").write_text(small.WHOLE.format(folder=folder))
    assert small.start(folder / "whole.toml", "steps=1") == 0
    return FineFace.from_pretrained(folder / "out" / "model", device="cpu", size=SIZE)


def answering(editor, monkeypatch, *roles: str):
    """The editor, made to return these two of each item's true pictures, whatever its networks say."""
    known = {item.caption: item for item in (draw_item(SEED, index) for index in range(COUNT))}

    def generate(prompts, requests, *, seed, progress):
        item = known[prompts[0]]
        assert prompts == [item.caption] * 2
        assert requests == [item.before, item.request]
        assert seed == item.index
        return [Image.fromarray(true_picture(getattr(item, role), SIZE)) for role in roles]

    monkeypatch.setattr(editor, "generate", generate)
    return editor


def measured(editor, folder, count=COUNT, suite=SUITE, **options):
    return evaluate(editor, folder, suite, estimator=Brightness(), count=count, progress=False, **options)


def value(report, name, of="edit"):
    return report["metrics"][name][of]["value"]


# --- what is asked ---------------------------------------------------------------------------------------------------


def test_a_request_is_what_the_target_shows():
    for index in range(60):
        item = draw_item(SEED, index)
        assert item.source.units == (item.before, item.before)
        assert item.target == replace(item.source, units=(item.request, item.request))
        assert 0 <= min(item.request) <= max(item.request) <= 5
        if item.unit:
            assert [name for name, change in zip(NAMES, item.units) if change] == [item.unit]
            assert max(item.units) in LEVELS
        else:
            assert np.count_nonzero(np.array(item.units) >= 0.5) >= 2


def test_every_unit_comes_at_every_level_and_captions_do_not_tell():
    items = [draw_item(SEED, index) for index in range(48)]
    assert {item.unit for item in items[:16]} == {*NAMES, None}
    for name in NAMES:
        assert {max(item.units) for item in items if item.unit == name} == set(LEVELS)
    for item in items:
        assert item.caption.startswith("a close-up of ")
        assert not re.search(r"\b(smiling|frowning|expression|brows|lips)\b", item.caption)
    assert draw_item(SEED, 7) == items[7] != draw_item(SEED + 1, 7)


def test_traits_are_those_of_the_caption():
    seen = {name: set() for name in TRAITS}
    for index in range(150):
        item = draw_item(SEED, index)
        for name, value in item.traits.items():
            assert value is None or value in TRAITS[name]
            seen[name].add(value)
        assert (item.traits["glasses"] != "none") == ("glasses" in item.caption)
        if item.traits["hair"] in ("black", "blond", "red"):
            assert item.traits["hair"] in item.caption
        if item.traits["beard"] == "moustache":
            assert "moustache" in item.caption
    assert seen["glasses"] == set(TRAITS["glasses"])
    assert seen["beard"] == set(TRAITS["beard"])
    assert len(seen["hair"]) >= 5


def test_hair_under_a_cap_is_not_asked_for():
    scene = draw_item(SEED, 0).source
    hidden = replace(scene, wear=replace(scene.wear, hat="cap"), person=replace(
        scene.person, hair=replace(scene.person.hair, style="crew")))  # fmt: skip
    assert true_traits(hidden)["hair"] is None
    bare = replace(hidden, wear=replace(scene.wear, hat="none"))
    assert true_traits(bare)["hair"] in TRAITS["hair"]
    assert (
        true_traits(replace(bare, person=replace(bare.person, hair=replace(bare.person.hair, style="none"))))["hair"]
        is None
    )


# --- what is measured ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_true_pictures_are_as_good_as_the_truth(editor, monkeypatch, tmp_path):
    report = measured(answering(editor, monkeypatch, "source", "target"), tmp_path)
    assert value(report, "faces") == value(report, "faces", "truth") == COUNT
    for unit in report["units"].values():
        assert unit["edit"] == unit["truth"]
    for metric in report["metrics"].values():
        assert "truth" not in metric or metric["edit"] == metric["truth"]


@pytest.mark.slow
def test_an_editor_deaf_to_requests_has_no_response(editor, monkeypatch, tmp_path):
    report = measured(answering(editor, monkeypatch, "source", "source"), tmp_path)
    for unit in report["units"].values():
        assert unit["edit"]["pearson"] is None
        assert unit["edit"]["slope"] in (None, 0)
    assert value(report, "background") == 100
    assert value(report, "off_target") is None


def records(answer, read):
    """Made-up records of 96 items: measured change is `answer(change)`, a trait is read as `read(asked)`."""
    for index in range(96):
        item = draw_item(SEED, index)
        yield {
            "index": index, "kind": item.kind, "unit": item.unit, "asked": list(item.units),
            "traits": dict(item.traits), "seconds": {"edit": 1.0},
            "units": {"edit": list(answer(np.array(item.units))), "truth": list(item.units)},
            "identity": {"edit": None, "truth": None}, "background": {"edit": 40.0, "truth": 40.0},
            "seen": {"edit": {name: read(name, value) for name, value in item.traits.items()},
                     "truth": dict(item.traits)},
        }  # fmt: skip


def test_a_response_in_proportion_is_perfectly_correlated():
    report = summarise(list(records(lambda change: 0.5 * change, lambda name, value: value)), SUITE, {})
    for unit in report["units"].values():
        assert unit["edit"]["pearson"] == pytest.approx(1)
        assert unit["edit"]["slope"] == pytest.approx(0.5)
        assert unit["edit"]["count"] == 72  # of all single units: what was not asked for should not move
    assert value(report, "strong_units") == len(NAMES)
    assert value(report, "off_target") == value(report, "off_target", "truth") == 0
    assert value(report, "combined") == pytest.approx(1)
    for trait in TRAITS:
        assert {value(report, f"{trait}: {which}", of) for which in ("all", "mean") for of in ("edit", "truth")} == {1}


def test_what_moves_unasked_weakens_the_response():
    report = summarise(list(records(lambda change: change + 0.1 * change.sum(), lambda name, value: value)), SUITE, {})
    assert value(report, "off_target") == pytest.approx(0.1 / 1.1)
    assert all(0.9 < unit["edit"]["pearson"] < 1 for unit in report["units"].values())


def test_pictures_that_always_wear_glasses_are_as_good_as_chance():
    made = list(records(lambda change: change, lambda name, value: "clear" if name == "glasses" else value))
    report = summarise(made, SUITE, {})
    assert value(report, "glasses: clear") == 1
    assert value(report, "glasses: none") == 0
    assert value(report, "glasses: mean") == pytest.approx(1 / len(TRAITS["glasses"]))
    assert value(report, "glasses: all") == pytest.approx(value(report, "glasses: chance"))


def test_a_picture_without_a_face_is_told_apart():
    made = list(records(lambda change: change, lambda name, value: value))
    for record in made:
        for name in ("units", "identity", "background", "seen"):
            record[name]["edit"] = None
    report = summarise(made, SUITE, {"settings": {}, "estimator": ["none", ""]})
    assert [value(report, "faces", of) for of in ("edit", "truth")] == [0, 96]
    assert report["units"]["AU1"]["edit"]["count"] == 0
    assert "0 (0 of 96)" in markdown(report)


# --- files -----------------------------------------------------------------------------------------------------------


def without_time(folder) -> dict:
    report = json.loads((folder / "report.json").read_text())
    del report["metrics"]["seconds"]
    return report


@pytest.mark.slow
def test_stopped_and_resumed_is_the_same_report(editor, monkeypatch, tmp_path):
    answering(editor, monkeypatch, "source", "target")
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
    measured(editor, tmp_path / "parts", count=2, suite=suite)
    assert without_time(tmp_path / "parts") == without_time(tmp_path / "whole")
    made = len(calls)
    assert measured(editor, tmp_path / "parts", count=1, suite=suite)["items"] == 1
    assert len(calls) == made  # all is there
    names = {path.name for path in (tmp_path / "parts").iterdir() if not path.name.startswith(".")}
    tables = {"report.json", "report.md", "metrics.csv", "units.csv"}
    assert names == {"intensities.png", "evaluation.json", "items", "sheet.png"} | tables
    with pytest.raises(InputError, match=r"seed: 1000\b.*\b5\b"):
        measured(editor, tmp_path / "parts", seed=5)
    with pytest.raises(InputError, match="1"):
        measured(editor, tmp_path / "parts", count=0)


@pytest.mark.slow
def test_the_command(editor, monkeypatch, tmp_path, capsys):
    import common.measure

    monkeypatch.setattr(common.measure, "get_estimator", lambda name: Brightness())
    monkeypatch.setattr(
        FineFace, "from_pretrained", lambda *args, **options: answering(editor, monkeypatch, "source", "target")
    )
    assert main(["evaluate", "--count", "1", "--model", "any", "--output", str(tmp_path), "-q"]) == 0
    assert "# 1 pairs of pictures of synthetic captions" in capsys.readouterr().out
    assert rgb(read_image(tmp_path / "sheet.png")).shape[1] > 4 * SIZE
