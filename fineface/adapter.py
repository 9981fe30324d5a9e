"""The AU branch of every cross-attention: diffusers' IP-Adapter with one token, reduced to what one token needs.

An IP-Adapter computes to_out(A(q, text) + s A(q, token)). Over a single key the softmax is 1, so A(q, token) is the
token's value, whatever the query and the key; and since to_out is linear, the branch adds s to_out(to_v(token)), less
to_out's bias, to what the attention gives. That does not depend on the timestep: it is computed once per call and
handed to the UNet as a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor2_0, IPAdapterAttnProcessor2_0
from torch import nn

from common.core.errors import ShapeError
from common.facs.action_units import ACTION_UNITS


class AUProjection(nn.Module):
    """The AU encoder (Varanka et al., arXiv 2407.20175): the token is [aus | Linear(aus) | zeros].

    Args:
        hidden: outputs of the linear layer: 64 in the release for SD 2.1, 756 for SD 1.5.
        width: D, of the token and the text's: 1024 for SD 2.1, 768 for SD 1.5; a ShapeError where that is too narrow.
    """

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__()
        if len(ACTION_UNITS) + hidden > width:
            raise ShapeError("AU token", f"at most {width} wide", (len(ACTION_UNITS) + hidden,))
        self.au_encoder = nn.Linear(len(ACTION_UNITS), hidden)
        self.width = width

    def forward(self, aus: torch.Tensor) -> torch.Tensor:
        """Intensities (B, 12) on the scale 0..5 -> tokens (B, 1, D).

        The unconditional half of guidance has the token of a neutral face, twelve zeros, as the release has it; through
        the encoder's bias that token is not itself zero.
        """
        token = torch.cat([aus, self.au_encoder(aus)], 1)
        return F.pad(token, (0, self.width - token.shape[1]))[:, None]


AUBranch = dict[str, torch.Tensor]
"""Cross-attention layer -> what the AU tokens add to its output, (B, 1, C); B is that of the UNet call."""


class AUAdapter(nn.Module):
    """The AU encoder, and a key and a value projection for each cross-attention layer.

    `layers` is cross-attention layer -> C, its width; `hidden` and `width` are those of `AUProjection`. The keys have
    no effect on any result, and are there because the published file has them.
    """

    def __init__(self, layers: Mapping[str, int], hidden: int, width: int) -> None:
        super().__init__()
        self.widths = dict(layers)
        self.projection = AUProjection(hidden, width)
        self.to_k = nn.ModuleList(nn.Linear(width, channels, bias=False) for channels in layers.values())
        self.to_v = nn.ModuleList(nn.Linear(width, channels, bias=False) for channels in layers.values())

    @classmethod
    def from_unet(cls, unet: UNet2DConditionModel, hidden: int) -> AUAdapter:
        """Where training starts: keys and values are copies of the text's, the encoder is random."""
        adapter = cls(cross_attentions(unet), hidden, unet.config["cross_attention_dim"])
        for name, to_k, to_v in zip(adapter.widths, adapter.to_k, adapter.to_v):
            attention: Any = unet.get_submodule(name)
            to_k.load_state_dict({"weight": attention.to_k.weight})
            to_v.load_state_dict({"weight": attention.to_v.weight})
        return adapter

    @torch.no_grad()
    def strengthen(self, factor: float) -> None:
        """Scales the values in place: a scale of 1 then gives what `factor` gave before."""
        for values in self.to_v.parameters():
            values.mul_(factor)

    def forward(self, unet: UNet2DConditionModel, tokens: torch.Tensor) -> AUBranch:
        """What tokens (B, 1, D), of `projection` and scaled, add to every cross-attention of a UNet; zeros add zero.

        The UNet's output projections are used: the branch changes with its weights.
        """
        branch: AUBranch = {}
        for name, to_v in zip(self.widths, self.to_v):
            to_out: Any = unet.get_submodule(name).to_out[0]  # pyright: ignore[reportIndexIssue]
            branch[name] = to_out(to_v(tokens).to(to_out.weight)) - to_out.bias  # (B, 1, C)
        return branch


def cross_attentions(unet: UNet2DConditionModel) -> dict[str, int]:
    """Cross-attention layer -> C, its width, in the order of `unet.attn_processors`: down, up, mid."""
    names = [key.removesuffix(".processor") for key in unet.attn_processors if key.endswith(".attn2.processor")]
    attentions: dict[str, Any] = {name: unet.get_submodule(name) for name in names}
    return {name: attention.to_v.out_features for name, attention in attentions.items()}


class _AddsAUBranch:
    """Attention as in diffusers, plus the AU branch of its layer where the call brings one."""

    layer = ""

    def __call__(
        self, attn: Any, hidden_states: torch.Tensor, *args: Any, action_units: AUBranch | None = None, **kwargs: Any
    ) -> torch.Tensor:
        out = super().__call__(attn, hidden_states, *args, **kwargs)  # type: ignore[misc]  # (B, N, C)
        return out + action_units[self.layer] if action_units and self.layer in action_units else out


class AUAttnProcessor(_AddsAUBranch, AttnProcessor2_0):
    """For plain attention. Self-attention has it too: an unknown keyword would make the host log a warning."""


class AUIPAdapterAttnProcessor(_AddsAUBranch, IPAdapterAttnProcessor2_0):
    """For cross-attention that has an IP-Adapter already, such as FaceID."""


def attend_to_action_units(unet: UNet2DConditionModel) -> None:
    """Lets `unet(..., cross_attention_kwargs={"action_units": branch})` add an AU branch.

    Without that keyword the UNet computes what it did before. Load an IP-Adapter that goes with it first.
    """
    processors: dict[str, Any] = {}
    for key, old in unet.attn_processors.items():
        if isinstance(old, IPAdapterAttnProcessor2_0):
            with torch.device("meta"):
                new: Any = AUIPAdapterAttnProcessor(old.hidden_size, old.cross_attention_dim, old.num_tokens)
            new.scale = old.scale
            new.load_state_dict(old.state_dict(), assign=True)
        else:
            new = AUAttnProcessor()
        new.layer = key.removesuffix(".processor")
        processors[key] = new
    unet.set_attn_processor(processors)
