"""The settings of a batch as they take effect: no option that was left open, and the model by its files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..background.parsers import resolve
from ..checkpoints import PARSER_FILE, auxiliary
from ..defaults import read_defaults
from ..devices import choose_device
from ..editor import Editor
from ..errors import CheckpointError
from ..faces import get_finder
from ..models import NoNetworks
from ..provenance.options import saved
from ..provenance.weights import model_of
from ..weights import read_config

WARP = "none: photos are warped"
"""Of a run without networks, what stands for its model."""


def resolved(kind: type[Editor[Any]], args: argparse.Namespace) -> dict[str, Any]:
    """What decides how the pictures of an `Editor` look, as plain values; nothing is loaded.

    Args:
        kind: of the editor.
        args: options as `common.options.add_options` has them.
    """
    options, asked = kind.edit_options.of(vars(args)), kind.model_options.of(vars(args))
    drafts = options.wanted == "draft" or (options.wanted is None and kind.warps(**asked.networks))
    folder = None if drafts else kind.locate(**asked.networks)
    own = kind.published if folder is None else read_defaults(folder, kind.published)
    how = options.resolve(own, networks=not drafts)
    found = {**how.settings(), **surroundings(args, args.extent or own.extent, folder), **saved(args)}
    if folder is None:
        return {**found, "model": WARP, "size": asked.size or NoNetworks.sample_size}
    return {**found, **of_networks(kind, args)}


def of_networks(kind: type[Editor[Any]], args: argparse.Namespace) -> dict[str, Any]:
    """The model by its files, and the pictures that it makes."""
    asked = kind.model_options.of(vars(args))
    places = kind.folders(**asked.networks)
    size = asked.size or side(places, ("unet", *kind.release.denoiser))
    return {"dtype": dtype_of(args), **model(places), "size": size}


def surroundings(args: argparse.Namespace, extent: str, folder: Path | None) -> dict[str, Any]:
    """What finds a face, and labels its parts."""
    bisenet = auxiliary(folder, PARSER_FILE) if folder else None
    return {
        "finder": get_finder(args.finder).name,
        "parser": resolve(args.parser, bisenet=bisenet),
        "extent": extent,
    }


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
