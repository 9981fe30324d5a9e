"""Pictures and captions to what the loss takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from common.autoencoders import encode
from common.facts import fingerprint


class SampleEncoder:
    """An `Encoder` of samples: "mean" and "std" (B, C, h, w) in the scaled space, "units" (B, 12), and "text".

    Samples that say where the face is give "region" (B, 1, h, w) in [0, 1] too.

    The text is (B, L, D) float16, embedded by the frozen text encoder: half the space where it is kept, and what a
    training in half precision makes of it anyhow. Without one it is (B, L) int64, tokens.

    Args:
        vae: the autoencoder.
        tokenizer: of captions; what does not fit is cut.
        text_encoder: a frozen one, or None.
    """

    def __init__(self, vae: Any, tokenizer: Any, text_encoder: Any = None) -> None:
        self.vae, self.tokenizer, self.text_encoder = vae, tokenizer, text_encoder
        self.networks: tuple[nn.Module, ...] = (vae,) if text_encoder is None else (vae, text_encoder)

    @torch.no_grad()
    def __call__(self, batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Encode a batch of samples."""
        weight = next(self.vae.parameters())
        mean, std = encode(self.vae, 2 * batch["image"].to(weight.device, weight.dtype) - 1)
        scale = float(self.vae.config.scaling_factor)
        text = self.texts(batch["caption"])
        found = {"mean": scale * mean.float(), "std": scale * std.float(), "units": batch["units"], "text": text}
        if "face" in batch:
            found["region"] = F.adaptive_avg_pool2d(batch["face"], (mean.shape[-2], mean.shape[-1]))
        return found

    @torch.no_grad()
    def texts(self, captions: Sequence[str]) -> torch.Tensor:
        """The "text" of B captions."""
        tokens = self.tokenizer(
            list(captions), padding="max_length", max_length=self.tokenizer.model_max_length, truncation=True,
            return_tensors="pt",
        ).input_ids  # fmt: skip
        if self.text_encoder is None:
            return tokens
        return self.text_encoder(tokens.to(self.text_encoder.device))[0].half()

    def facts(self) -> dict[str, Any]:
        """What the tensors depend on."""
        words = json.dumps([sorted(self.tokenizer.get_vocab().items()), self.tokenizer.model_max_length])
        return {
            "vae": fingerprint(self.vae),
            "scale": float(self.vae.config.scaling_factor),
            "tokenizer": hashlib.sha256(words.encode()).hexdigest()[:16],
            "text_encoder": None if self.text_encoder is None else fingerprint(self.text_encoder),
        }
