"""The settings of a batch as they take effect: no option that was left open, and the model by its files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..arguments import check_engine
from ..background.parsers import resolve
from ..checkpoints import PARSER_FILE, auxiliary
from ..defaults import Defaults, read_defaults
from ..devices import choose_device
from ..editor import Editor
from ..errors import CheckpointError
from ..faces import get_finder
from ..jsonio import read_config
from ..models import warps
from ..networkless import NoNetworks
from ..provenance.options import saved
from ..provenance.weights import model_of

WARP = "none: photos are warped"
"""Of a run without networks, what stands for its model."""


def resolved(kind: type[Editor[Any]], args: argparse.Namespace) -> dict[str, Any]:
    """What decides how the pictures of an `Editor` look, as plain values; nothing is loaded.

    Args:
        kind: of the editor.
        args: options as `common.cli.add_options` has them.
    """
    engine = check_engine(args.engine, args.start, args.strength)
    engine = engine or ("draft" if warps(args.model, args.base, kind.release) else "diffusion")
    folder = None if engine == "draft" else kind.locate(args.model)
    own = kind.published if folder is None else read_defaults(folder, kind.published)
    asked = own.asked(extent=args.extent, steps=args.steps, guidance=args.guidance, start=args.start,
                      strength=args.strength, paste_back=args.paste)  # fmt: skip
    found: dict[str, Any] = {"engine": engine, "seed": args.seed, **surroundings(args, asked, folder), **saved(args)}
    if folder is None:
        return {**found, "model": WARP, "size": args.size or NoNetworks.sample_size}
    places = [folder, *([Path(args.base).expanduser()] if args.base else [])]
    found |= {"steps": asked.steps, "guidance": asked.guidance, "start": asked.start, "dtype": dtype_of(args)}
    if asked.start == "draft":
        found["strength"] = asked.strength
    return {**found, **model(places), "size": args.size or side(places, ("unet", *kind.release.denoiser))}


def surroundings(args: argparse.Namespace, asked: Defaults, folder: Path | None) -> dict[str, Any]:
    """What finds a face, labels its parts, and puts the edit back."""
    bisenet = auxiliary(folder, PARSER_FILE) if folder else None
    paste = "replace" if asked.paste_back is True else asked.paste_back or "none"
    parser = resolve(args.parser, bisenet=bisenet)
    return {"finder": get_finder(args.finder).name, "parser": parser, "extent": asked.extent, "paste": paste}


def model(places: Sequence[Path]) -> dict[str, Any]:
    """The model's name, its base where it has one, and the SHA-256 of their files."""
    found = model_of(places)
    return {"model": found["id"], **{name: found[name] for name in ("base", "weights") if name in found}}


def dtype_of(args: argparse.Namespace) -> str:
    """Of the networks; on a cluster, whose machines are not known here, the rule by which each takes its own."""
    if args.dtype is None and getattr(args, "runner", "local") == "ray":
        return "float16 on GPUs, float32 on CPUs"
    return str(choose_device(args.device, args.dtype)[1]).removeprefix("torch.")


def side(places: Sequence[Path], denoisers: Sequence[str]) -> int | None:
    """Side in pixels of the pictures that a model was made for; None where its configs do not say.

    Args:
        places: the model's folder, and its base's.
        denoisers: names of the denoiser's folder.
    """
    try:
        unet = read_config(_first(places, denoisers) / "config.json")
        vae = read_config(_first(places, ("vae",)) / "config.json")
        channels = vae.get("block_out_channels") or vae["encoder_block_out_channels"]
        return int(unet["sample_size"]) * 2 ** (len(channels) - 1)
    except (CheckpointError, KeyError, TypeError, ValueError):
        return None


def _first(places: Sequence[Path], names: Sequence[str]) -> Path:
    folders = [place / name for place in places for name in names]
    return next((folder for folder in folders if folder.is_dir()), folders[0])
