"""TextToFace, the module that a training wraps, and the networks before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from diffusers import UNet2DConditionModel, UniPCMultistepScheduler
from torch import nn

from common.core.errors import InputError, MissingCheckpointError
from common.core.files import model_folder
from common.core.finite import check_weights
from common.facs.action_units import ACTION_UNITS
from common.training.networks import add_adapter, autoencoder, begin_with, built
from common.weights.config_guard import read_architecture
from common.weights.state_dict import building, read_state
from common.weights.text_encoder import load_text
from common.weights.unet import SD15_SCHEDULER, load_unet
from common.weights.vae import scale_factor

from .adapter import AUAdapter, attend_to_action_units
from .checkpoints import check_fit, load_pipeline, read_adapter
from .lora import updates
from .variants import WHOLE, check_complete, get_variant, locate_base, lora_file, missing_base_files
from .vocabulary import taught, text_networks

if TYPE_CHECKING:
    from .train import FineFaceConfig

RELEASED_HIDDEN = {1024: 64}
"""Width of the text's tokens -> outputs of the AU encoder; 1.5's, 756, are all that there is room for."""


class TextToFace(nn.Module):
    """From noisy latents, intensities and a text to a prediction, as the editor calls its networks.

    The adapter's encoder and values are trained; its keys have no effect on any result, and stay the copies that they
    began as. The UNet is frozen but for its LoRA, unless `whole`.

    The UNet gets the AU branch; it has a LoRA already, if there is to be one. Without a text encoder texts come as
    embeddings; `train_text` trains it.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        adapter: AUAdapter,
        text_encoder: Any = None,
        *,
        whole: bool = False,
        train_text: bool = False,
    ) -> None:
        super().__init__()
        attend_to_action_units(unet)
        self.unet = unet
        self.adapter = adapter
        self.text_encoder = text_encoder
        for name, parameter in unet.named_parameters():
            parameter.requires_grad_(whole or ".lora_" in name)
        adapter.requires_grad_(True)
        adapter.to_k.requires_grad_(False)
        if text_encoder is not None:
            text_encoder.requires_grad_(train_text)

    def forward(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, units: torch.Tensor | None, text: torch.Tensor
    ) -> torch.Tensor:
        """The UNet's prediction.

        Args:
            noisy: (B, C, h, w), in the scaled space of the VAE.
            timesteps: (B,) int64.
            units: (B, 12) intensities; None leaves the AU branch off, as a scale of 0 does.
            text: (B, L, D) embeddings; with a text encoder (B, L) int64 tokens.

        Returns:
            (B, C, h, w), the noise or v.
        """
        if self.text_encoder is not None:
            text = self.text_encoder(text)[0]  # (B, L, D)
        branch = {} if units is None else self.adapter(self.unet, self.adapter.projection(units))
        options = {"cross_attention_kwargs": {"action_units": branch}, "return_dict": False}
        return self.unet(noisy, timesteps, text, **options)[0]

    def enable_gradient_checkpointing(self) -> None:
        """Trades computation for memory."""
        self.unet.enable_gradient_checkpointing()
        if self.text_encoder is not None:
            self.text_encoder.gradient_checkpointing_enable()


@dataclass(frozen=True)
class Beginning:
    """The networks before the first step.

    Attributes:
        scheduler: that the result will be used with.
        frozen_text: a text encoder that stays as it is, outside the module; None where the module has it.
    """

    module: TextToFace
    vae: Any
    tokenizer: Any
    scheduler: Any
    frozen_text: Any = None

    @property
    def text_encoder(self) -> Any:
        """The text encoder, trained or not."""
        return self.module.text_encoder or self.frozen_text


def size_of(config: FineFaceConfig) -> int:
    """Side of the pictures: the config's, or what its base was made for. Raises MissingCheckpointError: the base is not
    on this machine.
    """
    if config.size:
        return config.size
    base = config.place(config.model) if config.model else _base(config)
    unet, vae = (read_architecture(base / network / "config.json") for network in ("unet", "vae"))
    with building(base):
        levels = vae.get("block_out_channels") or vae["decoder_block_out_channels"]  # of AutoencoderDC
        return int(unet["sample_size"]) * 2 ** (len(levels) - 1)


def begin(config: FineFaceConfig, size: int, captions: Sequence[str]) -> Beginning:
    """The networks that a config names.

    `size` is the side of the pictures in pixels; a new tokenizer has to know the words of the captions.

    Raises:
        InputError: options that make no networks, or not for this base.
        MissingCheckpointError: the base is not on this machine.
        CheckpointError: a file is damaged, or does not fit.
    """
    torch.manual_seed(config.seed)
    if config.model:
        found = continued(config)
    elif config.unet:
        found = whole(config, captions)
    else:
        found = adapted(config)
    factor = scale_factor(found.vae)
    if size % factor:
        raise InputError(f"size must divide by {factor}; got {size}.")
    return found


