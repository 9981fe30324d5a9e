"""The options of the editors' command lines, each declared once; a command adds those that it uses, and no others."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, get_args

from .arguments import DTYPES, PASTE, SEED, Engine, Start
from .provenance.options import add_saving

_OWN = "(default: the model's own)"


def add_options(
    parser: argparse.ArgumentParser, output: str, *, photo: bool = True, saving: bool = True, record: bool = False
) -> None:
    """The options of a command that edits photos.

    Args:
        parser: of the command.
        output: help of -o.
        photo: the command line names the photos, so that --face and --background can say more about them.
        saving: the results are pictures, which are marked and can be signed.
        record: the command prints what it did, with --json.
    """
    out = parser.add_argument_group("output")
    out.add_argument("-o", "--output", help=output)
    out.add_argument(
        "--paste",
        choices=(*PASTE, "none"),
        help="replace: the crop as generated; detail: the change alone, so that the photo keeps its sharpness where "
        f"little moves; none: no paste-back, the crop is the result {_OWN}",
    )
    if saving:
        add_saving(out)
    if record:
        out.add_argument("--json", action="store_true", help="print what was done as JSON, one line per photo")
    add_quiet(out)
    face = parser.add_argument_group("face")
    if photo:
        face.add_argument("--face", default="largest", help='"largest", an index from the left, or X,Y in the photo')
        face.add_argument("--background", type=Path, help="prepared background; the photo is then the prepared crop")
    face.add_argument("--extent", choices=("head", "face"), help=f"region that the network repaints {_OWN}")
    add_finder(face)
    add_parser(face)
    add_strict(face)
    sampling = parser.add_argument_group("sampling")
    sampling.add_argument("--steps", type=int, help=f"denoising steps {_OWN}")
    sampling.add_argument("--guidance", type=float, help=f"guidance scale of the request {_OWN}")
    sampling.add_argument(
        "--engine",
        choices=get_args(Engine),
        help="diffusion: the networks; draft: the photo warped by its fitted head, without networks (default: the "
        "networks where a model is named or fetched, else the warp)",
    )
    add_start_options(sampling)
    sampling.add_argument("--seed", type=int, default=SEED, help="random seed for the initial noise")
    add_model_options(parser).add_argument(
        "--size", type=int, help="side of the crop in pixels (default: the network's own)"
    )


def add_quiet(group: Any) -> None:
    """Whether errors alone are told."""
    group.add_argument("-q", "--quiet", action="store_true", help="print errors only: no progress bars, no notices")


def add_finder(group: Any) -> None:
    """Which face detector."""
    group.add_argument("--finder", default="auto", help="face detector: auto, insightface, face-alignment or mediapipe")


def add_parser(group: Any) -> None:
    """Which face parser."""
    group.add_argument("--parser", default="auto", help="face parser: auto, bisenet, segformer, embedded or grabcut")


def add_strict(group: Any) -> None:
    """Whether a photo warning is an error."""
    group.add_argument("--strict", action="store_true", help="treat photo warnings, such as a profile, as errors")


def add_start_options(group: argparse._ArgumentGroup) -> None:
    """What the networks begin with."""
    group.add_argument("--start", choices=get_args(Start), help=f"what the networks begin with {_OWN}")
    group.add_argument(
        "--strength", type=float, help=f"fraction of the steps run from the draft, with --start draft {_OWN}"
    )


def add_model_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Which networks, and where they run."""
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        help="folder, fetched hub repository, or embedded (default: the published one; without it, photos are warped)",
    )
    model.add_argument("--base", help="folder of Stable Diffusion 1.5, for what the model's folder lacks")
    add_device(model)
    return model


def add_device(group: Any) -> None:
    """Where networks run, and in which precision."""
    group.add_argument("--device", help="cuda, mps or cpu (default: the fastest)")
    group.add_argument("--dtype", choices=DTYPES, help="default: float16 on cuda and mps, else float32")
