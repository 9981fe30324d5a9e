"""TextToFace, the module that a training wraps, and the networks before the first step, tokenizer included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from diffusers import UNet2DConditionModel, UniPCMultistepScheduler
from torch import nn

from common.core.errors import InputError, MissingCheckpointError
from common.core.files import model_folder
from common.core.finite import check_weights
from common.facs.action_units import ACTION_UNITS
from common.training.command import check_known
from common.training.networks import add_adapter, autoencoder, begin_with, built
from common.weights.config_guard import read_architecture
from common.weights.state_dict import building, read_state
from common.weights.text_encoder import load_text
from common.weights.unet import SD15_SCHEDULER, load_unet
from common.weights.vae import scale_factor

from .adapter import AUAdapter, attend_to_action_units
from .checkpoints import check_fit, load_pipeline, read_adapter, updates
from .variants import WHOLE, check_complete, get_variant, locate_base, lora_file

if TYPE_CHECKING:
    from .train import FineFaceConfig

RELEASED_HIDDEN = {1024: 64}
"""Width of the text's tokens -> outputs of the AU encoder; 1.5's, 756, are all that there is room for."""
END = "</w>"
SPECIAL = ("<|startoftext|>", "<|endoftext|>")


class TextToFace(nn.Module):
    """From noisy latents, intensities and a text to a prediction, as the editor calls its networks.

    The adapter's encoder and values are trained; its keys have no effect on any result, and stay as they were. The UNet
    is frozen except its LoRA, which it has already, unless `whole`. Without a text encoder texts come as embeddings;
    `train_text` trains it.
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
        """The UNet's prediction (B, C, h, w), the noise or v.

        `noisy` are (B, C, h, w) in the scaled space of the VAE, `timesteps` (B,) int64, `units` (B, 12) intensities, or
        None for no AU branch, and `text` (B, L, D) embeddings, or with a text encoder (B, L) int64 tokens.
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
class InitialNetworks:
    """The networks before the first step, and the scheduler of the result.

    `frozen_text` is a text encoder outside the module that stays as it is; None where the module has it.
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
    """Side of the pictures in pixels: the config's, or what its base was made for."""
    if config.size:
        return config.size
    base = config.place(config.model) if config.model else _base(config)
    unet, vae = (read_architecture(base / network / "config.json") for network in ("unet", "vae"))
    with building(base):
        levels = vae.get("block_out_channels") or vae["decoder_block_out_channels"]  # of AutoencoderDC
        return int(unet["sample_size"]) * 2 ** (len(levels) - 1)


