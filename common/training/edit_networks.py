"""The twin UNets of an editor before the first step, and how they are written after the last."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel, UniPCMultistepScheduler
from safetensors.torch import save_file

from .. import checkpoints
from ..autoencoders import load_vae, scale_factor
from ..checkpoints import Release
from ..defaults import Defaults, write_defaults
from ..errors import InputError
from ..networks import SD15_SCHEDULER, save_unet
from ..pipeline import FaceEditPipeline
from ..prompt import PROMPT_FILE
from .edit_config import EditConfig
from .networks import begin_with, built


@dataclass(frozen=True)
class Kind:
    """What tells the networks of one editor from another's.

    Attributes:
        name: as people know it.
        release: layout of its folder.
        vector_size: V, numbers of the vector.
        guides: how many pictures guide.
    """

    name: str
    release: Release
    vector_size: int
    guides: int


def begin(config: EditConfig, kind: Kind) -> FaceEditPipeline:
    """The networks before the first step, and the scheduler that they will be used with."""
    torch.manual_seed(config.seed)
    if config.unet:
        pipeline = from_scratch(config, kind)
    elif config.model:
        pipeline = checkpoints.load(
            config.folder(config.model),
            base=config.base or None,
            dtype=torch.float32,
            device="cpu",
            release=kind.release,
        )
    else:
        pipeline = checkpoints.from_stable_diffusion(config.base, vector_size=kind.vector_size, guides=kind.guides)
    if pipeline.prompt_embeds is None:
        raise InputError(f"{config.model or config.base} has no {PROMPT_FILE}, nor text_encoder/ and tokenizer/.")
    pipeline.prompt_embeds = pipeline.prompt_embeds.float()  # the file may be half, and the networks are not
    if pipeline.unet.config.get("projection_class_embeddings_input_dim") != kind.vector_size:
        raise InputError(f"{config.model} is no {kind.name}: its vector has not {kind.vector_size} numbers.")
    own = pipeline.scheduler.config
    learned = own.prediction_type, bool(own.rescale_betas_zero_snr)
    if config.model and learned != (config.prediction, config.zero_terminal_snr):
        raise InputError(
            f"{config.model} learned something else than the config says.\n"
            f'  expected: prediction = "{learned[0]}" and zero_terminal_snr = {str(learned[1]).lower()}\n'
            f'  got:      prediction = "{config.prediction}" and {str(config.zero_terminal_snr).lower()}'
        )
    options = dict(own) | {"prediction_type": config.prediction}
    options.pop("_use_default_values", None)  # from_config would take its own defaults for the keys it names
    if config.zero_terminal_snr:
        options |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "final_sigmas_type": "zero"}
    pipeline.register_modules(scheduler=UniPCMultistepScheduler.from_config(options))
    return pipeline


def from_scratch(config: EditConfig, kind: Kind) -> FaceEditPipeline:
    """Networks of the sizes that the config names, random but for `start`; the prompt is one token of zeros."""
    if config.vae:
        vae = load_vae(Path(config.vae).expanduser())
    else:
        vae: Any = built(AutoencoderKL, "autoencoder", config.autoencoder)
    channels, factor = vae.config.latent_channels, scale_factor(vae)
    shared = {"cross_attention_dim": 8, **config.unet, "out_channels": channels, "sample_size": config.size // factor}
    door = {"class_embed_type": "simple_projection", "projection_class_embeddings_input_dim": kind.vector_size}
    unet = built(UNet2DConditionModel, "unet", {**shared, **door, "in_channels": (1 + kind.guides) * channels})
    id_encoder = built(UNet2DConditionModel, "unet", {**shared, "in_channels": channels})
    if config.start:
        other = checkpoints.load(config.folder(config.start), dtype=torch.float32, device="cpu")
        begin_with(unet, other.unet)
        begin_with(id_encoder, other.id_encoder)
        if config.start_guide:
            _begin_at(unet, config.start_guide, kind.guides)
    prompt = torch.zeros(1, 1, shared["cross_attention_dim"])
    return FaceEditPipeline(vae, id_encoder, unet, UniPCMultistepScheduler(**SD15_SCHEDULER), prompt)


@torch.no_grad()
def _begin_at(unet: Any, guide: int, guides: int) -> None:
    """Has another guide take the place of the first, and the vector say nothing.

    Raises:
        InputError: there is no such guide.
    """
    if guide >= guides:
        raise InputError(f"start_guide is out of range.\n  expected: 0 to {guides - 1}\n  got:      {guide}")
    noise, *shown = unet.conv_in.weight.chunk(1 + guides, 1)
    shown[0], shown[guide] = shown[guide], shown[0]
    unet.conv_in.weight.copy_(torch.cat([noise, *shown], 1))
    unet.class_embedding.weight.zero_()


class Writer:
    """Writes the networks in the published layout, with all else that an editor needs to load them."""

    def __init__(self, pipeline: FaceEditPipeline, release: Release, defaults: Defaults, *, half: bool = False) -> None:
        self.pipeline, self.release, self.defaults = pipeline, release, defaults
        self.dtype = torch.float16 if half else torch.float32
        self.configs = dict(pipeline.unet.config), dict(pipeline.id_encoder.config)

    def __call__(self, folder: Path, unet: dict[str, torch.Tensor], id_encoder: dict[str, torch.Tensor]) -> None:
        """Write both networks' weights into a new folder."""
        pipeline, prompt = self.pipeline, self.pipeline.prompt_embeds
        assert prompt is not None
        unet, id_encoder = ({key: w.to(self.dtype) for key, w in state.items()} for state in (unet, id_encoder))
        save_unet(folder / self.release.denoiser[0], self.configs[0], unet, vector_key=self.release.vector_key)
        save_unet(folder / self.release.id_encoder[0], self.configs[1], id_encoder)
        vae = copy.deepcopy(pipeline.vae).to(self.dtype)
        vae.register_to_config(_name_or_path="")  # the folder of the training says nothing to others
        vae.save_pretrained(folder / "vae")
        pipeline.scheduler.save_pretrained(folder / "scheduler")
        save_file({"prompt_embeds": prompt.to("cpu", self.dtype).contiguous()}, folder / PROMPT_FILE)
        write_defaults(folder, self.defaults)
