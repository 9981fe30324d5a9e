"""The one constant prompt of the released networks: embedded once, stored, and its text encoder forgotten."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file

from ..core.errors import CheckpointError
from ..core.files import replace_file
from ..core.finite import check_weights
from ..core.notices import loading
from .config_guard import read_architecture
from .state_dict import building, read_network, read_weights

if TYPE_CHECKING:
    from transformers import CLIPTextModel, CLIPTokenizer

PROMPT = "A close up of a person."
PROMPT_FILE = "prompt_embeds.safetensors"
TEXT_WEIGHTS = "model.safetensors"
"""What transformers calls the weights of a text encoder."""


def prompt_embeds(places: list[Path]) -> torch.Tensor | None:
    """The embedding (1, 77, D): read where it is stored, else computed and stored in the first of `places`.

    None where neither the embedding nor a text encoder with its tokenizer is at hand.
    """
    for place in places:
        if (place / PROMPT_FILE).is_file():
            with building(place / PROMPT_FILE):
                embeds = read_weights(place / PROMPT_FILE)["prompt_embeds"]
                check_weights({"prompt_embeds": embeds}, place / PROMPT_FILE)
                return embeds
    for place in places:
        if (place / "text_encoder").is_dir() and (place / "tokenizer").is_dir():
            with building(f"{place}/text_encoder and tokenizer"):
                embeds = {"prompt_embeds": embed_prompt(place / "text_encoder", place / "tokenizer")}
            with contextlib.suppress(OSError):  # a read-only checkpoint: the next start computes it again
                replace_file(places[0] / PROMPT_FILE, partial(save_file, embeds))
            return embeds["prompt_embeds"]
    return None


def embed_prompt(text_encoder: Path, tokenizer: Path, prompt: str = PROMPT) -> torch.Tensor:
    """The embedding (1, 77, D) of a prompt padded to 77 tokens, float32."""
    words, model = load_text(text_encoder, tokenizer)
    tokens = words(prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt")
    with torch.no_grad():
        return model(tokens.input_ids)[0].float()


def load_text(
    text_encoder: Path, tokenizer: Path, *, dtype: torch.dtype = torch.float32
) -> tuple[CLIPTokenizer, CLIPTextModel]:
    """A CLIPTokenizer and a CLIPTextModel from their folders; the weights as `weights.read_network` finds them. Raises
    CheckpointError: damaged, of another kind, lacking weights, or with what would load more than these folders.
    """
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    read_architecture(text_encoder / "config.json")
    if (adapter := text_encoder / "adapter_config.json").exists():
        raise CheckpointError.refused(adapter, "it would have another model loaded; take it away")
    state, path = read_network(text_encoder, dtype, expected=TEXT_WEIGHTS)
    with building(f"{text_encoder} and {tokenizer.name}"), loading():
        words = CLIPTokenizer.from_pretrained(tokenizer, local_files_only=True)
        config = CLIPTextConfig.from_pretrained(text_encoder, local_files_only=True)
        loaded: Any = CLIPTextModel.from_pretrained(
            None, config=config, state_dict=state, dtype=dtype, output_loading_info=True
        )
    model, report = loaded
    if missing := sorted(report["missing_keys"]) + [str(key) for key, *_ in report["mismatched_keys"]]:
        raise CheckpointError(
            f"The weights of {path} do not fit the text encoder; missing or reshaped: {', '.join(missing[:8])}.",
            code="keys",
        )
    check_weights(model, path)
    return words, model
