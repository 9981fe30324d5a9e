"""Changes the light on a face in a photo, where it looks and its expression, by numbers or from another photo."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import console
from common.cli.editor_spec import EditorSpec
from common.core.errors import InputError
from common.evaluation.command import Evaluation
from common.program import Program

from .options import RigEditOptions, RigFaceOptions, RigModelOptions
from .request import RigEdit

ABOUT = """Changes the light on a face in a photo, where it looks and its expression, by numbers or from another photo.

    rigface photo.jpg --light azimuth=60 --pose yaw=15 AU12=3 -o out.png
    rigface photo.jpg --target other.jpg --copy light+pose -o out.png
    rigface *.jpg --light azimuth=-60,elevation=20 -o lit/            several photos, one folder
    rigface crop.png --background bg.png --render render.png --coefficients exp.npy    conditions prepared before
    rigface convert generic_model.pkl landmark_embedding.npy          FLAME's and DECA's files, once, as .safetensors
    rigface prepare-pairs pairs.jsonl -o rig/pairs.jsonl           pairs to train on, of MagicFace's

Angles are degrees. Light comes from azimuth (0 the camera, positive the picture's right) and elevation. A pose is added
to the present one (positive yaw turns to the picture's right, positive pitch looks up); "yaw=0,absolute" is where the
head looks afterwards. Action units are changes, on the FACS scale 0..5: 1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25 and 26.
"""

EVALUATED = """Light, pose, single action units and combinations in turn, with the model's own settings: where the light
comes from and how the head is turned afterwards, how far the expression follows, what else changed, the error to the
true picture, the person, and the time."""


def _add_request(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("request")
    group.add_argument("--light", help="azimuth, elevation, intensity, ambient, e.g. azimuth=60,elevation=20")
    group.add_argument("--pose", help='yaw, pitch, roll, added to the present ones, e.g. yaw=15; or "yaw=0,absolute"')
    group.add_argument("--target", type=Path, metavar="PHOTO", help="photo to copy from")
    group.add_argument(
        "--copy", metavar="WHAT", help="attributes to copy: light, pose, expression; several as light+pose"
    )


def _read_request(words: list[str], args: argparse.Namespace) -> RigEdit:
    """The request of the command line, an expression in `words`, and the options of `_add_request`."""
    request = RigEdit(
        light=args.light, pose=args.pose, expression=",".join(words) or None, target=args.target, copy=args.copy
    )
    if not (words or args.light or args.pose or args.copy or args.background):
        raise InputError(
            "There is no request.", code="missing", expected='such as --light azimuth=60; "neutral" is the null edit'
        )
    return request


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


PROGRAM = Program(
    EditorSpec("rigface", "rigface.editor:RigFace", RigEdit, (RigEditOptions, RigFaceOptions, RigModelOptions)),
    ABOUT,
    example="AU12=3, happy, or --light azimuth=60",
    requests='{"light": "azimuth=60", "pose": "yaw=15", "expression": "AU12=3"}, or an expression alone',
    sources="rigface.licenses:sources",
    tab="rigface.app:tab",
    evaluation=Evaluation("rigface.evaluation.metrics:SUITE", EVALUATED),
    add_request=_add_request,
    read_request=_read_request,
    own={"convert": _convert, "prepare-pairs": "rigface.prepare_pairs:main"},
)
main = PROGRAM.main

if __name__ == "__main__":
    sys.exit(main())
