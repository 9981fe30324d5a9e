"""An editor that is defined in one file gets the evaluation for free."""

from __future__ import annotations

import runpy

import pytest
from runs import ROOT, example

from common.evaluation.run import Suite, evaluate
from common.imaging.images import read_image
from magicface import MagicFace

TIMES = ("seconds", "encode_seconds")

pytestmark = pytest.mark.usefixtures("pictures_are_made_once")


def figures(report):
    """All numbers but times."""
    metrics = {name: metric for name, metric in report["metrics"].items() if name not in TIMES}
    return metrics, report["errors"], report["units"]


@pytest.mark.slow
def test_the_same_networks_are_worth_the_same_by_whatever_name_they_are_asked(tmp_path):
    """In percent or in intensities; the default suite needs no package of its own."""
    names = runpy.run_path(str(ROOT / "examples" / "own_editor.py"))
    own, other = (
        evaluate(
            kind.from_pretrained("embedded", device="cpu", detector="mediapipe", parser="grabcut"),
            tmp_path / kind.__name__,
            suite,
            count=4,
            size=96,
            progress=False,
        )
        for kind, suite in ((names["PercentFace"], names["SUITE"]), (MagicFace, Suite()))
    )
    assert own["failed"] == 0
    assert own["errors"]["all"]["edit_to_nothing"] < 1  # the request reaches the networks
    assert figures(own) == figures(other)


@pytest.mark.slow
def test_the_example_runs(tmp_path):
    printed = example("own_editor.py", "--count", 1, "--output", tmp_path)
    assert "# 1 edits of synthetic people" in printed
    assert read_image(tmp_path / "smile.png").size == (256, 256)
    assert (tmp_path / "evaluation" / "report.md").is_file()
