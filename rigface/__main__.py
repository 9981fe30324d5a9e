"""Changes the light on a face in a photo, where it looks and its expression, by numbers or from another photo."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from common.app.command import app
from common.cli import console, edit_photos, options
from common.cli.licenses import doctor, licenses
from common.cli.verb_commands import Program
from common.core.errors import ActionUnitError, InputError
from common.facs.action_units import facs, known_unit
from common.facs.expressions import is_word

from .options import RigEditOptions, RigFaceOptions, RigModelOptions
from .request import RigEdit

ABOUT = """Changes the light on a face in a photo, where it looks and its expression, by numbers or from another photo.

    rigface photo.jpg --light azimuth=60 --pose yaw=15 AU12=3 -o out.png
    rigface photo.jpg --target other.jpg --copy light+pose -o out.png
    rigface *.jpg --light azimuth=-60,elevation=20 -o lit/            several photos, one folder
    rigface crop.png --background bg.png --render render.png --coefficients exp.npy    prepared before
    rigface batch photos/ --requests requests.json -o run/                many photos; goes on where it stopped
    rigface score run/                                                what the edits of a batch have changed, as a table
    rigface verify lit.png                                            what a picture says of itself
    rigface redo lit.png                                              the same picture once more
    rigface report run/                                               a batch on one page: pictures, response, failures
    rigface app                                                       all of it on a page, with sliders
    rigface download                                                  fetch the published weights
    rigface convert generic_model.pkl landmark_embedding.npy          FLAME's and DECA's files, once, as .safetensors
    rigface doctor                                                    what this machine has and lacks
    rigface licenses                                                  terms of all weights
    rigface evaluate                                                  measure the edits of a model
    rigface prepare-pairs pairs.jsonl -o rig/pairs.jsonl           pairs to train on, of MagicFace's

Angles are degrees. Light comes from azimuth (0 the camera, positive the picture's right) and elevation. A pose is added
to the present one (positive yaw turns to the picture's right, positive pitch looks up); "yaw=0,absolute" is where the
head shall look. Action units are changes, on the FACS scale 0..5: 1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25 and 26.
"""

NEUTRAL = "neutral"


def main(argv: Sequence[str] | None = None) -> int:
    """The console script; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = _COMMANDS.get(arguments[0] if arguments else "")
    return console.guarded(lambda: command(arguments[1:]) if command else _edit(arguments))


def _edit(arguments: list[str]) -> int:
    parser = console.command_parser("rigface", ABOUT)
    parser.add_argument("inputs", nargs="+", metavar="PHOTO | AU=VALUE", help="photos and action units, in any order")
    request = parser.add_argument_group("request")
    request.add_argument("--light", help="azimuth, elevation, intensity, ambient, e.g. azimuth=60,elevation=20")
    request.add_argument("--pose", help='yaw, pitch, roll, added to the present ones, e.g. yaw=15; or "yaw=0,absolute"')
    request.add_argument("--target", type=Path, metavar="PHOTO", help="to copy from")
    request.add_argument("--copy", metavar="WHAT", help="light, pose, expression; several as light+pose")
    options.add_options(
        parser,
        "file, or folder for several photos (default: PHOTO-edited.png)",
        record=True,
        kinds=(RigEditOptions, RigFaceOptions, RigModelOptions),
    )
    args = parser.parse_intermixed_args(arguments)
    photos, wanted = read_inputs(args, args.background is not None)
    RigEditOptions.of(vars(args))
    RigFaceOptions.of(vars(args))
    from ._api import RigFace  # torch and diffusers load here, after the arguments have been understood

    return edit_photos.run(RigFace, photos, wanted, args)


def read_inputs(args: argparse.Namespace, prepared: bool) -> tuple[list[Path], RigEdit]:
    """Photos and the request.

    Raises:
        ActionUnitError: an AU without a value, unknown or out of range.
        InputError: no photo, nothing to change, or something that is neither.
    """
    photos, units = [], []
    for text in args.inputs:
        if os.path.exists(os.path.expanduser(text)):
            photos.append(Path(text).expanduser())
        elif "=" in text or text.lower() == NEUTRAL:
            units.append(text)
        elif text[:2].upper() == "AU" and facs.read(text):
            raise ActionUnitError(f"{text} needs a value, e.g. {known_unit(text)}=3.")
        elif is_word(text):
            units.append(text)
        else:
            raise InputError(f"There is no photo {text!r}, and a request reads AU12=3, happy, or --light azimuth=60.")
    spoken = ",".join(unit for unit in units if unit.lower() != NEUTRAL)
    asked: dict[str, Any] = {"light": args.light, "pose": args.pose, "expression": spoken or None}
    request = RigEdit(**asked, target=args.target, copy=args.copy)
    if not photos:
        raise InputError("Name at least one photo, e.g. rigface photo.jpg --light azimuth=60.")
    if not (any(asked.values()) or args.copy or units or prepared):
        raise InputError(f'Say what to change, e.g. --light azimuth=60; "{NEUTRAL}" is the null edit.')
    return photos, request


def _download(arguments: list[str]) -> int:
    parser = console.command_parser(
        "rigface download",
        "Fetches the published weights (about 9 GB); what is there is kept, what broke off goes on.",
    )
    parser.add_argument("--to", type=Path, help="folder (default: ~/.cache/face-rig/mengtingwei--rigface)")
    parser.add_argument("--base", help="hub repository or local folder of Stable Diffusion 1.5 (default: live ids)")
    args = parser.parse_args(arguments)
    from common.diffusion.download import download
    from common.diffusion.loading import RIGFACE

    console.say(f"complete: {download(RIGFACE, base=args.base, folder=args.to)}")
    return console.OK


def _convert(arguments: list[str]) -> int:
    parser = console.command_parser(
        "rigface convert",
        "Writes FLAME's and DECA's arrays (.pkl, .npy, .npz) beside them as .safetensors, which are found first, load"
        " at once and hold no code.",
    )
    parser.add_argument("files", nargs="+", type=Path, help="such as generic_model.pkl and landmark_embedding.npy")
    args = parser.parse_args(arguments)
    from common.face3d.files.arrays import convert

    for file in args.files:
        console.say(f"written: {convert(file)}")
    return console.OK


_COMMANDS = {
    **Program("rigface", RigEdit, (RigEditOptions, RigFaceOptions, RigModelOptions)).commands(),
    "app": partial(app, "rigface", "Opens a page to edit light and pose on.", console.lazily("rigface.app", "tab")),
    "batch": console.lazily("rigface.batch"),
    "convert": _convert,
    "download": _download,
    "evaluate": console.lazily("rigface.evaluation"),
    "doctor": partial(doctor, "rigface doctor", console.lazily("rigface.licenses", "sources")),
    "licenses": partial(licenses, "rigface licenses", console.lazily("rigface.licenses", "sources")),
    "prepare-pairs": console.lazily("rigface.prepare_pairs"),
    "redo": console.lazily("rigface.batch", "main_redo"),
    "report": console.lazily("rigface.batch", "main_report"),
    "score": console.lazily("rigface.batch", "main_score"),
    "verify": partial(console.lazily("common.cli.provenance", "verify"), "rigface"),
}

if __name__ == "__main__":
    sys.exit(main())
