"""Every place that shows an estimator's values says on what it was validated."""

from __future__ import annotations

import json
import logging

import pytest
from estimators import Brightness
from runs import ROOT

from common.evaluation.report import draw_intensities
from common.measure import Report, get_estimator, measure
from common.measure.estimators import ESTIMATORS, NOT_STATED, VALIDATIONS, described, validation, version_of

FACE = ROOT / "examples" / "portraits" / "calm.jpg"
WORDS = "not reliable on photographs"


@pytest.fixture(scope="module")
def report():
    return measure(FACE, FACE, estimator="regressor")


def test_every_estimator_has_one_entry():
    assert set(VALIDATIONS) == set(ESTIMATORS)
    assert WORDS in validation("regressor")
    assert WORDS in validation("fit")
    assert "unknown" in validation("somebody's own")


def test_versions_name_package_and_weights():
    assert len(version_of(get_estimator("regressor")).rpartition("SHA-256 ")[2]) == 64
    assert version_of(get_estimator("fit")).startswith("face-rig ")
    assert version_of(Brightness()) == NOT_STATED


def test_tables_files_and_charts_say_it(report, tmp_path):
    assert WORDS in report.table().splitlines()[0]
    plain = json.loads(report.to_json())
    assert WORDS in plain["validation"]
    assert plain["estimator_version"] == version_of(get_estimator("regressor"))
    assert Report.from_json(report.to_json()).to_json() == report.to_json()
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    from common.facs.action_units import ACTION_UNITS
    from common.measure.report import draw

    assert any(WORDS in panel.get_xlabel() for panel in draw(report).axes)
    figure = Figure()
    none = {"pearson": None, "slope": None, "count": 0}
    draw_intensities(figure, {unit: {"edit": ([], [], none)} for unit in ACTION_UNITS}, "regressor")
    assert WORDS in figure.get_supylabel()


def test_the_app_says_it(report):
    from common.app.desk import Edit
    from common.app.report import table
    from common.imaging.images import read_image

    photo = read_image(FACE)
    shown = table(report, Edit({}, photo, photo, "warp", "warp", 0.1, {"steps": None}))
    assert described("regressor") in shown


def test_neutralize_and_transfer_log_it(caplog):
    from magicface import neutralize, transfer

    smile = FACE.with_name("smile.jpg")
    calls = {
        "landmarker": lambda: neutralize(smile, engine="warp"),
        "fit": lambda: transfer(FACE, smile, engine="warp"),
    }
    for estimator, make in calls.items():
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            make()
        assert sum(validation(estimator) in record.message for record in caplog.records) == 1
