"""The notebooks run as they are, and what is stored of them is small and has its pictures."""

from __future__ import annotations

import ast
import base64
import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from breadth import breadth
from PIL import Image

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.ipynb"))
HERE = ("quickstart", "magicface", "rigface", "fineface")
"""Run in the tests' own process, too, the first of them by default."""


def pictures(path: Path) -> list[Image.Image]:
    cells = json.loads(path.read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output["output_type"] == "error"]
    found = [output["data"]["image/jpeg"] for output in outputs if "image/jpeg" in output.get("data", {})]
    return [Image.open(BytesIO(base64.b64decode("".join(each)))) for each in found]


def test_all_are_there():
    assert NAMES == ["augmentation", "fineface", "magicface", "quickstart", "rigface", "training"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_stored_is_short_and_small(name):
    path = EXAMPLES / f"{name}.ipynb"
    assert len(json.loads(path.read_text())["cells"]) <= 12
    assert path.stat().st_size < 300_000
    assert len(pictures(path)) >= 3


def same(made: list[Image.Image], stored: list[Image.Image]) -> None:
    assert [each.size for each in made] == [each.size for each in stored]
    for new, old in zip(made, stored):  # another processor rounds otherwise, and a JPEG besides
        assert np.abs(np.asarray(new).astype(int) - np.asarray(old)).mean() < 6


@pytest.mark.slow  # in a kernel, as their readers do
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_shows_what_is_stored(name, tmp_path):
    command = [sys.executable, str(EXAMPLES / "notebooks.py"), name, "--to", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert ended.returncode == 0, ended.stderr[-3000:]
    same(pictures(tmp_path / f"{name}.ipynb"), pictures(EXAMPLES / f"{name}.ipynb"))


@pytest.mark.parametrize("name", breadth(HERE))
def test_its_code_shows_what_is_stored(name, monkeypatch):
    """The same without a kernel, which has to import everything anew."""
    monkeypatch.chdir(EXAMPLES)
    cells = json.loads((EXAMPLES / f"{name}.ipynb").read_text())["cells"]
    names, made = {}, []
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        *lines, last = ast.parse("".join(cell["source"])).body
        shows = isinstance(last, ast.Expr)
        exec(compile(ast.Module(lines if shows else [*lines, last], []), name, "exec"), names)
        value = eval(compile(ast.Expression(last.value), name, "eval"), names) if shows else None
        if isinstance(value, Image.Image):
            made.append(value.convert("RGB"))
    same(made, pictures(EXAMPLES / f"{name}.ipynb"))


def in_the_small(name: str, **numbers: str) -> dict:
    """Runs the code of a notebook with other numbers, and returns its names."""
    cells = json.loads((EXAMPLES / f"{name}.ipynb").read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    for line, other in numbers.items():
        assert line in code
        code = code.replace(line, other)
    names = {}
    exec(code, names)
    return names


@pytest.mark.slow
def test_the_training_with_few_steps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    numbers = {
        "SyntheticFaces(8, ": "SyntheticFaces(2, ",
        "steps = 24": "steps = 2",
        "batch_size = 4": "batch_size = 1",
    }
    numbers |= {"../magicface/embedded": str(EXAMPLES.parent / "magicface" / "embedded"), "warmup = 4": "warmup = 0"}
    names = in_the_small("training", **numbers)
    assert len(names["made"]) == 2
    assert (tmp_path / "out/notebook/trained/model").is_dir()


@pytest.mark.slow
def test_the_study_with_few_people(tmp_path, monkeypatch, capsys):
    """The code of the longest one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(EXAMPLES)
    names = in_the_small("augmentation", **{"CALM, TEST, TRIALS = 12, 24, 10": "CALM, TEST, TRIALS = 2, 4, 2"})
    assert {kind: rows.shape for kind, rows in names["results"].items()} == dict.fromkeys(names["KINDS"], (2, 4))
    assert "smile, 2 of 2 measured" in capsys.readouterr().out
    assert (tmp_path / "out/augmentation/errors.png").is_file()
