"""FaceID (Ye et al. 2023, arXiv 2308.06721): the person, as diffusers' own IP-Adapter next to the AU branch."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from torch import nn

from common.core.errors import (
    CheckpointError,
    FaceEditError,
    FaceNotFoundError,
    InputError,
    MissingDependencyError,
    ShapeError,
)
from common.core.finite import check_weights
from common.faces import Face, FaceDetector, choose_face, get_detector
from common.imaging.images import ImageLike, as_list, read_image, rgb
from common.weights.files import SAFE
from common.weights.state_dict import building, read_pickled, read_weights

from .variants import family

log = logging.getLogger(__name__)

# FaceID was trained on embeddings of this pack's network; antelopev2's are as wide, and mean nothing to it.
DETECTOR = "insightface/buffalo_l"
WIDTH = 512


def read_faceid(path: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The published FaceID adapter: `image_proj` and `ip_adapter`, as `load_ip_adapter` takes them; in a safetensors
    file, prefixes of its keys. Raises CheckpointError: damaged, or another kind of adapter.
    """
    state = read_pickled(path) if path.suffix != SAFE else _nested(read_weights(path))
    projection = state.get("image_proj")
    known = isinstance(projection, dict) and {"proj.2.weight", "norm.weight"} <= projection.keys()
    if not known or not isinstance(state.get("ip_adapter"), dict):
        expected = "image_proj with proj.2.weight and norm.weight, and ip_adapter"
        raise CheckpointError(f"{path} is not an IP-Adapter FaceID.", code="keys", expected=expected)
    for part in ("image_proj", "ip_adapter"):
        check_weights(state[part], path)
    return state


def load_faceid(pipeline: StableDiffusionPipeline, state: dict[str, dict[str, torch.Tensor]], path: Path) -> nn.Module:
    """Puts FaceID into the UNet as diffusers does, and takes the projection out of it.

    Left inside, it would run in every step; so the UNet is given tokens (B, n, 16, D) in place of embeddings. Raises
    CheckpointError: it is for another base.
    """
    with building(path):
        own = len(state["image_proj"]["norm.weight"])
    width = pipeline.unet.config["cross_attention_dim"]
    if own != width:
        message = f"The FaceID adapter {path} is for another base."
        raise CheckpointError(message, code="shape", expected=family(own), actual=family(width))
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
    """Silences the host, which misses an image encoder that FaceID does not need, and reports a needless cast."""
    host = logging.getLogger("diffusers")
    before = host.level
    host.setLevel(logging.ERROR)
    try:
        yield
    finally:
        host.setLevel(before)


def embed_people(identity: ImageLike | Sequence[ImageLike]) -> torch.Tensor:
    """Embeddings (n, 512) float32 of length 1, a row for each face; several rows are one person seen several times.

    Args:
        identity: a photo (`common.imaging.images.read_image`; its largest face counts), a list of photos, or
            embeddings: a numpy array or torch tensor (n, 512) or (512,), of any length.

    Raises:
        ShapeError, InputError: embeddings of another width or not finite, or an empty list.
        FaceNotFoundError: a photo shows no face; the message says which.
        MissingDependencyError, MissingCheckpointError: photos, and insightface or its pack is not on this machine.
    """
    if isinstance(identity, (np.ndarray, torch.Tensor)) and identity.ndim in (1, 2) and as_list(identity) is None:
        return _checked(torch.as_tensor(identity).detach().cpu())
    several = as_list(identity)
    photos: list[Any] = [identity] if several is None else several
    if not photos:
        raise InputError("identity is an empty list.", code="empty")
    detector = _detector()
    rows = []
    for i, photo in enumerate(photos):
        try:
            rows.append(choose_face(detector.find(rgb(read_image(photo)))).embedding)
        except FaceNotFoundError as error:
            which = f"photo {i} of identity" if len(photos) > 1 else "the photo given as identity"
            raise FaceNotFoundError(f"In {which}: {error}") from error
    return _checked(torch.from_numpy(np.stack(rows)))


def with_embedding(photo: np.ndarray, face: Face) -> Face:
    """The face of a photo (H, W, 3) with the embedding that FaceID takes; without insightface None, which is logged."""
    if face.backend == DETECTOR:
        return face
    try:
        found = choose_face(_detector().find(photo), tuple(face.centre.tolist()))
    except FaceEditError as error:
        log.warning("the person is not kept: %s", str(error).splitlines()[0])
        return replace(face, embedding=None)
    return replace(face, embedding=found.embedding)


def _detector() -> FaceDetector:
    if importlib.util.find_spec("insightface") is None:
        raise MissingDependencyError("insightface", "Reading a person from a photo", 'pip install "face-rig[faces]"')
    return get_detector(DETECTOR)


def _checked(embeddings: torch.Tensor) -> torch.Tensor:
    rows = torch.atleast_2d(embeddings.float())
    if rows.shape[1] != WIDTH or not len(rows):
        expected = f"(n, {WIDTH}), embeddings by insightface's buffalo_l"
        raise ShapeError("identity", expected, tuple(embeddings.shape), "or give a photo: (H, W, 3)")
    lengths = rows.norm(dim=1, keepdim=True)
    if not torch.isfinite(lengths).all() or (lengths == 0).any():
        raise InputError("identity has embeddings that are zero, or not finite.", code="finite")
    return rows / lengths
