"""FaceID (Ye et al. 2023, arXiv 2308.06721): the person, as diffusers' own IP-Adapter beside the AU branch."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from torch import nn

from common.errors import CheckpointError
from common.finite import check_weights
from common.weight_files import SAFE
from common.weights import building, read_pickled, read_weights

from .variants import family


def read_faceid(path: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The published FaceID adapter: `image_proj` and `ip_adapter`, as `load_ip_adapter` takes them.

    A safetensors file has them as beginnings of its keys.

    Raises:
        CheckpointError: damaged, or another kind of adapter.
    """
    state = read_pickled(path) if path.suffix != SAFE else _nested(read_weights(path))
    projection = state.get("image_proj")
    known = isinstance(projection, dict) and {"proj.2.weight", "norm.weight"} <= projection.keys()
    if not known or not isinstance(state.get("ip_adapter"), dict):
        raise CheckpointError(
            f"{path} is no IP-Adapter FaceID: expected image_proj with proj.2.weight and norm.weight, and ip_adapter."
        )
    for part in ("image_proj", "ip_adapter"):
        check_weights(state[part], path)
    return state


def load_faceid(pipeline: StableDiffusionPipeline, state: dict[str, dict[str, torch.Tensor]], path: Path) -> nn.Module:
    """Puts FaceID into the UNet as diffusers does, and takes the projection out of it.

    Left inside, it would run in every step; so the UNet is given tokens (B, n, 16, D) in place of embeddings.

    Raises:
        CheckpointError: it is for another base.
    """
    with building(path):
        own = len(state["image_proj"]["norm.weight"])
    width = pipeline.unet.config["cross_attention_dim"]
    if own != width:
        raise CheckpointError(
            f"The FaceID adapter {path} is for another base.\n  expected: {family(own)}\n  got:      {family(width)}"
        )
    with building(path), _quiet():
        host: Any = pipeline  # whose annotation knows only flat dicts, whose arithmetic wants these
        host.load_ip_adapter(state, subfolder="", weight_name="", image_encoder_folder=None)
    layers: Any = pipeline.unet.encoder_hid_proj.image_projection_layers
    projection, layers[0] = layers[0], nn.Identity()
    return projection.requires_grad_(False)


def _nested(state: dict[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    found: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in state.items():
        part, _, name = key.partition(".")
        found.setdefault(part, {})[name] = value
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """The host warns that there is no image encoder, of which FaceID needs none, and of a cast that changes nothing."""
    host = logging.getLogger("diffusers")
    before = host.level
    host.setLevel(logging.ERROR)
    try:
        yield
    finally:
        host.setLevel(before)
