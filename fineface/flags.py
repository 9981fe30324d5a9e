"""The options that the command lines share: of the face in a photo, of sampling, of the model."""

from __future__ import annotations

import argparse
from typing import Any, get_args

from common import options
from common.edit_options import Engine, FaceOptions, ModelOptions

from .variants import VARIANTS


def add_face(parser: argparse.ArgumentParser) -> None:
    """How the face in a photo is made anew."""
    parser.add_argument("--prompt", help='what the face looks like (default: "A close up of a person.")')
    parser.add_argument("--extent", choices=("face", "head"), help="what is made anew (default: the model's own)")
    parser.add_argument(
        "--engine",
        choices=get_args(Engine),
        help="diffusion: the networks; draft: the photo warped by its fitted head, without networks (default: the "
        "networks where a model is named or fetched, else the warp)",
    )
    parser.add_argument("--start", choices=("photo", "draft"), default="photo", help="what is noised first")
    parser.add_argument("--strength", type=float, help="how much is made anew, 0 to 1 (default: 1; from a draft 0.5)")
    options.add_flags(parser, ModelOptions, ["finder", "parser"])
    options.add_flags(parser, FaceOptions, ["strict"])


def add_sampling(parser: argparse.ArgumentParser, seed: int | None = None) -> argparse._ArgumentGroup:
    """How pictures are sampled; without a default seed, one is drawn."""
    drawn = " (default: a new one, which is printed)" if seed is None else ""
    group = parser.add_argument_group("sampling")
    group.add_argument("--au-scale", type=float, default=1.0, help="how strongly the AUs count")
    group.add_argument("--face-scale", type=float, default=0.9, help="how strongly the person counts")
    group.add_argument("--steps", type=int, help="denoising steps (default: the model's own)")
    group.add_argument("--guidance", type=float, help="how strongly text, AUs and person pull together (likewise)")
    group.add_argument("--negative", metavar="PROMPT", help="what the picture must not show")
    group.add_argument("--seed", type=int, default=seed, help=f"of the noise{drawn}")
    return group


def add_model(parser: argparse.ArgumentParser) -> None:
    """Which networks, and where they run."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--variant",
        choices=sorted(VARIANTS),
        help="default: the folder's; sd15-faceid for a face, else sd21",
    )
    group.add_argument("--adapter", help='folder with the adapter\'s files, fetched hub repository, or "embedded"')
    group.add_argument("--base", help="folder of the base model, or fetched hub repository (default: live ids)")
    options.add_flags(group, ModelOptions, ["device", "dtype"])


def sampling(args: argparse.Namespace) -> dict[str, Any]:
    """What `add_sampling` has read, as `generate` and `edit` call it."""
    names = ("au_scale", "face_scale", "steps", "guidance", "seed")
    return {name: getattr(args, name) for name in names} | {"negative_prompt": args.negative}
