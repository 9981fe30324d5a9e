"""The conditioning of the pictures of one call: text, action units, people. Each is computed once."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline

from common.core.errors import MissingCheckpointError
from common.core.finite import check_finite
from common.editing.editor import StepCallback

from .checkpoints import Networks
from .request import FineFaceResolved

log = logging.getLogger(__name__)


class Conditioning:
    """The conditions of N pictures, and the arguments of the stock pipeline for any run of them.

    `intensities` are N times 12, `people` N times embeddings (n, 512), the same tensor for the same person, or None.
    """

    @torch.no_grad()
    def __init__(
        self,
        networks: Networks,
        prompts: Sequence[str],
        intensities: Sequence[Sequence[float]],
        people: Sequence[torch.Tensor | None],
        options: FineFaceResolved,
        callback: StepCallback | None = None,
    ) -> None:
        self.networks, self.options, self.people, self.callback = networks, options, people, callback
        negative = options.negative_prompt or ""
        embeds = embed_prompts(networks.pipeline, [*prompts, negative] if options.guided else prompts)
        self.prompts = torch.cat([embeds[prompt] for prompt in prompts])  # (N, 77, D)
        self.negative = embeds.get(negative)
        weight = networks.adapter.projection.au_encoder.weight
        aus = torch.tensor([*intensities, [0.0] * weight.shape[1]]).to(weight)  # the last for the unconditional half
        tokens = options.au_scale * networks.adapter.projection(aus)  # (N + 1, 1, D)
        self.branch = networks.adapter(networks.pipeline.unet, tokens)
        taking_part = {"the AU adapter": networks.adapter, "unet": networks.pipeline.unet}
        check_finite([tokens, *self.branch.values()], "The values of the AU branch", taking_part)
        distinct = {id(person): person for person in people if person is not None}
        self.face_tokens = {key: _face_tokens(networks, person) for key, person in distinct.items()}
        self.anyone = None if networks.face_projection is None else _face_tokens(networks, torch.zeros(1, 512))

    def batches(self) -> Iterator[slice]:
        """Runs of rows that may share a call: at most `batch_size`, and one person, as the stock pipeline wants it."""
        start = 0
        for end in range(1, len(self.people) + 1):
            whole = end - start == self.options.batch_size
            if end == len(self.people) or whole or self.people[end] is not self.people[start]:
                yield slice(start, end)
                start = end

    def face_scale(self, rows: slice) -> float:
        """The scale of FaceID for these rows; 0 where there is no person, which skips the arithmetic."""
        return float(self.options.face_scale) if self.people[rows.start] is not None else 0.0

    def call(self, rows: slice) -> dict[str, Any]:
        """Arguments of the stock pipeline, in its order of halves: unconditional, conditional."""
        prompts = self.prompts[rows]
        neutral = [-1] * len(prompts) if self.options.guided else []
        chosen = [*neutral, *range(rows.start, rows.stop)]
        call: dict[str, Any] = {
            "prompt_embeds": prompts,
            "cross_attention_kwargs": {"action_units": {name: t[chosen] for name, t in self.branch.items()}},
            "num_inference_steps": int(self.options.steps),
            "guidance_scale": float(self.options.guidance),
            "output_type": "np",
            "callback_on_step_end": self._check,
        }
        if self.options.guided and self.negative is not None:
            call["negative_prompt_embeds"] = self.negative.expand(len(prompts), -1, -1)
        if self.anyone is not None:
            person = self.people[rows.start]
            halves = self.anyone if person is None else self.face_tokens[id(person)]
            call["ip_adapter_image_embeds"] = [halves if self.options.guided else halves[1:]]
        return call

    def finite(self, pixels: np.ndarray) -> list[np.ndarray]:
        """The pictures of a call, (B, H, W, 3); raises a NonFiniteError where they hold NaN or infinity."""
        check_finite(pixels, "The decoded pixels", {"vae": self.networks.pipeline.vae})
        return list(pixels)

    def _check(self, pipeline: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        """Refuses latents with NaN or infinity after a step, before the caller's own callback sees them."""
        parts = {"unet": pipeline.unet, "the AU adapter": self.networks.adapter, **pipeline.components}
        check_finite(values["latents"], f"The latents after step {step + 1}", parts)
        return values if self.callback is None else self.callback(pipeline, step, timestep, values)


def _face_tokens(networks: Networks, embeddings: torch.Tensor) -> torch.Tensor:
    """Embeddings (n, 512) -> tokens (2, n, 16, D): the unconditional half, with zeros for faces, and theirs."""
    assert networks.face_projection is not None
    halves = torch.stack([torch.zeros_like(embeddings), embeddings])  # (2, n, 512)
    unet = networks.pipeline.unet
    tokens = networks.face_projection(halves.flatten(0, 1).to(unet.device, unet.dtype))  # (2 n, 16, D)
    check_finite(tokens, "The tokens of the face", {"FaceID's projection": networks.face_projection})
    return tokens.unflatten(0, halves.shape[:2])


@torch.no_grad()
def embed_prompts(pipeline: StableDiffusionPipeline, prompts: Sequence[str]) -> Mapping[str, torch.Tensor]:
    """Prompt -> embedding (1, 77, D), one by one, so that it does not depend on the others.

    What exceeds the 77 tokens is cut, and named in a logged warning. Raises MissingCheckpointError: the base has no
    text encoder; NonFiniteError: the text encoder gives NaN or infinity.
    """
    if pipeline.text_encoder is None or pipeline.tokenizer is None:
        hint = "fetch them: fineface download (or name a complete folder: --base FOLDER)"
        raise MissingCheckpointError("The base model's folder lacks text_encoder/ and tokenizer/.", hint=hint)
    tokenizer: Any = pipeline.tokenizer
    encoder: Any = pipeline.text_encoder
    length = tokenizer.model_max_length
    device = pipeline._execution_device
    found: dict[str, torch.Tensor] = {}
    for prompt in dict.fromkeys(prompts):
        whole = tokenizer(prompt).input_ids
        if len(whole) > length:
            cut = tokenizer.decode(whole[length - 1 : -1])
            log.warning("the prompt has %d tokens, of which %d fit; cut: %r", len(whole), length, cut)
        tokens = tokenizer(prompt, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        found[prompt] = encoder(tokens.input_ids.to(device))[0]
        check_finite(found[prompt], "The embedding of the prompt", {"text_encoder": encoder})
    return found
