"""Examples as their commands run them; trainings in processes of their own: one that is killed, one that two share."""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

from common.training.logs import read_log

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
"""Real inputs beside the checkout, where there are any."""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def example(name: str, *arguments: object) -> str:
    """Runs a script of examples/ as its command does, and returns what it printed; in this process, which has imported
    already what the script imports."""
    script, printed = ROOT / "examples" / name, io.StringIO()
    command, path = [str(script), *map(str, arguments)], [str(script.parent), *sys.path]
    with patch.object(sys, "argv", command), patch.object(sys, "path", path), contextlib.redirect_stdout(printed):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as ended:
            if ended.code:
                raise AssertionError(printed.getvalue()) from ended
    return printed.getvalue()


def arguments(config: Path, *overrides: str) -> list[str]:
    """What a training's command takes."""
    return [str(config), *(part for text in overrides for part in ("--set", text))]


def losses(folder: Path) -> list[float]:
    """Of all steps, none of which is missing."""
    rows = read_log(folder / "log.csv")
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["loss"] for row in rows]


def kill(module: str, config: Path, *overrides: str) -> None:
    """Starts a training into `out` beside the config; SIGKILL after the first checkpoint, whatever it is doing then."""
    command = [sys.executable, "-m", module, *arguments(config, *overrides)]
    process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    out, limit = config.parent / "out", time.monotonic() + 120
    while not list(out.glob("checkpoints/step-*")) and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (out / "model").exists()


def share(module: str, config: Path, *overrides: str) -> None:
    """A training by two processes.

    `--cpu --num_processes 2` would start one only: on CPUs accelerate leaves more of them to MPI or to this.
    """
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    command += ["--main_process_port", "0", "-m", module, *arguments(config, *overrides)]
    environment = ENVIRONMENT | {"ACCELERATE_USE_CPU": "true"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
