"""From published files to a stock pipeline and an AU adapter, and back. Foreign key names live here only."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from torch import nn

from common.core.errors import CheckpointError
from common.core.finite import check_weights
from common.weights.device import choose_device
from common.weights.state_dict import building, check_keys, read_state
from common.weights.text_encoder import load_text
from common.weights.unet import SD15_SCHEDULER, load_unet, named_scheduler
from common.weights.vae import load_vae

from .adapter import AUAdapter, attend_to_action_units, cross_attentions
from .faceid import load_faceid, read_faceid
from .variants import Variant, faceid_file, family, lora_file, weights_file

KEY = ".processor.au_to_k.weight"
VALUE = ".processor.au_to_v.weight"
PREFIX = "unet."
DOWN = ".lora_A.weight"
UP = ".lora_B.weight"
ALPHA = ".alpha"
PEFT = ".default.weight"  # peft's name of the adapter, which published files do not have
# The release was trained with peft's default, and its file does not say so. What loads it with an alpha equal to the
# rank, as diffusers does for files that are silent, makes the update four times too strong at rank 32.
RELEASED_ALPHA = 8.0


@dataclass(frozen=True)
class Networks:
    """What an editor runs on: a stock pipeline, whose UNet is ready for the AU branch, and what goes with it.

    Attributes:
        face_projection: embeddings (n, 512) -> tokens (n, 16, D) of FaceID; None in a variant without it.
        lock: held while the pipeline runs, whose scheduler counts its steps.
        places: folders of the weights: the model's and the base's.
    """

    pipeline: StableDiffusionPipeline
    adapter: AUAdapter
    face_projection: nn.Module | None
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    variant: str = ""
    lora_scale: float = 1.0
    places: tuple[Path, ...] = ()

    @property
    def vae_scale_factor(self) -> int:
        """Pixels per latent."""
        return self.pipeline.vae_scale_factor

    @property
    def sample_size(self) -> int:
        """Side in pixels of the pictures that the denoiser was made for."""
        return self.pipeline.unet.config["sample_size"] * self.vae_scale_factor


def load(
    folder: Path,
    base: Path,
    variant: Variant,
    *,
    lora_scale: float = 1.0,
    dtype: torch.dtype | str | None = None,
    device: str | torch.device | None = None,
) -> Networks:
    """The networks of a variant from the folders of its adapter and its base (Stable Diffusion in diffusers' layout).

    A base without text encoder and tokenizer is loaded too; its prompts must come as embeddings. A `lora_scale` of 0
    leaves the base's weights as they are; device and dtype: see `choose_device`. Raises CheckpointError: damaged files,
    or an adapter for another base; InputError: a device or dtype that cannot be used.
    """
    device, dtype = choose_device(device, dtype)
    adapter = read_adapter(folder, variant)
    unet = load_unet(base / "unet", dtype=dtype)
    check_fit(adapter, unet, folder, base)
    check_weights(adapter, folder)
    if lora := lora_file(folder, variant):
        merge_lora(unet, read_state(lora), lora_scale, lora)
    pipeline = load_pipeline(base, unet, dtype)
    faceid = faceid_file(folder, variant)
    face_projection = None if faceid is None else load_faceid(pipeline, read_faceid(faceid), faceid)
    attend_to_action_units(unet)
    pipeline.to(device)
    if face_projection is not None:
        face_projection.to(device, dtype)
    return Networks(
        pipeline,
        adapter.to(device, dtype).eval(),
        face_projection,
        variant=variant.name,
        lora_scale=lora_scale,
        places=(folder,) if folder == base else (folder, base),
    )


def load_pipeline(base: Path, unet: UNet2DConditionModel, dtype: torch.dtype) -> StableDiffusionPipeline:
    """The stock pipeline of a UNet; the scheduler is the one that the base names, else PNDM."""
    text_encoder = tokenizer = None
    if (base / "text_encoder").is_dir() and (base / "tokenizer").is_dir():
        tokenizer, text_encoder = load_text(base / "text_encoder", base / "tokenizer", dtype=dtype)
    scheduler: Any = PNDMScheduler(**SD15_SCHEDULER, skip_prk_steps=True)
    if (base / "scheduler" / "scheduler_config.json").is_file():
        scheduler = named_scheduler(base / "scheduler", PNDMScheduler.__name__)
    return stock_pipeline(load_vae(base / "vae", dtype=dtype), text_encoder, tokenizer, unet, scheduler)


def stock_pipeline(
    vae: Any, text_encoder: Any, tokenizer: Any, unet: UNet2DConditionModel, scheduler: Any
) -> StableDiffusionPipeline:
    """The stock pipeline of these networks, without a safety checker; a text encoder and a tokenizer may be None."""
    without: Any = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    return StableDiffusionPipeline(vae, text_encoder, tokenizer, unet, scheduler, **without)


# --- the AU adapter --------------------------------------------------------------------------------------------------


def read_adapter(folder: Path, variant: Variant) -> AUAdapter:
    """The AU adapter of a folder, in float32. Raises CheckpointError: files that are missing, damaged or others."""
    paths = [weights_file(folder, stem) for stem in (variant.processors, variant.encoder)]
    if None in paths:
        expected = f"{variant.processors} and {variant.encoder}, .safetensors or .ckpt"
        raise CheckpointError(f"{folder} lacks files of the adapter.", code="missing", expected=expected)
    processors, encoder = (read_state(path) for path in paths if path is not None)
    layers = {str(key).removesuffix(KEY): value for key, value in processors.items() if str(key).endswith(KEY)}
    tensors = [*layers.values(), encoder.get("au_encoder.bias")]
    if not layers or [getattr(tensor, "ndim", None) for tensor in tensors] != [2] * len(layers) + [1]:
        expected = f"<layer>{KEY} and au_encoder.bias"
        raise CheckpointError(f"{paths[0]} and {paths[1]} hold no AU adapter.", code="keys", expected=expected)
    width = next(iter(layers.values())).shape[1]
    with torch.device("meta"), building(paths[0]):  # no memory for what may turn out not to fit
        adapter = AUAdapter(
            {name: len(layers[name]) for name in in_order(layers)}, len(encoder["au_encoder.bias"]), width
        )
    expected = published_state(adapter)
    check_keys(expected[0], processors, str(paths[0]))
    check_keys(expected[1], encoder, str(paths[1]))
    adapter.projection.load_state_dict(encoder, assign=True)
    for name, to_k, to_v in zip(adapter.widths, adapter.to_k, adapter.to_v):
        to_k.load_state_dict({"weight": processors[name + KEY]}, assign=True)
        to_v.load_state_dict({"weight": processors[name + VALUE]}, assign=True)
    return adapter.float().requires_grad_(False)


def save_adapter(adapter: AUAdapter, folder: Path, variant: Variant) -> None:
    """Writes an adapter as `read_adapter` reads it, keys and all, in safetensors."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, state in zip((variant.processors, variant.encoder), published_state(adapter)):
        save_file(
            {key: value.detach().cpu().contiguous() for key, value in state.items()}, folder / f"{stem}.safetensors"
        )


def published_state(adapter: AUAdapter) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """An adapter's tensors under their published names: keys and values, and the encoder."""
    processors: dict[str, torch.Tensor] = {}
    for name, to_k, to_v in zip(adapter.widths, adapter.to_k, adapter.to_v):
        processors |= {name + KEY: to_k.state_dict()["weight"], name + VALUE: to_v.state_dict()["weight"]}
    return processors, adapter.projection.state_dict()


def check_fit(adapter: AUAdapter, unet: UNet2DConditionModel, folder: Path, base: Path) -> None:
    """Raises a CheckpointError that says which base the adapter fits, where this one is another."""
    width = unet.config["cross_attention_dim"]
    message = f"The AU adapter in {folder} is for another base than {base}."
    if adapter.projection.width != width:
        expected, actual = family(adapter.projection.width), family(width)
        raise CheckpointError(message, code="shape", expected=expected, actual=actual)
    channels = unet.config["in_channels"], unet.config["out_channels"]
    if channels[0] != channels[1]:
        expected = "a text-to-image UNet, with as many channels in as out"
        raise CheckpointError(f"The base {base} cannot be used.", code="shape", expected=expected, actual=channels)
    own, there = adapter.widths, cross_attentions(unet)
    if differing := sorted(name for name in {*own, *there} if own.get(name) != there.get(name)):
        expected, actual = ({name: widths.get(name) for name in differing[:3]} for widths in (own, there))
        raise CheckpointError(message, code="shape", expected=expected, actual=actual)


def in_order(layers: Mapping[str, object]) -> list[str]:
    """Attention layers in the order of `unet.attn_processors`: down, up, mid, each from the first to the last."""
    stages = ("down_blocks", "up_blocks", "mid_block")

    def place(name: str) -> tuple[int, list[int]]:
        stage = name.split(".")[0]
        if stage not in stages:
            expected = ", ".join(stages)
            raise CheckpointError(f"{name} is not an attention layer of a UNet.", code="keys", expected=expected)
        return stages.index(stage), [int(part) for part in name.split(".") if part.isdigit()]

    return sorted(layers, key=lambda name: (place(name), name))


# --- the LoRA --------------------------------------------------------------------------------------------------------


def updates(lora: Mapping[str, torch.Tensor], path: Path) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Layer of the UNet -> (down (r, in), up (out, r)), whose product up @ down is the update as trained.

    Keys are `unet.<layer>.lora_A.weight` and `unet.<layer>.lora_B.weight`, as peft saves them, and `unet.<layer>.alpha`
    where it is not the release's. Raises CheckpointError: keys of another kind, or half a layer.
    """
    found: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for name in sorted({key.removesuffix(DOWN).removesuffix(UP).removesuffix(ALPHA) for key in lora}):
        down, up = lora.get(name + DOWN), lora.get(name + UP)
        if down is None or up is None or not name.startswith(PREFIX):
            expected = f"pairs of {PREFIX}<layer>{DOWN} and {PREFIX}<layer>{UP}"
            raise CheckpointError(
                f"{path} is not a LoRA of a UNet's attention.", code="keys", expected=expected, actual=name
            )
        if down.ndim != 2 or up.ndim != 2 or up.shape[1] != len(down) or not len(down):
            raise CheckpointError(
                f"{path} is not a LoRA: {name} has shapes that do not multiply.",
                code="shape",
                expected="(out, r) @ (r, in)",
                actual=(tuple(up.shape), tuple(down.shape)),
            )
        alpha = float(lora[name + ALPHA].mean() if name + ALPHA in lora else RELEASED_ALPHA)
        found[name.removeprefix(PREFIX)] = down.float(), up.float() * (alpha / len(down))
    return found


def published_lora(unet: Mapping[str, torch.Tensor], alpha: float) -> dict[str, torch.Tensor]:
    """The LoRA in a UNet's state, as `updates` reads it: the inverse of it."""
    found: dict[str, torch.Tensor] = {}
    for name, value in unet.items():
        if name.endswith(PEFT):
            key = PREFIX + name.removesuffix(PEFT) + ".weight"
            found[key] = value.detach().cpu().contiguous()
            if key.endswith(UP) and alpha != RELEASED_ALPHA:
                found[key.removesuffix(UP) + ALPHA] = torch.tensor(float(alpha))
    return found


@torch.no_grad()
def merge_lora(unet: UNet2DConditionModel, lora: Mapping[str, torch.Tensor], scale: float, path: Path) -> None:
    """Adds a LoRA (Hu et al. 2021) to a UNet's weights in place: it costs nothing in a step, and needs no peft.

    Raises CheckpointError: see `updates`; or layers that this base does not have, or has in another size.
    """
    check_weights(lora, path)
    weights = dict(unet.named_parameters())
    for name, (down, up) in updates(lora, path).items():
        weight = weights.get(f"{name}.weight")
        shape = (len(up), down.shape[1])
        if weight is None or tuple(weight.shape) != shape:
            raise CheckpointError(
                f"The LoRA {path} does not fit the base at {name}.",
                code="keys" if weight is None else "shape",
                expected="no such layer" if weight is None else tuple(weight.shape),
                actual=shape,
            )
        if scale:
            update = up.to(weight.device) @ down.to(weight.device)
            weight.copy_((weight.float() + scale * update).to(weight.dtype))