def initial_networks(config: FineFaceConfig, size: int, captions: Sequence[str]) -> InitialNetworks:
    """The networks that a config names, for pictures of `size` pixels; a new tokenizer has the words of `captions`.

    Raises InputError: options that make no networks, or not for this base; MissingCheckpointError: the base is not on
    this machine; CheckpointError: a file is damaged, or does not fit.
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
        raise InputError(f"size must divide by {factor}.", code="range", actual=size)
    return found


def adapted(config: FineFaceConfig) -> InitialNetworks:
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
    return InitialNetworks(module, pipeline.vae, pipeline.tokenizer, pipeline.scheduler, pipeline.text_encoder)


def continued(config: FineFaceConfig) -> InitialNetworks:
    """A whole model, trained on; its text encoder stays as it is."""
    folder = config.place(config.model)
    pipeline = load_pipeline(folder, load_unet(folder / "unet"), torch.float32)
    unet: Any = pipeline.unet
    adapter = _adapter(config, unet, folder, folder).requires_grad_(True)
    module = TextToFace(unet, adapter, pipeline.text_encoder, whole=True)
    options = dict(pipeline.scheduler.config)
    options.pop("_use_default_values", None)
    scheduler = UniPCMultistepScheduler.from_config(options)
    return InitialNetworks(module, pipeline.vae, pipeline.tokenizer, scheduler)


def whole(config: FineFaceConfig, captions: Sequence[str]) -> InitialNetworks:
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
    return InitialNetworks(module, vae, tokenizer, UniPCMultistepScheduler(**sampling))


def _base(config: FineFaceConfig) -> Path:
    variant = get_variant(config.variant)
    place = locate_base(config.base or None, variant)
    check_complete(None, place, variant)
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
            hint = f"set lora_rank = {len(down)}"
            raise InputError(f"{path} has another rank.", code="conflict", expected=len(down), hint=hint)
        layer = unet.get_submodule(name)
        layer.lora_A["default"].weight.copy_(down)
        layer.lora_B["default"].weight.copy_(up * len(down) / config.alpha)


# --- the text encoder of a whole model --------------------------------------------------------------------------------


def taught(folder: Path) -> tuple[Any, Any]:
    """The tokenizer and the text encoder that `fineface.teach` wrote."""
    folder = folder.expanduser()
    if not (folder / "text_encoder").is_dir() or not (folder / "tokenizer").is_dir():
        hint = "make them: python -m fineface.teach CONFIG"
        raise MissingCheckpointError(f"{folder} lacks text_encoder/ or tokenizer/.", hint=hint)
    return load_text(folder / "text_encoder", folder / "tokenizer")


def text_networks(config: FineFaceConfig, captions: Sequence[str]) -> tuple[Any, Any]:
    """A tokenizer of the captions' words, and a random text encoder with as many positions as tokens fit."""
    from transformers import CLIPTextConfig, CLIPTextModel

    known = CLIPTextConfig().to_dict()
    for key in config.text_encoder:
        check_known(key, known, "[text_encoder]")
    tokenizer = tokenizer_of(captions, config.text_encoder.get("vocab_size", known["vocab_size"]))
    options = {**config.text_encoder, "vocab_size": len(tokenizer)}
    options |= {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    try:
        encoder = CLIPTextModel(CLIPTextConfig(**options))
    except (TypeError, ValueError) as error:
        raise InputError(f"[text_encoder] makes no CLIPTextModel: {error}", code="conflict") from error
    tokenizer.model_max_length = encoder.config.max_position_embeddings
    return tokenizer, encoder


def tokenizer_of(captions: Iterable[str], most: int) -> Any:
    """A `CLIPTokenizer` of at most `most` tokens: letters, and words of the captions, the frequent ones first.

    The same captions give the same tokenizer in every process, which a trainer of byte pairs does not promise. Raises
    InputError: the letters alone are more.
    """
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    backend = CLIPTokenizer().backend_tokenizer
    counts: Counter[str] = Counter()
    for text in captions:
        words = backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(text))
        counts.update(word for word, _ in words)
    letters = sorted(ByteLevel.alphabet())
    tokens = [*letters, *(letter + END for letter in letters)]
    room = most - len(tokens) - len(SPECIAL)
    if room < 0:
        expected = f"at least {most - room}, for the letters"
        raise InputError("[text_encoder] vocab_size is too small.", code="range", expected=expected, actual=most)
    merges = merges_of(sorted(counts, key=lambda word: (-counts[word], word)), room)
    tokens = list(dict.fromkeys([*tokens, *map("".join, merges), *SPECIAL]))
    return CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=merges)  # type: ignore[arg-type]


def merges_of(words: Iterable[str], most: int) -> list[tuple[str, str]]:
    """At most `most` merges of byte pairs, in order, that make each word one piece, the first words first.

    A merge acts after those before it, so that what is added for a word changes nothing for the words before.
    """
    rank: dict[tuple[str, str], int] = {}
    for word in words:
        while len(pieces := split(word, rank)) > 1 and len(rank) < most:
            rank[pieces[0], pieces[1]] = len(rank)
    return list(rank)


def split(word: str, rank: dict[tuple[str, str], int]) -> list[str]:
    """The pieces of a word: the pair of the lowest rank is merged, again and again."""
    pieces = [*word[:-1], word[-1] + END]
    while known := [pair for pair in pairwise(pieces) if pair in rank]:
        pair, joined = min(known, key=rank.__getitem__), []
        for piece in pieces:
            if joined and (joined[-1], piece) == pair:
                joined[-1] += piece
            else:
                joined.append(piece)
        pieces = joined
    return pieces
