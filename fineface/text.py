"""Prompts -> the embeddings that cross-attention sees, each distinct prompt once."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import torch
from diffusers import StableDiffusionPipeline

from common.errors import InputError, MissingCheckpointError
from common.finite import check_finite

log = logging.getLogger(__name__)


def check_prompt(name: str, prompt: Any) -> str:
    """The prompt as it came; raises an InputError where it is no text."""
    if not isinstance(prompt, str):
        raise InputError(f"{name} must be a text; got {type(prompt).__name__}.")
    return prompt


@torch.no_grad()
def embed_prompts(pipeline: StableDiffusionPipeline, prompts: Iterable[str]) -> dict[str, torch.Tensor]:
    """Prompt -> embedding (1, 77, D). What does not fit into the 77 tokens is cut, and named in a logged warning.

    Prompts are embedded one by one, so that a prompt's embedding does not depend on its company.

    Raises:
        MissingCheckpointError: the base came without a text encoder.
        NonFiniteError: the text encoder makes NaN or infinity.
    """
    if pipeline.text_encoder is None or pipeline.tokenizer is None:
        raise MissingCheckpointError(
            "The base model's folder has no text_encoder/ and tokenizer/, which read the prompt.\n"
            "  fetch them: fineface download (or name a complete folder: --base FOLDER)"
        )
    return {prompt: _embed(pipeline, prompt) for prompt in dict.fromkeys(prompts)}


def _embed(pipeline: StableDiffusionPipeline, prompt: str) -> torch.Tensor:
    tokenizer: Any = pipeline.tokenizer
    encoder: Any = pipeline.text_encoder
    length = tokenizer.model_max_length
    whole = tokenizer(prompt).input_ids
    if len(whole) > length:
        cut = tokenizer.decode(whole[length - 1 : -1])
        log.warning("the prompt has %d tokens, of which %d fit; cut: %r", len(whole), length, cut)
    tokens = tokenizer(prompt, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
    mask = tokens.attention_mask if getattr(encoder.config, "use_attention_mask", False) else None
    device = pipeline._execution_device
    embedding = encoder(tokens.input_ids.to(device), attention_mask=None if mask is None else mask.to(device))[0]
    check_finite(embedding, "The embedding of the prompt", {"text_encoder": encoder})
    return embedding