def adapted(config: FineFaceConfig) -> Beginning:
    """A base, frozen, with an AU adapter and the variant's LoRA, new or from a folder."""
    base = _base(config)
    variant = get_variant(config.variant)
    pipeline = load_pipeline(base, load_unet(base / "unet"), torch.float32)
    config.check_learned(pipeline.scheduler.config, "The base")
    unet: Any = pipeline.unet
    folder = model_folder(config.adapter) if config.adapter else None
    adapter = _adapter(config, unet, folder, base) if folder else AUAdapter.from_unet(unet, _hidden(config, unet))
    if config.lora_rank:
        add_adapter(unet, config.lora_rank, config.alpha, config.lora_targets)
        if folder and variant.lora:
            _continue_lora(unet, lora_file(folder, variant) or folder / variant.lora, config)
    module = TextToFace(unet, adapter)
    return Beginning(module, pipeline.vae, pipeline.tokenizer, pipeline.scheduler, pipeline.text_encoder)


def continued(config: FineFaceConfig) -> Beginning:
    """A whole model, trained on; its text encoder stays as it is."""
    folder = config.place(config.model)
    pipeline = load_pipeline(folder, load_unet(folder / "unet"), torch.float32)
    unet: Any = pipeline.unet
    adapter = _adapter(config, unet, folder, folder).requires_grad_(True)
    module = TextToFace(unet, adapter, pipeline.text_encoder, whole=True)
    options = dict(pipeline.scheduler.config)
    options.pop("_use_default_values", None)
    scheduler = UniPCMultistepScheduler.from_config(options)
    return Beginning(module, pipeline.vae, pipeline.tokenizer, scheduler)


def whole(config: FineFaceConfig, captions: Sequence[str]) -> Beginning:
    """Random networks of the sizes that the config names, and a tokenizer of the captions' words."""
    vae = autoencoder(config.vae, config.autoencoder)
    tokenizer, text_encoder = taught(Path(config.text)) if config.text else text_networks(config, captions)
    channels = vae.config["latent_channels"]
    options = {"cross_attention_dim": text_encoder.config.hidden_size, **config.unet}
    options |= {"in_channels": channels, "out_channels": channels, "sample_size": config.size // scale_factor(vae)}
    unet = built(UNet2DConditionModel, "unet", options)
    sampling: dict[str, Any] = {**SD15_SCHEDULER, "prediction_type": config.prediction}
    if config.zero_terminal_snr:
        sampling |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "final_sigmas_type": "zero"}
    adapter = AUAdapter.from_unet(unet, _hidden(config, unet))
    if config.start:
        folder = model_folder(config.start)
        check_complete(folder, folder, WHOLE)
        begin_with(unet, load_unet(folder / "unet"))
        begin_with(adapter, read_adapter(folder, WHOLE))
        if not config.text:
            begin_with(text_encoder, load_text(folder / "text_encoder", folder / "tokenizer")[1])
    module = TextToFace(unet, adapter, text_encoder, whole=True, train_text=not config.text)
    return Beginning(module, vae, tokenizer, UniPCMultistepScheduler(**sampling))


def _base(config: FineFaceConfig) -> Path:
    variant = get_variant(config.variant)
    place = locate_base(config.base or None, variant)
    if missing := missing_base_files(place):
        lines = "\n".join(f"  {place / name}" for name in missing)
        raise MissingCheckpointError(
            f"The base model is not complete; these files are missing:\n{lines}\n"
            f"  fetch them: fineface download --variant {variant.name}\n  or name a folder that has them: base"
        )
    return place


def _adapter(config: FineFaceConfig, unet: UNet2DConditionModel, folder: Path, base: Path) -> AUAdapter:
    adapter = read_adapter(folder, get_variant(config.variant))
    check_fit(adapter, unet, folder, base)
    check_weights(adapter, folder)
    return adapter


def _hidden(config: FineFaceConfig, unet: UNet2DConditionModel) -> int:
    width: int = unet.config["cross_attention_dim"]
    return config.hidden or RELEASED_HIDDEN.get(width, width - len(ACTION_UNITS))


@torch.no_grad()
def _continue_lora(unet: Any, path: Path, config: FineFaceConfig) -> None:
    """Puts a trained LoRA into the adapters, whatever its own alpha was."""
    for name, (down, up) in updates(read_state(path), path).items():
        if len(down) != config.lora_rank:
            raise InputError(f"{path} has the rank {len(down)}; set lora_rank = {len(down)} to continue from it.")
        layer = unet.get_submodule(name)
        layer.lora_A["default"].weight.copy_(down)
        layer.lora_B["default"].weight.copy_(up * len(down) / config.alpha)
