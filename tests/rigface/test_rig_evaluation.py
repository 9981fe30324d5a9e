"""Evaluation of RigFace: what is asked, what is measured, and that it can be stopped."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from common.core.errors import FaceNotFoundError, InputError
from common.evaluation.items import LEVELS
from common.evaluation.report import markdown
from common.evaluation.run import evaluate, summarise
from common.face3d.camera import rotation_matrix
from common.facs.action_units import ACTION_UNITS
from common.imaging.images import rgb
from common.synthetic.render import picture
from common.synthetic.render.shade import direction
from rigface.__main__ import main
from rigface.evaluation import SEED
from rigface.evaluation.items import KINDS, draw_item
from rigface.evaluation.metrics import GOALS, SUITE, between, read_light

COUNT, SIZE = len(KINDS), 96
NAMES = tuple(ACTION_UNITS)

pytestmark = pytest.mark.usefixtures("pictures_are_made_once")


def rotation(scene):
    return rotation_matrix(torch.deg2rad(torch.tensor([scene.angles], dtype=torch.float64)))[0]


def answering(editor, monkeypatch, role: str):
    """The editor, made to return the source or the target of each item, whatever its networks say."""
    items = [draw_item(SEED, index) for index in range(COUNT)]
    known = {picture.make(i.source, SIZE).image.tobytes(): picture.make(getattr(i, role), SIZE).image for i in items}

    def edit(subject, request, paste_back=True, **_):
        whole = known[rgb(subject.photo).tobytes()]
        return whole if paste_back else subject.crop.apply(whole)

    monkeypatch.setattr(editor, "edit", edit)
    return editor


def measured(editor, folder, count=COUNT, suite=SUITE, **options):
    return evaluate(editor, folder, suite, count=count, size=SIZE, progress=False, **options)


def values(report, name):
    return [report["metrics"][name][of]["value"] for of in ("edit", "truth")]


# --- what is asked ---------------------------------------------------------------------------------------------------


def test_only_what_is_requested_for_differs():
    for index in range(80):
        item = draw_item(SEED, index)
        source, target, request = item.source, item.target, item.request
        assert item.kind == KINDS[index % 4]
        assert (request.light is not None) == (source.lamps != target.lamps) == (item.kind in ("light", "combination"))
        assert (request.pose is not None) == (source.angles != target.angles) == (item.kind in ("pose", "combination"))
        assert (request.expression is not None) == (source.units != target.units)
        kept = {name: getattr(source, name) for name in ("lamps", "angles", "gaze", "units")}
        assert replace(target, **kept) == source
        assert draw_item(SEED, index) == item != draw_item(SEED + 1, index)


def test_a_request_leads_to_the_target():
    for index in range(80):
        item = draw_item(SEED, index)
        before, after = (np.mean(scene.units, 0) for scene in (item.source, item.target))
        assert item.units == pytest.approx(after - before, abs=1e-3)
        assert 0 <= min(*before, *after) <= max(*before, *after) <= 5
        if item.unit:
            assert item.units[NAMES.index(item.unit)] in LEVELS
            assert np.count_nonzero(item.units) == 1
        if item.request.pose:
            turned = item.request.pose.matrix(rotation(item.source))
            torch.testing.assert_close(turned, rotation(item.target), atol=1e-6, rtol=0)
        if item.request.light:
            lamps = item.target.lamps
            assert (item.request.light.azimuth, item.request.light.elevation) == (lamps.azimuth, lamps.elevation)
            assert 0 < item.request.light.ambient < 1


def test_every_unit_comes_in_both_directions():
    items = [draw_item(SEED, index) for index in range(200)]
    asked = {name: [item.units[NAMES.index(name)] for item in items if item.unit == name] for name in NAMES}
    assert all(min(values) < 0 < max(values) for values in asked.values())
    assert {value for values in asked.values() for value in values} == set(LEVELS)


# --- what is measured ------------------------------------------------------------------------------------------------


def test_the_light_is_read_off_the_skin():
    """Coarsely: hair, folds and the lamp's softness have their part in it; that is the estimator's own limit."""
    found = []
    for index in (0, 4, 8):
        scene = draw_item(SEED, index).target
        lamp = direction(scene.lamps.azimuth, scene.lamps.elevation)
        found.append(between(read_light(picture.make(scene, 128).image, scene), lamp))
    assert max(found) < 40
    up, right = np.array([0.0, 1, 0]), np.array([1.0, 0, 0])
    assert between(up, right) == pytest.approx(90)
    assert between(None, up) is None


@pytest.mark.slow
def test_a_perfect_editor_has_no_error(rigface_editor, monkeypatch, tmp_path):
    report = measured(answering(rigface_editor, monkeypatch, "target"), tmp_path)
    assert (report["items"], report["failed"]) == (COUNT, 0)
    for name in ("all", *KINDS):
        assert report["errors"][name]["edit"] == report["errors"][name]["edit_to_nothing"] == 0, name
        assert report["errors"][name]["nothing"] > 0
    assert values(report, "light")[0] == pytest.approx(0, abs=1e-4)
    for name in ("yaw", "pitch", "roll", "held_yaw"):
        edit, truth = values(report, name)
        assert edit == truth is not None
    assert report["metrics"]["error"]["edit"]["value"] == 0
    assert report["metrics"]["error"]["reached"] is True


@pytest.mark.slow
def test_an_editor_that_does_nothing_has_the_error_of_doing_nothing(rigface_editor, monkeypatch, tmp_path):
    report = measured(answering(rigface_editor, monkeypatch, "source"), tmp_path)
    assert report["metrics"]["error"]["edit"]["value"] == pytest.approx(1)
    assert report["metrics"]["background"]["edit"]["value"] == 100
    assert report["metrics"]["error"]["reached"] is False
    lit = measured(rigface_editor, tmp_path / "light", count=1)
    assert values(lit, "light")[0] == pytest.approx(lit["metrics"]["light_moved"]["edit"]["value"])


def test_photos_that_cannot_be_edited_are_told_apart(rigface_editor, monkeypatch, tmp_path):
    def refuses(*_, **__):
        raise FaceNotFoundError("No face is seen.")

    monkeypatch.setattr(rigface_editor, "encode", refuses)
    report = measured(rigface_editor, tmp_path, count=2)
    assert (report["items"], report["failed"]) == (2, 2)
    assert all(metric["reached"] is None for metric in report["metrics"].values())
    assert "2 could not be edited" in (tmp_path / "report.md").read_text()


def records(answer, turned=0.0, lit=5.0):
    """Made-up records of 240 items, whose measured change of units is `answer(asked)`."""
    for index in range(240):
        item = draw_item(SEED, index)
        truth = np.array(item.units)
        still = item.source.angles == item.target.angles
        yield {
            "index": index, "kind": item.kind, "unit": item.unit, "asked": list(item.units),
            "photo": {"edit": 1.0, "nothing": 4.0, "vae": 0.5, "count": 10},
            "crop": {"edit": 1.0, "nothing": 5.0, "vae": 0.5, "count": 10}, "background": {"error": 0.0, "count": 3},
            "light": {"edit": lit, "truth": 1.0}, "light_moved": 30.0,
            "angles": {"edit": [turned, -turned, 0.0], "truth": [0.0, 0.0, 0.0]},
            "units": {"edit": answer(truth).tolist() if still else None, "truth": truth.tolist() if still else None},
            "identity": {"edit": None, "truth": None}, "seconds": {"encode": 1.0, "edit": 2.0},
        }  # fmt: skip


@pytest.mark.slow
def test_goals_are_counted_as_they_read():
    good = summarise(list(records(lambda asked: 0.5 * asked)), SUITE, {})
    assert {name for name, metric in good["metrics"].items() if metric["reached"]} == set(GOALS)
    assert good["errors"]["all"]["edit_to_nothing"] == 0.25
    for unit in good["units"].values():
        assert (unit["edit"]["pearson"], unit["edit"]["slope"]) == pytest.approx((1, 0.5))
    assert values(good, "held_units")[0] == 0
    bad = summarise(list(records(lambda asked: -asked, turned=4.5, lit=11.0)), SUITE, {})
    missed = {name for name, metric in bad["metrics"].items() if metric["reached"] is False}
    assert missed == {"light", "yaw", "pitch", "strong_units"}
    assert [values(bad, name)[0] for name in ("yaw", "pitch", "roll")] == [4.5, 4.5, 0.0]


def test_what_changes_besides_is_counted():
    report = summarise(list(records(lambda asked: asked + 0.1 * asked.sum())), SUITE, {})
    assert values(report, "off_target")[0] == pytest.approx(0.1 / 1.1)


def test_the_report_says_every_goal():
    facts = {"seed": SEED, "settings": {"steps": 2}, "estimator": ["regressor", ""]}
    text = markdown(summarise(list(records(lambda asked: asked)), SUITE, facts))
    assert text.startswith("# 240 edits")
    rows = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")] for line in text.splitlines()
            if line.startswith("|")}  # fmt: skip
    for metric in SUITE.metrics:
        if metric.name in GOALS:
            row = rows[metric.title + (f", {metric.unit}" if metric.unit else "")]
            assert f"{'>=' if metric.better == 'higher' else '<='} {GOALS[metric.name]:g}" in row


# --- files -----------------------------------------------------------------------------------------------------------


def without_time(folder) -> dict:
    report = json.loads((folder / "report.json").read_text())
    del report["metrics"]["seconds"], report["metrics"]["encode_seconds"]
    return report


@pytest.mark.slow  # in the small: the other editors', through the same run
def test_stopped_and_resumed_is_the_same_report(rigface_editor, tmp_path):
    measured(rigface_editor, tmp_path / "whole", count=2)
    calls, attempt = [], SUITE.attempt

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 3:  # the warm-up, one item, and then
            raise KeyboardInterrupt
        return attempt(*args)

    with pytest.raises(KeyboardInterrupt):
        measured(rigface_editor, tmp_path / "parts", count=2, suite=replace(SUITE, attempt=interrupted))
    assert not (tmp_path / "parts" / "report.json").exists()
    measured(rigface_editor, tmp_path / "parts", count=2)
    assert without_time(tmp_path / "parts") == without_time(tmp_path / "whole")
    with pytest.raises(InputError, match="seed"):
        measured(rigface_editor, tmp_path / "parts", seed=5)


@pytest.mark.slow
def test_the_command(rigface_editor, monkeypatch, tmp_path, capsys):
    from rigface import RigFace

    monkeypatch.setattr(RigFace, "from_pretrained", lambda *_, **__: rigface_editor)
    assert main(["evaluate", "--count", "1", "--output", str(tmp_path), "--size", str(SIZE), "-q"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# 1 edits of synthetic people")
    assert (tmp_path / "report.md").read_text() in printed
