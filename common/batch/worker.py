"""An editor as the worker of a batch, and the settings of the batch as they take effect."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cli.options import own_fields, saved, saving
from ..core.errors import CheckpointError
from ..core.jsonio import read_config
from ..editing.defaults import read_defaults
from ..editing.options import ModelOptions
from ..faces import get_detector
from ..parsing.parsers import resolve
from ..provenance.recipe import saved_with
from ..provenance.weights import model_of
from ..weights.device import choose_device
from .plan import Job

if TYPE_CHECKING:
    from PIL import Image

    from ..editing.editor import Editor
    from ..editing.subject import Subject

WARP = "none: photos are warped"
"""The model in the settings of a run without networks."""


class EditorWorker:
    """An editor as `common.batch.run.Worker`, with options of a command line; `read` parses requests of files."""

    def __init__(self, editor: Editor[Any], args: argparse.Namespace, read: Callable[[Any], Any]) -> None:
        self.editor, self.args, self.read = editor, args, read

    def encode(self, job: Job) -> Subject:
        """See `Worker`."""
        assert job.photo is not None
        asked = {**vars(self.args), "face": job.face, "background": job.background}
        return self.editor.encode(job.photo, **vars(self.editor.face_options.of(asked)))

    def edit(self, subject: Subject, requests: Sequence[Any]) -> Sequence[Image.Image]:
        """See `Worker`."""
        options = self.editor.edit_options.of({**vars(self.args), "batch_size": max(len(requests), 1)})
        pictures = self.editor.edit(
            subject, [self.read(request) for request in requests], progress=False, **vars(options)
        )
        return [saved_with(picture, **saving(self.args)) for picture in pictures]

    def record(self, subject: Subject) -> Mapping[str, Any]:
        """See `Worker`."""
        face = subject.face
        return {"face": face and [round(float(value), 2) for value in face.box], "warnings": list(subject.warnings)}


def settings(kind: type[Editor[Any]], args: argparse.Namespace) -> dict[str, Any]:
    """What decides how the pictures of an `Editor` look, as plain values; nothing is loaded."""
    from ..editing.models import NoNetworks  # brings diffusers

    options, asked = kind.edit_options.of(vars(args)), kind.model_options.of(vars(args))
    warps = options.wanted == "warp" or (options.wanted is None and kind.warps(**asked.networks))
    folder = None if warps else kind.locate(**asked.networks)
    own = kind.published if folder is None else read_defaults(folder, kind.published)
    how = options.resolve(own, networks=not warps)
    more = {name: getattr(asked, name) for name in own_fields(kind.model_options, ModelOptions)}
    found = {**how.settings(), **surroundings(args, args.region or own.region, folder), **more, **saved(args)}
    if folder is None:
        return {**found, "model": WARP, "size": asked.size or NoNetworks.sample_size}
    return {**found, **of_networks(kind, args)}


def of_networks(kind: type[Editor[Any]], args: argparse.Namespace) -> dict[str, Any]:
    """Dtype, model, base and the SHA-256 of their files, and the size of pictures."""
    asked = kind.model_options.of(vars(args))
    places = kind.folders(**asked.networks)
    size = asked.size or side(places, ("unet", *kind.release.denoiser))
    model = model_of(places)
    known = {name: model[name] for name in ("base", "weights") if name in model}
    return {"dtype": dtype_of(args), "model": model["id"], **known, "size": size}


def surroundings(args: argparse.Namespace, region: str, folder: Path | None) -> dict[str, Any]:
    """The face detector, the parser of face parts, and the region."""
    from ..diffusion.loading import PARSER_FILE, auxiliary  # brings diffusers

    bisenet = auxiliary(folder, PARSER_FILE) if folder else None
    parser = resolve(args.parser, bisenet=bisenet)
    return {"detector": get_detector(args.detector).name, "parser": parser, "region": region}


def dtype_of(args: argparse.Namespace) -> str:
    """The dtype of the networks; on a cluster, whose machines are not known here, the rule by which each chooses."""
    if args.dtype is None and args.runner == "ray":
        return "float16 on GPUs, float32 on CPUs"
    return str(choose_device(args.device, args.dtype)[1]).removeprefix("torch.")


def side(places: Sequence[Path], denoisers: Sequence[str]) -> int | None:
    """Side in pixels of the pictures that a model was made for; None where its configs do not say.

    `places` are the folders of the model and its base, `denoisers` the possible names of the denoiser's folder.
    """

    def config(names: Sequence[str]) -> dict[str, Any]:
        folders = [place / name for place in places for name in names]
        return read_config(next((each for each in folders if each.is_dir()), folders[0]) / "config.json")

    try:
        unet, vae = config(denoisers), config(("vae",))
        channels = vae.get("block_out_channels") or vae["encoder_block_out_channels"]
        return int(unet["sample_size"]) * 2 ** (len(channels) - 1)
    except (CheckpointError, KeyError, TypeError, ValueError):
        return None
