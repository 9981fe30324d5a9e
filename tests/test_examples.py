"""What the documents show, runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from breadth import breadth
from estimators import Brightness
from PIL import Image
from runs import ROOT, example

from common.editing.defaults import Defaults, write_defaults
from common.facs.action_units import to_vector
from common.imaging.contact_sheet import LINE, MARGIN
from common.imaging.images import read_image


def readme_session(holds: str) -> str:
    """The Python of README.md that holds these words."""
    sessions = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return next(session for session in sessions if holds in session)


def test_the_readme_session(model_folder, astronaut, tmp_path, monkeypatch):
    """The Python session, word for word, on tiny random networks under the published name."""
    session = readme_session("MagicFace.from_pretrained()")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mengtingwei--magicface").symlink_to(model_folder)
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut).save("photo.jpg")
    names = {}
    exec(session, names)
    assert read_image("smile.png").size == (512, 512)
    assert len(names["row"]) == 7


def test_the_readme_begins_offline(tmp_path, monkeypatch):
    """The first lines, word for word, with the model inside the package."""
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    exec(readme_session("edit("), {})
    assert read_image("smile.png").size == (256, 256)


@pytest.mark.slow
def test_the_readme_makes_faces_of_text(astronaut, tmp_path, monkeypatch):
    """The lines on FineFace, word for word, with the model inside the package."""
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut).save("photo.jpg")
    names = {}
    exec(readme_session("generate("), names)
    assert read_image("smile.png").size == (128, 128)
    assert read_image("out.png").size == (512, 512)
    assert len(names["row"]) == 6


@pytest.mark.slow
def test_the_readme_changes_light_and_pose(astronaut, tmp_path, monkeypatch):
    """The lines on RigFace and on editors in a row, word for word, with the models inside the package."""
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut).save("photo.jpg")
    Image.fromarray(astronaut[:, ::-1]).save("other.jpg")
    names = {}
    exec(readme_session("from rigface import"), names)
    assert len(names["row"]) == 7
    exec(readme_session("smiling = "), names)
    assert {read_image(f"{name}.png").size for name in ("turned", "copied", "both")} == {(512, 512)}


@pytest.mark.slow
def test_the_sweeps_of_light_pose_and_expression(tmp_path):
    example("rig.py", "--sweeps", 2, "--output", tmp_path)
    sweeps, composition = (read_image(tmp_path / f"{name}.png") for name in ("sweeps", "composition"))
    assert sweeps.width > 7 * 192
    assert composition.width > 4 * 384


@pytest.mark.slow
def test_the_prompts(tmp_path):
    told = example("prompts.py", "--prompt", "a close-up of a bald man", "--output", tmp_path / "sheet.png")
    assert "7 pictures" in told
    assert read_image(tmp_path / "sheet.png").width > 7 * 128


def test_the_portraits_are_small_and_can_be_made_again():
    sys.path.insert(0, str(ROOT / "examples"))
    import portraits

    folder = ROOT / "examples" / "portraits"
    truth = json.loads((folder / "truth.json").read_text())
    assert sum(path.stat().st_size for path in folder.iterdir()) < 150_000
    assert {path.stem for path in folder.glob("*.jpg")} == {f"{n}{end}" for n in truth for end in ("", "-truth")}
    for name, known in truth.items():
        change = np.subtract(to_vector(known["after"]), to_vector(known["before"]))
        assert to_vector(known["request"]) == change.tolist(), name
    kept, made = (
        read_image(folder / "smile-truth.jpg"),
        portraits.portrait(truth["smile"]["person"], truth["smile"]["after"]),
    )
    assert np.abs(np.subtract(kept, made, dtype=float)).mean() < 3  # of 255: what JPEG takes


@pytest.mark.slow
def test_the_demo(model_folder, tmp_path, monkeypatch, capsys):
    """On tiny random networks, measured by a stand-in: the page and the report."""
    sys.path.insert(0, str(ROOT / "examples"))
    import demo

    shutil.copytree(model_folder, tmp_path / "model")
    write_defaults(tmp_path / "model", Defaults(steps=1))
    monkeypatch.setattr(demo, "get_estimator", lambda name: Brightness())
    monkeypatch.setattr(sys, "argv", ["demo.py", "--output", str(tmp_path / "out"), "--model", str(tmp_path / "model")])
    assert demo.main() == 0
    assert read_image(tmp_path / "out" / "sheet.png").width > 12 * demo.SIDE
    report = (tmp_path / "out" / "report.txt").read_text()
    assert "AU26 jaw drop" in report
    assert report.count("of doing nothing") == 4
    assert report in capsys.readouterr().out


def test_the_readme_data_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(readme_session("SyntheticFaces(1000").replace("size=128", "size=48"), names)
    assert names["pair"]["source"]["image"].shape == (3, 48, 48)
    assert (tmp_path / "cache").is_dir()


def test_the_readme_fit(astronaut, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut).save("photo.jpg")
    names = {}
    exec(readme_session("import fit"), names)
    assert names["found"].error_px < 4  # of a face 120 px wide


def test_the_readme_measurement(astronaut, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut).save("photo.jpg")
    Image.fromarray(astronaut).save("smile.png")
    exec(readme_session("import measure"), {})
    assert "AU12" in capsys.readouterr().out
    assert read_image("measured/report.png").width > 500


@pytest.mark.slow
def test_the_regressor_trains_and_goes_on(tmp_path, monkeypatch):
    from safetensors.torch import load_file

    from common.measure.regressor import Network

    monkeypatch.chdir(tmp_path)
    options = "--count 10 --people 10 --pairs 4 --cache cache --output out --cycles 20"
    for _ in range(2):  # the second has nothing left to do
        example("train_regressor.py", *options.split())
        weights = load_file(tmp_path / "out" / "regressor.safetensors")
        Network().load_state_dict(weights)
        assert all(value.isfinite().all() for value in weights.values())
    assert (tmp_path / "out" / "log.csv").read_text().splitlines()[1].startswith("20,")
    assert read_image(tmp_path / "out" / "curve.png").width > 500


@pytest.mark.slow
def test_the_sheets_of_faces(tmp_path):
    example("faces.py", "--output", tmp_path, "--size", 16)
    for name, width in (("units", 12 * 16), ("poses", 7 * 16), ("people", 8 * 16), ("maps", 4 * 32)):
        assert read_image(tmp_path / f"{name}.jpg").width == width


def test_the_demonstration(tmp_path):
    assert "not an expression" in example("machinery.py", "--output", tmp_path, "--size", 64, "--steps", 2)
    assert read_image(tmp_path / "sheet.png").width > 1000


@pytest.mark.slow
def test_a_photograph(tmp_path):
    """With the model inside the package."""
    example("photograph.py", "--output", tmp_path / "strip.png")
    strip = np.asarray(read_image(tmp_path / "strip.png")).astype(int)
    wide = 256 + MARGIN
    photo, *edits = (strip[MARGIN + LINE : -MARGIN, MARGIN + i * wide :][:, :256] for i in range(6))
    assert all(np.abs(edit - photo).max() > 60 for edit in edits)


@pytest.mark.slow
def test_the_page_opens():
    """With all three tabs, for this machine alone."""
    import socket
    import urllib.request

    pytest.importorskip("gradio")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, str(ROOT / "examples" / "app.py"), "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    with process.stderr:
        assert any(f"open http://127.0.0.1:{port}/" in line for line in process.stderr)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
            page = answer.read().decode()
        process.terminate()
        process.wait()
    assert all(name in page for name in ("MagicFace", "RigFace", "FineFace"))


@pytest.mark.slow
def test_words(tmp_path):
    """On a photograph and on somebody with the model inside."""
    example("words.py", "--output", tmp_path / "words.png")
    sheet = np.asarray(read_image(tmp_path / "words.png")).astype(int)
    top = MARGIN + 2 * LINE
    for row in range(2):
        photo, *edits = (sheet[top:, MARGIN + i * (144 + MARGIN) :][:144, :144] for i in range(8))
        assert all(np.abs(edit - photo).max() > 20 for edit in edits), row
        top += 144 + MARGIN + 2 * LINE


@pytest.mark.slow
def test_warps(tmp_path):
    """Of one person, one row of requests."""
    photo = ROOT / "examples" / "portraits" / "calm.jpg"
    example("warps.py", "--photo", photo, "--requests", "AU12", "--side", 64, "--output", tmp_path / "row.png")
    row = np.asarray(read_image(tmp_path / "row.png")).astype(int)
    first, *edits = (row[MARGIN + 2 * LINE : -MARGIN, MARGIN + i * (64 + MARGIN) :][:, :64] for i in range(6))
    distances = [np.abs(edit - first).sum() for edit in edits]
    assert distances == sorted(distances)


@pytest.mark.parametrize(("editor", "released", "ours"), breadth([("magicface", 2.44, 1.85), ("rigface", 2.44, 0.926)]))
def test_fewer_flops_than_the_released_pattern(editor, released, ours):
    """TFLOP of a step at SD 1.5 size and 512 px, counted without weights."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import denoiser
    import torch

    with torch.inference_mode():
        ways = denoiser.two_ways(512, torch.float32, "meta", editor)
        flops = {way: denoiser.count(step) / 1e12 for way, step in ways.items()}
    assert flops == {"released": pytest.approx(released, rel=0.01), "ours": pytest.approx(ours, rel=0.01)}
