"""An editor that is defined in one file gets every command, batches, a tab and the evaluation for free."""

from __future__ import annotations

import csv
import runpy
import subprocess
import sys
from types import SimpleNamespace

import pytest
from runs import ENVIRONMENT, ROOT, example

from common.batch.folder import samples
from common.evaluation.run import Suite, evaluate
from common.facs.action_units import AUDelta, AUIntensity
from common.imaging.images import read_image
from magicface import MagicFace

FACE = ROOT / "examples" / "portraits" / "calm.jpg"
TIMES = ("seconds", "encode_seconds")
WARPED = ("-q", "--engine", "warp", "--detector", "mediapipe", "--parser", "grabcut")

pytestmark = pytest.mark.usefixtures("pictures_are_made_once")


@pytest.fixture(scope="module")
def own():
    return SimpleNamespace(**runpy.run_path(str(ROOT / "examples" / "own_editor.py")))


@pytest.fixture
def main(own, tmp_path, monkeypatch):
    """The program, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: own.PROGRAM.main([str(each) for each in arguments])


def figures(report):
    """All numbers but times."""
    metrics = {name: metric for name, metric in report["metrics"].items() if name not in TIMES}
    return metrics, report["errors"], report["units"]


@pytest.mark.slow
def test_the_same_networks_are_worth_the_same_by_whatever_name_they_are_asked(own, tmp_path):
    """In percent or in intensities; the default suite needs no package of its own."""
    found, other = (
        evaluate(
            kind.from_pretrained("embedded", device="cpu", detector="mediapipe", parser="grabcut"),
            tmp_path / kind.__name__,
            Suite().asking(kind.request),
            count=4,
            size=96,
            progress=False,
        )
        for kind in (own.PercentFace, MagicFace)
    )
    assert found["failed"] == 0
    assert found["errors"]["all"]["edit_to_nothing"] < 1  # the request reaches the networks
    assert figures(found) == figures(other)


def test_a_request_says_itself_in_percent(own):
    request = own.Percent.parse("AU12=60,AU4=-20")
    assert request.values == AUDelta.parse("AU12=3,AU4=-1").values
    assert str(request) == "AU4=-20,AU12=60"
    assert own.Percent.parse(request.to_json()) == own.Percent.parse(str(request)) == request
    assert request.with_level("AU12", 20) == own.Percent.parse("AU12=20,AU4=-20")
    assert own.Percent.toward(AUIntensity(), AUIntensity.parse("AU12=3")) == own.Percent.parse("AU12=60")
    assert own.Percent.parse("happy").values == AUDelta.parse("happy").values


def test_a_sweep_is_the_edits_of_its_levels(own, main):
    assert main("sweep", FACE, "AU12", "--levels", "0,60", "--side", "64", "-o", "sweep.png", *WARPED) == 0
    asked = {"engine": "warp", "detector": "mediapipe", "parser": "grabcut", "progress": False}
    found = own.VERBS.sweep(FACE, "AU12", (0, 60), **asked)
    assert found.labels == [["AU12=0", "AU12=60"]]
    assert found.pictures[0][1].tobytes() == own.VERBS.edit(FACE, "AU12=60", **asked).tobytes()
    assert found.sheet(64).size == read_image("sweep.png").size


def test_a_batch_is_made_scored_told_and_made_again(main, tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "calm.jpg").write_bytes(FACE.read_bytes())
    (tmp_path / "requests.txt").write_text("smile: AU12=60\nfrown: AU4=50\n")
    assert main("batch", "photos", "--requests", "requests.txt", "--baseline", "-o", "run", *WARPED) == 0
    found = samples(tmp_path / "run")
    assert {key: row["state"] for key, row in found.items()} == {
        f"calm/{name}": "done" for name in ("unchanged", "smile", "frown")
    }
    assert main("score", "run", "-q", "--estimator", "regressor") == 0
    rows = {row["request"]: row for row in csv.DictReader((tmp_path / "run" / "scores.csv").read_text().splitlines())}
    assert (float(rows["smile"]["AU12_wanted"]), rows["smile"]["wanted_is"]) == (3, "change")
    assert float(rows["smile"]["AU12_after"]) > float(rows["unchanged"]["AU12_after"]) + 1
    assert main("report", "run", "-q") == 0
    assert (tmp_path / "run" / "report.html").is_file()
    capsys.readouterr()
    assert main("redo", tmp_path / "run" / "edits" / "calm" / "smile.png") == 0
    assert "pixel for pixel" in capsys.readouterr().err


def test_a_chain_goes_through_the_own_editor(main):
    chained = ("own_editor:AU12=60", "magicface:AU4=1")
    assert main("chain", FACE, *chained, "-o", "chain.png", *WARPED) == 0
    assert read_image("chain.png").size == read_image(FACE).size


_TAB = """
import runpy, sys
import gradio
from pathlib import Path
from types import SimpleNamespace
from common.app.attributes import controls, tab

own = SimpleNamespace(**runpy.run_path(sys.argv[1]))
parse = own.Percent.parse
with gradio.Blocks():
    tab(own.PROGRAM.spec, model="embedded").build(Path(sys.argv[2]))
with gradio.Blocks():
    made = controls("own_editor", own.Percent)
starts = [each.value for each in made.inputs]
assert made.request(*starts) == own.Percent()
moved = dict(zip(own.Percent.axes(), starts)) | {"AU12": 60, "AU4": -20}
request = made.request(*moved.values())
assert request == parse("AU12=60,AU4=-20")
assert made.recorded(request) == {"package": "own_editor", "request": "AU4=-20,AU12=60"}
assert made.requested(request) == list(request.values)
swept = made.sweeps["AU12 lip corner puller"](request)
assert swept[0] == ("AU12=-40", parse("AU12=-40,AU4=-20"))
assert len(swept) == len(own.Percent.swept)
"""


@pytest.mark.slow
def test_the_tab_has_a_slider_for_each_attribute(tmp_path):
    """In a process of its own, as Gradio leaves loops and sockets to the end of one."""
    pytest.importorskip("gradio")
    script = ROOT / "examples" / "own_editor.py"
    subprocess.run([sys.executable, "-c", _TAB, script, tmp_path], check=True, cwd=ROOT, env=ENVIRONMENT)


@pytest.mark.slow
def test_the_example_runs(tmp_path):
    out = tmp_path / "evaluation"
    printed = example("own_editor.py", "evaluate", "--count", 1, "--model", "embedded", "--output", out, "-q")
    assert "# 1 edits of synthetic people" in printed
    assert (out / "report.md").is_file()
