"""What the networks are told of all the pictures of one call: text, action units, faces. Each is computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from common.finite import check_finite

from .checkpoints import Networks
from .options import Options
from .text import embed_prompts


class Conditions:
    """The conditions of N pictures, and the arguments of the stock pipeline for any run of them.

    Args:
        networks: what they are computed with.
        prompts: N texts.
        vectors: N times 12 AU intensities.
        faces: N times embeddings (n, 512), or None for nobody; the same tensor where the person is the same.
        options: how to sample.
    """

    @torch.no_grad()
    def __init__(
        self,
        networks: Networks,
        prompts: Sequence[str],
        vectors: Sequence[Sequence[float]],
        faces: Sequence[torch.Tensor | None],
        options: Options,
    ) -> None:
        self.networks, self.options, self.faces = networks, options, faces
        negative = options.negative_prompt or ""
        embeds = embed_prompts(networks.pipeline, [*prompts, negative] if options.guided else prompts)
        self.prompts = torch.cat([embeds[prompt] for prompt in prompts])  # (N, 77, D)
        self.negative = embeds.get(negative)
        weight = networks.adapter.projection.au_encoder.weight
        aus = torch.tensor([*vectors, [0.0] * weight.shape[1]]).to(weight)  # the last for the unconditional half
        tokens = options.au_scale * networks.adapter.projection(aus)  # (N + 1, 1, D)
        self.branch = networks.adapter(networks.pipeline.unet, tokens)
        taking_part = {"the AU adapter": networks.adapter, "unet": networks.pipeline.unet}
        check_finite([tokens, *self.branch.values()], "The values of the AU branch", taking_part)
        people = {id(face): face for face in faces if face is not None}
        self.face_tokens = {key: _face_tokens(networks, face) for key, face in people.items()}
        self.nobody = None if networks.face_projection is None else _face_tokens(networks, torch.zeros(1, 512))

    def batches(self) -> Iterator[slice]:
        """Runs of rows that may share a call: at most `batch_size`, and one person, as the stock pipeline wants it."""
        start = 0
        for end in range(1, len(self.faces) + 1):
            whole = end - start == self.options.batch_size
            if end == len(self.faces) or whole or self.faces[end] is not self.faces[start]:
                yield slice(start, end)
                start = end

    def face_scale(self, rows: slice) -> float:
        """How strongly the person of these rows counts; 0 where there is none, which skips the arithmetic."""
        return float(self.options.face_scale) if self.faces[rows.start] is not None else 0.0

    def call(self, rows: slice) -> dict[str, Any]:
        """Arguments of the stock pipeline, in its order of halves: unconditional, conditional."""
        prompts, guided = self.prompts[rows], self.options.guided
        neutral = [-1] * len(prompts) if guided else []
        chosen = [*neutral, *range(rows.start, rows.stop)]
        call: dict[str, Any] = {
            "prompt_embeds": prompts,
            "cross_attention_kwargs": {"action_units": {name: t[chosen] for name, t in self.branch.items()}},
            "num_inference_steps": int(self.options.steps),
            "guidance_scale": float(self.options.guidance),
            "output_type": "np",
            "callback_on_step_end": self._check,
        }
        if guided and self.negative is not None:
            call["negative_prompt_embeds"] = self.negative.expand(len(prompts), -1, -1)
        if self.nobody is not None:
            face = self.faces[rows.start]
            halves = self.nobody if face is None else self.face_tokens[id(face)]
            call["ip_adapter_image_embeds"] = [halves if guided else halves[1:]]
        return call

    def finite(self, pixels: np.ndarray) -> list[np.ndarray]:
        """The pictures of a call, (B, H, W, 3); raises a NonFiniteError where they hold NaN or infinity."""
        check_finite(pixels, "The decoded pixels", {"vae": self.networks.pipeline.vae})
        return list(pixels)

    def _check(self, pipeline: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        """Refuses latents with NaN or infinity after a step, before the user's own callback sees them."""
        parts = {"unet": pipeline.unet, "the AU adapter": self.networks.adapter, **pipeline.components}
        check_finite(values["latents"], f"The latents after step {step + 1}", parts)
        own = self.options.callback_on_step_end
        return values if own is None else own(pipeline, step, timestep, values)


def _face_tokens(networks: Networks, embeddings: torch.Tensor) -> torch.Tensor:
    """Embeddings (n, 512) -> tokens (2, n, 16, D): of the unconditional half, which has zeros for faces, and theirs."""
    assert networks.face_projection is not None
    halves = torch.stack([torch.zeros_like(embeddings), embeddings])  # (2, n, 512)
    unet = networks.pipeline.unet
    tokens = networks.face_projection(halves.flatten(0, 1).to(unet.device, unet.dtype))  # (2 n, 16, D)
    check_finite(tokens, "The tokens of the face", {"FaceID's projection": networks.face_projection})
    return tokens.unflatten(0, halves.shape[:2])
