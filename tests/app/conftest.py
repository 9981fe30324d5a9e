"""A page with all three tabs, served to a browser without a screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def address():
    """Of the page."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: install it, for example with apt-get install chromium")
    for library in ("gradio", "playwright"):
        pytest.importorskip(library)
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


@pytest.fixture(scope="session")
def browser(address):
    """Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()
