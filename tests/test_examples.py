"""What the documents show, runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from common.images import read_image

ROOT = Path(__file__).parents[1]


def test_the_readme_session(model_folder, astronaut, tmp_path, monkeypatch):
    """The Python session, word for word, on tiny random networks under the published name."""
    session = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mengtingwei--magicface").symlink_to(model_folder)
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut).save("photo.jpg")
    names = {}
    exec(session[1], names)
    assert read_image("smile.png").size == (512, 512)
    assert len(names["row"]) == 7


def test_the_demonstration(tmp_path):
    command = [sys.executable, ROOT / "examples" / "machinery.py", "--output", tmp_path, "--size", "64", "--steps", "2"]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    assert "not an expression" in result.stdout
    assert read_image(tmp_path / "sheet.png").width > 1000


def test_fewer_flops_than_the_released_pattern():
    """At SD 1.5 size and 512 px: 1.85 T against 2.44 T a guided step, counted without weights."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import denoiser
    import torch

    with torch.inference_mode():
        ways = denoiser.two_ways(512, torch.float32, "meta")
        flops = {way: denoiser.count(step) for way, step in ways.items()}
    assert flops["ours"] == pytest.approx(1.85e12, rel=0.01)
    assert flops["released"] == pytest.approx(2.44e12, rel=0.01)
