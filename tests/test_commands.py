"""Every command explains itself, by its own name, whatever Python takes away."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

EDITORS = ("magicface", "rigface", "fineface")
PACKAGES = (*EDITORS, "microexpression", "surveillance")
_HELP = """
import importlib, sys
for line in sys.argv[1:]:
    program, *arguments = line.split()
    try:
        importlib.import_module(program + ".__main__").main([*arguments, "--help"])
    except SystemExit as end:
        assert end.code == 0, line
    print("-----")
assert "diffusers" not in sys.modules, "a help needs no networks"
"""


def commands(package: str) -> list[str]:
    """All command lines of a package that its --help can be asked of."""
    module = import_module(f"{package}.__main__")
    names = [*module.PROGRAM.commands()] if package in EDITORS else [*module.COMMANDS, *getattr(module, "HELP", ())]
    return [package, *(f"{package} {name}" for name in names)]


@pytest.mark.parametrize("package", PACKAGES)
def test_help_does_not_hang_on_docstrings(package):
    asked = commands(package)
    done = subprocess.run(
        [sys.executable, "-OO", "-c", _HELP, *asked], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    assert not done.returncode, done.stderr
    assert not done.stderr
    helps = done.stdout.split("-----\n")[:-1]
    for name, text in zip(asked, helps, strict=True):
        assert text.startswith(f"usage: {name} [-h]")
        about = text.split("\n\n")[1]
        assert about[0].isupper(), f"{name} does not say what it does"


def test_times_of_an_animation_do_not_go_with_keyframes(tmp_path, monkeypatch, capsys):
    from magicface.__main__ import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").write_bytes(b"")
    assert main(["animate", "photo.png", "0:neutral", "1:happy", "--onset", "1"]) == 2
    assert "--onset" in capsys.readouterr().err
