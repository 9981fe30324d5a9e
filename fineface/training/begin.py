"""The networks before the first step."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel, UniPCMultistepScheduler

from common.action_units import ACTION_UNITS
from common.autoencoders import load_vae, scale_factor
from common.configs import read_architecture
from common.errors import InputError, MissingCheckpointError
from common.files import model_folder
from common.finite import check_weights
from common.networks import SD15_SCHEDULER, load_unet
from common.prompt import load_text
from common.training.lora import add_adapter
from common.training.networks import begin_with, built
from common.weights import building, read_state

from ..adapter import AUAdapter
from ..checkpoints import check_fit, load_pipeline, read_adapter
from ..lora import updates
from ..variants import WHOLE, Variant, check_complete, get_variant, locate_base, lora_file, missing_base_files
from .config import FineFaceConfig
from .encoder import SampleEncoder
from .module import TextToFace
from .words import tokenizer_of

RELEASED_HIDDEN = {1024: 64}
"""Width of the text's tokens -> outputs of the AU encoder; 1.5's, 756, are all that there is room for."""


@dataclass(frozen=True)
class Beginning:
    """The networks before the first step.

    Attributes:
        module: what is trained.
        encoder: what stays as it is.
        scheduler: that the result will be used with.
        variant: which kind of model.
    """

    module: TextToFace
    encoder: SampleEncoder
    scheduler: Any
    variant: Variant

    @property
    def text_encoder(self) -> Any:
        """The text encoder, trained or not."""
        return self.module.text_encoder or self.encoder.text_encoder


def size_of(config: FineFaceConfig) -> int:
    """Side of the pictures: the config's, or what its base was made for.

    Raises:
        MissingCheckpointError: the base is not on this machine.
    """
    if config.size:
        return config.size
    base = config.place if config.model else _base(config)
    unet, vae = (read_architecture(base / network / "config.json") for network in ("unet", "vae"))
    with building(base):
        levels = vae.get("block_out_channels") or vae["decoder_block_out_channels"]  # of AutoencoderDC
        return int(unet["sample_size"]) * 2 ** (len(levels) - 1)


def begin(config: FineFaceConfig, size: int, captions: Sequence[str]) -> Beginning:
    """The networks that a config names.

    Args:
        config: of the training.
        size: side of the pictures in pixels.
        captions: whose words a new tokenizer has to know.

    Raises:
        InputError: options that make no networks, or not for this base.
        MissingCheckpointError: the base is not on this machine.
        CheckpointError: a file is damaged, or does not fit.
    """
    torch.manual_seed(config.seed)
    if config.model:
        found = continued(config)
    else:
        found = whole(config, captions) if config.unet else adapted(config)
    factor = scale_factor(found.encoder.vae)
    if size % factor:
        raise InputError(f"size must divide by {factor}; got {size}.")
    return found


def adapted(config: FineFaceConfig) -> Beginning:
    """A base, frozen, with an AU adapter and the variant's LoRA, new or from a folder."""
    base, variant = _base(config), get_variant(config.variant)
    pipeline = load_pipeline(base, load_unet(base / "unet"), torch.float32)
    own = pipeline.scheduler.config
    learned = own.get("prediction_type", "epsilon"), bool(own.get("rescale_betas_zero_snr"))
    if learned != (config.prediction, config.zero_terminal_snr):
        raise InputError(
            "The base learned something else than the config says.\n"
            f'  expected: prediction = "{learned[0]}" and zero_terminal_snr = {str(learned[1]).lower()}\n'
            f'  got:      prediction = "{config.prediction}" and {str(config.zero_terminal_snr).lower()}'
        )
    unet: Any = pipeline.unet
    if config.adapter:
        folder = model_folder(config.adapter)
        adapter = read_adapter(folder, variant)
        check_fit(adapter, unet, folder, base)
        check_weights(adapter, folder)
    else:
        adapter = AUAdapter.from_unet(unet, _hidden(config, unet))
    if config.lora_rank:
        add_adapter(unet, config.lora_rank, config.alpha, config.lora_targets)
        if config.adapter and variant.lora:
            own = model_folder(config.adapter)
            _go_on(unet, lora_file(own, variant) or own / variant.lora, config)
    encoder = SampleEncoder(pipeline.vae, pipeline.tokenizer, pipeline.text_encoder)
    return Beginning(TextToFace(unet, adapter), encoder, pipeline.scheduler, variant)


