"""A page with all three tabs, served to a browser without a screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def address(browser):
    """Of the page; nobody asks for it where there is no browser."""
    pytest.importorskip("gradio")
    program = [sys.executable, str(Path(__file__).with_name("served.py"))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(program, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        found = process.stdout.readline().strip()
        assert found.startswith("http://127.0.0.1:"), "the page is for this machine alone"
        yield found
        process.terminate()
        process.wait()
