"""UNet hooks: where identity enters a vanilla Stable-Diffusion UNet, and nothing else.

The papers' *ID encoder* is what the wider field calls a ReferenceNet: a twin UNet whose tokens the denoiser attends to.
Twin UNets share module names, so the two are joined by name.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import AttnProcessor2_0
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

Identity = dict[str, tuple[torch.Tensor, torch.Tensor]]
"""Layer name -> (key, value), each (B, heads, N, head_dim); B is 1 or the batch of the UNet call."""


def transformer_blocks(unet: UNet2DConditionModel) -> dict[str, BasicTransformerBlock]:
    """Name -> transformer block, 16 of them at SD 1.5 size, in the order of execution (down, mid, up)."""
    # what torch.compile wraps; its names are those of the twin
    own = cast("Any", getattr(unet, "_orig_mod", unet))
    blocks: dict[str, BasicTransformerBlock] = {
        name: m for name, m in own.named_modules() if isinstance(m, BasicTransformerBlock)
    }
    stage = {"down_blocks": 0, "mid_block": 1, "up_blocks": 2}  # named_modules() lists the mid block last
    return dict(sorted(blocks.items(), key=lambda item: stage[item[0].split(".")[0]]))


@contextmanager
def record_tokens(unet: UNet2DConditionModel) -> Generator[dict[str, torch.Tensor]]:
    """Yields a dict that a forward pass fills with the tokens (B, N, C) entering each transformer block."""
    tokens: dict[str, torch.Tensor] = {}
    owner = threading.get_ident()  # two threads may encode two people with one network

    def store(name: str, module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        if threading.get_ident() == owner:
            tokens[name] = args[0]

    handles = [b.norm1.register_forward_pre_hook(partial(store, name)) for name, b in transformer_blocks(unet).items()]
    try:
        yield tokens
    finally:
        for handle in handles:
            handle.remove()


def split_heads(tokens: torch.Tensor, heads: int) -> torch.Tensor:
    """(B, N, C) -> (B, heads, N, C / heads)."""
    return tokens.unflatten(2, (heads, -1)).transpose(1, 2)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


class IdentityAttnProcessor:
    """Self-attention with queries from x and keys, values from [x; identity].

    Equal to attending over [x; r], r the twin's tokens, and keeping the first N outputs, as the released networks do;
    but the identity's keys and values arrive computed (`identity.project_identity`), and no query is thrown away.
    """

    def __init__(self, layer: str) -> None:
        self.layer = layer

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.layer!r})"

    def __call__(
        self,
        attn: Any,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        temb: torch.Tensor | None = None,
        identity: Identity | None = None,
    ) -> torch.Tensor:
        """Attention of x (B, N, C) over itself and, where given, the identity of this layer; returns (B, N, C)."""
        q, k, v = (split_heads(proj(hidden_states), attn.heads) for proj in (attn.to_q, attn.to_k, attn.to_v))
        if identity is not None:
            k_id, v_id = (t.expand(len(k), -1, -1, -1) for t in identity[self.layer])
            k = torch.cat([k, k_id], dim=2)  # (B, heads, N + N_id, head_dim)
            v = torch.cat([v, v_id], dim=2)
        out = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)  # (B, N, C)
        return attn.to_out[1](attn.to_out[0](out))


class TextAttnProcessor(AttnProcessor2_0):
    """Cross-attention as in diffusers; only knows that `identity` passes by.

    An unknown keyword makes the parent log a warning, and a warning breaks `torch.compile(fullgraph=True)`.
    """

    def __call__(  # noqa: D102
        self, attn: Any, hidden_states: torch.Tensor, *args: Any, identity: Identity | None = None, **kwargs: Any
    ) -> torch.Tensor:
        return super().__call__(attn, hidden_states, *args, **kwargs)  # pyright: ignore[reportUnknownMemberType]


def attend_to_identity(unet: UNet2DConditionModel) -> None:
    """Lets `unet(..., cross_attention_kwargs={"identity": identity})` attend to a recorded identity.

    Without that keyword the UNet computes what it did before. Undo with
    `unet.set_attn_processor(AttnProcessor2_0())`, or by setting back the `unet.attn_processors` taken before.
    """
    self_attention = {f"{name}.attn1.processor": name for name in transformer_blocks(unet)}
    unet.set_attn_processor(
        {  # pyright: ignore[reportArgumentType] - the host's union lists its own classes only
            key: IdentityAttnProcessor(self_attention[key]) if key in self_attention else TextAttnProcessor()
            for key in unet.attn_processors
        }
    )