def continued(config: FineFaceConfig) -> Beginning:
    """A whole model, trained on; its text encoder stays as it is."""
    folder, variant = config.place, get_variant(config.variant)
    pipeline = load_pipeline(folder, load_unet(folder / "unet"), torch.float32)
    unet: Any = pipeline.unet
    adapter = read_adapter(folder, variant)
    check_fit(adapter, unet, folder, folder)
    check_weights(adapter, folder)
    module = TextToFace(unet, adapter.requires_grad_(True), pipeline.text_encoder, whole=True, train_text=False)
    options = dict(pipeline.scheduler.config)
    options.pop("_use_default_values", None)
    scheduler = UniPCMultistepScheduler.from_config(options)
    return Beginning(module, SampleEncoder(pipeline.vae, pipeline.tokenizer), scheduler, variant)


def whole(config: FineFaceConfig, captions: Sequence[str]) -> Beginning:
    """Random networks of the sizes that the config names, and a tokenizer of the captions' words."""
    vae: Any = load_vae(Path(config.vae).expanduser()) if config.vae else None
    vae = vae or built(AutoencoderKL, "autoencoder", config.autoencoder)
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
        _begin_with(model_folder(config.start), unet, None if config.text else text_encoder, adapter)
    module = TextToFace(unet, adapter, text_encoder, whole=True, train_text=not config.text)
    scheduler = UniPCMultistepScheduler(**sampling)
    return Beginning(module, SampleEncoder(vae, tokenizer), scheduler, get_variant(config.variant))


def _begin_with(folder: Path, unet: UNet2DConditionModel, text_encoder: Any, adapter: AUAdapter) -> None:
    """Gives new networks, of which the text encoder may be None, the weights of a whole model that fit."""
    check_complete(folder, folder, WHOLE)
    begin_with(unet, load_unet(folder / "unet"))
    begin_with(adapter, read_adapter(folder, WHOLE))
    if text_encoder is not None:
        begin_with(text_encoder, load_text(folder / "text_encoder", folder / "tokenizer")[1])


def taught(folder: Path) -> tuple[Any, Any]:
    """The tokenizer and the text encoder that `teach` wrote.

    Raises:
        MissingCheckpointError: they are not there.
        CheckpointError: they are damaged.
    """
    folder = folder.expanduser()
    if not (folder / "text_encoder").is_dir() or not (folder / "tokenizer").is_dir():
        raise MissingCheckpointError(
            f"{folder} holds no text encoder and tokenizer.\n  make them: python -m fineface.training.teach CONFIG"
        )
    return load_text(folder / "text_encoder", folder / "tokenizer")


def text_networks(config: FineFaceConfig, captions: Sequence[str]) -> tuple[Any, Any]:
    """A tokenizer whose words are those of the captions, and a random text encoder that reads them.

    As many tokens fit as the encoder has positions.
    """
    from transformers import CLIPTextConfig, CLIPTextModel

    known = CLIPTextConfig().to_dict()
    for key in config.text_encoder:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0)[0]
            raise InputError(f"[text_encoder] has the unknown key {key!r}; did you mean {near!r}?")
    tokenizer = tokenizer_of(captions, config.text_encoder.get("vocab_size", known["vocab_size"]))
    options = {**config.text_encoder, "vocab_size": len(tokenizer)}
    options |= {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    try:
        encoder = CLIPTextModel(CLIPTextConfig(**options))
    except (TypeError, ValueError) as error:
        raise InputError(f"[text_encoder] makes no CLIPTextModel: {error}") from error
    tokenizer.model_max_length = encoder.config.max_position_embeddings
    return tokenizer, encoder


def _base(config: FineFaceConfig) -> Path:
    """The base's folder, complete."""
    variant = get_variant(config.variant)
    place = locate_base(config.base or None, variant)
    if missing := missing_base_files(place):
        lines = "\n".join(f"  {place / name}" for name in missing)
        raise MissingCheckpointError(
            f"The base model is not complete; these files are missing:\n{lines}\n"
            f"  fetch them: fineface download --variant {variant.name}\n  or name a folder that has them: base"
        )
    return place


def _hidden(config: FineFaceConfig, unet: UNet2DConditionModel) -> int:
    width: int = unet.config["cross_attention_dim"]
    return config.hidden or RELEASED_HIDDEN.get(width, width - len(ACTION_UNITS))


@torch.no_grad()
def _go_on(unet: Any, path: Path, config: FineFaceConfig) -> None:
    """Puts a trained LoRA into the adapters, whatever its own alpha was."""
    for name, (down, up) in updates(read_state(path), path).items():
        if len(down) != config.lora_rank:
            raise InputError(f"{path} has the rank {len(down)}; set lora_rank = {len(down)} to go on from it.")
        layer = unet.get_submodule(name)
        layer.lora_A["default"].weight.copy_(down)
        layer.lora_B["default"].weight.copy_(up * len(down) / config.alpha)
