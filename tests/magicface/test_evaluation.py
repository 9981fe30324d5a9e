"""Evaluation: what is asked, what is measured, and that it can be stopped."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from measurers import Brightness

from common.action_units import ACTION_UNITS
from common.defaults import Defaults, write_defaults
from common.errors import InputError
from common.files import alone
from common.images import rgb
from common.synthetic import picture
from magicface import MagicFace
from magicface.__main__ import main
from magicface.evaluation import SEED, run
from magicface.evaluation.items import LEVELS, draw_item
from magicface.evaluation.run import evaluate
from magicface.evaluation.summary import summarise

COUNT, SIZE = 4, 96
NAMES = tuple(ACTION_UNITS)

pytestmark = pytest.mark.usefixtures("pictures_are_made_once")


@pytest.fixture(scope="module")
def model(model_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated") / "model"
    shutil.copytree(model_folder, folder)
    write_defaults(folder, Defaults(steps=1, guidance=1.0, extent="face", paste_back="detail"))
    return folder


@pytest.fixture(scope="module")
def editor(model):
    return MagicFace.from_pretrained(model, device="cpu", finder="mediapipe", parser="grabcut")


def answering(editor, monkeypatch, role: str):
    """The editor, made to return the source or the target of each item, whatever its networks say."""
    items = [draw_item(SEED, index) for index in range(COUNT)]
    known = {picture.make(i.source, SIZE).image.tobytes(): picture.make(getattr(i, role), SIZE).image for i in items}

    def edit(subject, wish, *, paste_back, **options):
        answer = known[rgb(subject.photo).tobytes()]
        return [subject.crop.apply(answer), subject.source] if paste_back is False else answer

    monkeypatch.setattr(editor, "edit", edit)
    return editor


def measured(editor, folder, count=COUNT, **options):
    return evaluate(editor, Brightness(), folder, count=count, size=SIZE, progress=False, **options)


# --- what is asked ---------------------------------------------------------------------------------------------------


def test_a_wish_is_the_target_less_the_source():
    for index in range(120):
        item = draw_item(SEED, index)
        source, target = (np.mean(scene.units, 0) for scene in (item.source, item.target))
        np.testing.assert_allclose(item.wish, target - source, atol=1e-3)
        assert replace(item.target, units=item.source.units) == item.source
        assert 0 <= min(*source, *target) <= max(*source, *target) <= 5
        changed = np.count_nonzero(np.abs(item.wish) >= 0.5)
        assert changed == 1 if item.unit else changed >= 2
        if item.unit:
            assert item.wish[NAMES.index(item.unit)] in LEVELS
            assert np.count_nonzero(item.wish) == 1


def test_every_unit_comes_early_and_in_both_directions():
    items = [draw_item(SEED, index) for index in range(100)]
    assert {item.unit for item in items[:16]} == {*NAMES, None}
    assert sum(item.unit is None for item in items) == 25
    for name in NAMES:
        assert {max(item.wish, key=abs) for item in items if item.unit == name} == set(LEVELS)
    assert len({item.source.person.identity for item in items}) == 100
    assert draw_item(SEED, 7) == items[7] != draw_item(SEED + 1, 7)


# --- what is measured ------------------------------------------------------------------------------------------------


def test_a_perfect_editor_has_no_error(editor, monkeypatch, tmp_path):
    report = measured(answering(editor, monkeypatch, "target"), tmp_path)
    assert report["without_face"] == 0
    for name in ("photo", "crop", "singles", "combinations"):
        assert report["error"][name]["edit"] == report["error"][name]["edit_to_nothing"] == 0, name
        assert report["error"][name]["nothing"] > 0
        assert report["error"][name]["vae"] > 0
    assert report["zero"]["psnr"] == 100
    assert report["background"]["worst"] > 60  # a true picture's JPEG is not quite the source's
    assert report["goals"]["error"] == {"found": 0.0, "reached": True}


def test_an_editor_that_does_nothing_has_the_error_of_doing_nothing(editor, monkeypatch, tmp_path):
    report = measured(answering(editor, monkeypatch, "source"), tmp_path)
    for name in ("photo", "crop", "singles", "combinations"):
        assert report["error"][name]["edit_to_nothing"] == pytest.approx(1), name
    assert report["background"]["psnr"] == 100
    assert report["goals"]["error"]["reached"] is False
    if report["identity"]["edit"]:
        assert report["identity"]["edit"]["mean"] == pytest.approx(0, abs=1e-6)
    assert report["off_target"]["edit"] is None  # nothing changed, so nothing can be compared


def records(answer):
    """Made-up records of 96 items, whose measured change is `answer(wish)`."""
    error = {"edit": 1.0, "nothing": 4.0, "vae": 0.5, "count": 10}
    for index in range(96):
        item = draw_item(SEED, index)
        truth, edit = np.array(item.wish), np.array(answer(np.array(item.wish)))
        yield {
            "index": index, "unit": item.unit, "wish": list(item.wish), "photo": error, "crop": error,
            "zero": {"edit": 30.0, "vae": 30.5}, "background": {"error": 0.0, "count": 3},
            "units": {"before": [0.0] * 12, "edit": edit.tolist(), "truth": truth.tolist()},
            "identity": {"edit": None, "truth": None}, "seconds": {"encode": 1.0, "edit": 2.0},
        }  # fmt: skip


def test_a_response_in_proportion_is_perfectly_correlated():
    report = summarise(list(records(lambda wish: 0.5 * wish)), {})
    for unit in report["units"].values():
        assert unit["edit"]["pearson"] == pytest.approx(1)
        assert unit["edit"]["slope"] == pytest.approx(0.5)
        assert unit["truth"]["slope"] == pytest.approx(1)
        assert unit["error"] == 0.25
    assert report["off_target"] == {"edit": 0, "truth": 0}
    assert report["combined"]["edit"] == pytest.approx(1)
    assert all(goal["reached"] for goal in report["goals"].values())
    assert report["zero"]["loss"] == 0.5


def test_what_changes_besides_is_counted():
    """Every unit moves by a tenth of the wish for one of them."""
    report = summarise(list(records(lambda wish: wish + 0.1 * wish.sum())), {})
    assert report["off_target"]["edit"] == pytest.approx(0.1 / 1.1)
    opposite = summarise(list(records(lambda wish: -wish)), {})
    assert opposite["goals"]["strong_units"] == {"found": 0, "reached": False}


def test_a_photo_without_a_face_is_told_apart(editor, monkeypatch, tmp_path):
    monkeypatch.setattr(editor, "finder", SimpleNamespace(name="none", find=lambda image: []))
    report = measured(editor, tmp_path, count=2)
    assert (report["edits"], report["without_face"]) == (2, 2)
    assert report["error"]["photo"]["edit_to_nothing"] is None
    assert "No face was found in 2 photos" in (tmp_path / "report.md").read_text()


# --- files -----------------------------------------------------------------------------------------------------------


def without_time(folder) -> dict:
    report = json.loads((folder / "report.json").read_text())
    del report["seconds"], report["goals"]["seconds"]
    return report


def test_stopped_and_resumed_is_the_same_report(editor, monkeypatch, tmp_path):
    measured(editor, tmp_path / "whole", count=2)
    calls, attempt = [], run.attempt

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 3:  # the warm-up, one item, and then
            raise KeyboardInterrupt
        return attempt(*args)

    monkeypatch.setattr(run, "attempt", interrupted)
    with pytest.raises(KeyboardInterrupt):
        measured(editor, tmp_path / "parts", count=2)
    assert len(list((tmp_path / "parts" / "items").glob("*.json"))) == 1
    assert not (tmp_path / "parts" / "report.json").exists()
    measured(editor, tmp_path / "parts", count=2)
    assert without_time(tmp_path / "parts") == without_time(tmp_path / "whole")
    made = len(calls)
    assert measured(editor, tmp_path / "parts", count=1)["edits"] == 1
    assert len(calls) == made  # all is there
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == sorted(
        ["dose_response.png", "errors.png", "evaluation.json", "items", "report.json", "report.md", "sheet.png"]
    )
    with pytest.raises(InputError, match="seed: 1000 there, 5 here"):
        measured(editor, tmp_path / "parts", seed=5)
    with pytest.raises(InputError, match="at least 1"):
        measured(editor, tmp_path / "parts", count=0)


def test_two_evaluations_do_not_share_a_folder(editor, tmp_path):
    with alone(tmp_path), pytest.raises(InputError, match="Another run writes to"):
        measured(editor, tmp_path, count=1)
    assert not list(tmp_path.iterdir())


def test_the_command(model, monkeypatch, tmp_path, capsys):
    import common.measure

    monkeypatch.setattr(common.measure, "get_measurer", lambda name: Brightness())
    command = ["evaluate", "--count", "1", "--model", str(model), "--out", str(tmp_path), "--size", str(SIZE), "-q"]
    assert main([*command, "--device", "cpu", "--finder", "mediapipe", "--parser", "grabcut"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# 1 edits of synthetic people")
    assert (tmp_path / "report.md").read_text() in printed
