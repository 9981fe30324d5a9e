"""The fuzzer that is led by coverage runs, and finds nothing in a short time; by hand it runs as long as one likes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import byte_targets
import pytest
from runs import ENVIRONMENT, ROOT

SCRIPT = Path(__file__).with_name("guided.py")

pytestmark = pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True,
        errors="replace", timeout=300,
    )  # fmt: skip


def test_it_finds_nothing():
    found = run("manifest", "-runs=300", "-seed=1")
    assert found.returncode == 0, found.stderr[-3000:]
    assert "Done 300 runs" in found.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", byte_targets.TARGETS)
def test_it_finds_nothing_in_2_000_runs(name):
    found = run(name, "-runs=2000", "-seed=1")
    assert found.returncode == 0, found.stderr[-3000:]
