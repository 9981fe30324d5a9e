"""The networks of a checkpoint, built from its folders: two UNets, a scheduler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import SchedulerMixin, UNet2DConditionModel, UniPCMultistepScheduler
from safetensors.torch import save_file

from ..core.errors import CheckpointError
from .config_guard import check_class, read_architecture
from .files import WEIGHTS
from .state_dict import building, fill, read_network

# stable-diffusion-v1-5's scheduler_config.json, for checkpoints that come without one.
SD15_SCHEDULER = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}


def unet_from_config(config: Mapping[str, Any], vector_size: int | None = None) -> UNet2DConditionModel:
    """An empty vanilla UNet for a published config.json, which does not mention the vector's door.

    Built on the meta device: it takes no memory until weights are assigned.
    """
    config = {key: value for key, value in config.items() if not key.startswith("_")}
    if vector_size is not None:
        config |= {"class_embed_type": "simple_projection", "projection_class_embeddings_input_dim": vector_size}
    with torch.device("meta"):
        return UNet2DConditionModel.from_config(config)  # type: ignore[return-value]


def load_unet(
    folder: Path, *, vector_key: str | None = None, dtype: torch.dtype = torch.float32
) -> UNet2DConditionModel:
    """A UNet from `config.json` and its weights (`weights.read_network`), keys renamed, none missing or left over.
    Raises CheckpointError: names the missing and unexpected keys, or the keys of other shapes.
    """
    state, path = read_network(folder, dtype)
    vector_size = None
    if vector_key is not None:
        state = {key.replace(vector_key, "class_embedding.", 1): value for key, value in state.items()}
        if "class_embedding.weight" not in state:
            raise CheckpointError(
                f"{path} has no {vector_key}weight: it is not a denoiser of this family.", code="keys"
            )
        vector_size = state["class_embedding.weight"].shape[1]
    config = read_architecture(folder / "config.json")
    check_class(folder / "config.json", config, r"UNet\w*2DConditionModel")  # the releases have names of their own
    if not isinstance(config.get("sample_size"), int):
        raise CheckpointError(
            f"{folder / 'config.json'} must name one sample_size.", code="values", actual=config.get("sample_size")
        )
    with building(folder / "config.json"):
        unet = unet_from_config(config, vector_size)
    return fill(unet, state, path, dtype)


def save_unet(
    folder: Path, config: Mapping[str, Any], state: Mapping[str, torch.Tensor], *, vector_key: str | None = None
) -> None:
    """Writes a UNet as the releases do, so that `load_unet` reads it back: the inverse of it.

    `vector_key` is the release's name of `class_embedding.`; its config.json does not mention the vector's door.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plain = {key: value for key, value in config.items() if not key.startswith("_")}
    if vector_key is not None:
        plain |= {"class_embed_type": None, "projection_class_embeddings_input_dim": None}
        state = {key.replace("class_embedding.", vector_key, 1): value for key, value in state.items()}
    text = json.dumps({"_class_name": UNet2DConditionModel.__name__, **plain}, indent=2, sort_keys=True)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")
    save_file({key: value.detach().cpu().contiguous() for key, value in state.items()}, folder / WEIGHTS)


def named_scheduler(folder: Path, default: str) -> Any:
    """The scheduler that a scheduler_config.json names, of diffusers' own; made from it as it stands.

    `default` is its class where the file names none. Raises CheckpointError: damaged, or no scheduler of diffusers'.
    """
    path = folder / "scheduler_config.json"
    config = read_architecture(path)
    kind = getattr(diffusers, str(config.get("_class_name", default)), None)
    if not isinstance(kind, type) or not issubclass(kind, SchedulerMixin):
        raise CheckpointError.refused(path, f"{str(config.get('_class_name'))[:80]!r} is not a scheduler of diffusers'")
    with building(path):
        return kind.from_config(config)  # type: ignore[attr-defined]


def released_scheduler(folder: Path) -> UniPCMultistepScheduler:
    """UniPC as the release's diffusers 0.25.1 made it: linspace timesteps, last sigma the smallest of training.

    Today's default last sigma is zero, which gives other pictures. A scheduler_config.json that is UniPC's own (ours)
    is taken as it stands.
    """
    config = dict(SD15_SCHEDULER)
    published = folder / "scheduler_config.json"
    if published.is_file():
        config = read_architecture(published)
    # Keys of the published PNDM config that UniPC does not know would be reported as ignored.
    known = UniPCMultistepScheduler._get_init_keys(UniPCMultistepScheduler)
    own = {key: value for key, value in config.items() if key in known}
    if config.get("_class_name") != UniPCMultistepScheduler.__name__:
        own["final_sigmas_type"] = "sigma_min"
    with building(published):
        return UniPCMultistepScheduler(**own)
