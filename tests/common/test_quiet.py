"""What a command prints beside its results: each notice once, with -q errors alone, and of libraries nothing else."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

from common.cli import console
from common.core import notices
from common.core.errors import InputError

ROOT = Path(__file__).parents[2]


def talk(quiet: bool | None) -> int:
    """A command that tells what commands tell."""
    if quiet is not None:
        console.listen(quiet)
    for number in range(3):
        logging.getLogger("common.engines").warning("the face is small")
        logging.getLogger("magicface").info("finding faces with %s", "mediapipe")
        logging.getLogger("some.library").warning("an advisory of %d", number)
        console.note(f"photo {number} -> result {number}")
    logging.getLogger("some.library").error("a library's error")
    logging.getLogger("common").error("an error of ours")
    console.say("photo 4: no face")
    return console.OK


@pytest.mark.parametrize("quiet", [None, False, True])
def test_notices_come_once_and_quiet_leaves_errors_alone(quiet, capsys):
    assert console.guarded(lambda: talk(quiet)) == console.OK
    errors = ["a library's error", "an error of ours", "photo 4: no face"]
    notices = ["the face is small", "finding faces with mediapipe", *(f"photo {n} -> result {n}" for n in range(3))]
    assert sorted(capsys.readouterr().err.splitlines()) == sorted(errors if quiet else errors + notices)


def test_the_next_run_tells_its_notices_again_and_nothing_is_left_behind(capsys):
    root = logging.getLogger()
    before = root.level, list(root.handlers), warnings.showwarning
    for _ in range(2):
        console.guarded(lambda: talk(False))
        assert "the face is small" in capsys.readouterr().err
    assert (root.level, list(root.handlers), warnings.showwarning) == before


def test_warnings_of_libraries_are_not_printed(capsys):
    def command() -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(False)
            logging.captureWarnings(True)
            warnings.warn("an advisory", UserWarning, stacklevel=1)
        return console.OK

    console.guarded(command)
    assert not capsys.readouterr().err


def test_native_code_is_heard_but_for_its_notices(capfd):
    with notices.native():
        os.write(2, b"INFO: Created a delegate for CPU.\nERROR: what is wrong\n")
    assert capfd.readouterr().err == "ERROR: what is wrong\n"
    with pytest.raises(InputError), notices.native():
        raise InputError("as it is")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


@pytest.mark.slow
def test_importing_says_nothing_and_a_command_says_once_what_it_takes(model_folder, astronaut, tmp_path):
    Image.fromarray(astronaut).save(tmp_path / "photo.png")
    code = (
        "import logging, os, sys, numpy as np\n"
        "from magicface import edit\n"
        "from common.faces import get_detector\n"
        "get_detector('mediapipe').find(np.zeros((64, 64, 3), np.uint8))\n"
        "assert logging.getLogger('transformers').level == logging.getLogger('diffusers').level == logging.WARNING\n"
        "assert not {'TRANSFORMERS_VERBOSITY', 'DIFFUSERS_VERBOSITY'} & set(os.environ)\n"
        "assert not logging.getLogger().handlers\n"
        "from magicface.__main__ import main\n"
        "print('---', flush=True)\n"
        "print('---', file=sys.stderr, flush=True)\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [tmp_path / "photo.png", "AU12=3", "--model", model_folder, "--size", "64", "--steps", "1"]
    command += ["--device", "cpu", "--no-watermark", "-o", tmp_path / "out.png"]
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_VERBOSITY")}
    program = [sys.executable, "-c", code, *map(str, command)]
    done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, env=clean)
    assert done.returncode == 0, done.stderr
    assert [said.split("---\n")[0] for said in (done.stdout, done.stderr)] == ["", ""]
    assert done.stderr.count("finding faces with") == 1
    assert done.stderr.count("face parser:") == 1


def test_no_option_is_taken_for_another_by_its_first_letters(capsys):
    for line in ("fineface batch . --face 1", "magicface batch . --background a.png", "surveillance predict . --da 3"):
        program, *arguments = line.split()
        with pytest.raises(SystemExit):
            import_module(f"{program}.__main__").main(arguments)
        assert "unrecognized arguments" in capsys.readouterr().err
