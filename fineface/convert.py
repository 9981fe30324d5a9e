"""One safetensors file in diffusers' IP-Adapter form, for use in diffusers without this package.

    pipe.load_ip_adapter(folder, subfolder=None, weight_name="fineface.safetensors", image_encoder_folder=None)
    pipe(prompt, ip_adapter_image_embeds=[torch.tensor([[[0.0] * 12], [aus]])])      # (2, 1, 12): neutral, wanted

Three things about that form differ from the published adapter, and none changes the result beyond rounding:

- The host's projection is a linear layer into four tokens and a layer norm; the published token is not normalised. So
  the linear layer adds a large constant of mean zero in places that the norm's weight then sets to zero: the AUs
  hardly change the variance, and the norm becomes a division by a constant.
- Norm and constant leave no room for a token as wide as the text's (SD 1.5 has one). But the token is affine in the 12
  AUs: it is replaced by [aus | 1 | 0], and the values absorb the encoder: [V_aus + V_hidden W | V_hidden b | 0].
- All four tokens are the same. Over equal keys the softmax is uniform, and the mean of equal values is the value.

A LoRA travels in the same file, under the names that the host gives to FaceID's, and is loaded with it (by peft).
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file

from common.core.errors import CheckpointError
from common.core.files import replace_file
from common.facs.action_units import ACTION_UNITS
from common.weights.state_dict import read_state

from .adapter import AUAdapter
from .checkpoints import in_order, read_adapter, updates
from .variants import Variant, lora_file

TOKENS = 4  # the host's number
CONSTANT = 1024.0
"""Of the zeroed places: the norm is off by |aus|^2 / (2 D CONSTANT^2) or so, 1e-7 at most, as is rounding."""

_LORA_NAMES = {"to_q": "to_q_lora", "to_k": "to_k_lora", "to_v": "to_v_lora", "to_out.0": "to_out_lora"}


def convert(folder: Path, variant: Variant, target: Path) -> Path:
    """Writes the AU adapter of a folder, with its LoRA, for `load_ip_adapter`; returns the .safetensors file.

    FaceID is published in that form already: load both. Raises CheckpointError: the folder's files are missing or
    damaged, or a LoRA that the form has no names for.
    """
    adapter = read_adapter(folder, variant)
    state = {f"image_proj.{key}": value for key, value in image_projection(adapter.projection.width).items()}
    state |= {f"ip_adapter.{key}": value for key, value in attention(adapter).items()}
    if path := lora_file(folder, variant):
        state |= {f"ip_adapter.{key}": value for key, value in lora(adapter, read_state(path), path).items()}
    state = {key: value.contiguous() for key, value in state.items()}
    replace_file(target, partial(save_file, state))
    return target


def image_projection(width: int) -> dict[str, torch.Tensor]:
    """The host's linear layer and norm that take 12 AUs to the four tokens [aus | 1 | 0], each D = `width` wide."""
    units = len(ACTION_UNITS)
    used, spare = units + 2, width - units - 2  # aus, 1, and what keeps the mean at zero
    if spare < 2 or spare % 2:
        expected = "an even width above 15"
        raise CheckpointError("Text tokens are too narrow.", code="shape", expected=expected, actual=width)
    weight, bias = torch.zeros(width, units), torch.zeros(width)
    weight[:units] = torch.eye(units)
    weight[units + 1] = -1.0
    bias[units], bias[units + 1] = 1.0, -1.0
    bias[used::2], bias[used + 1 :: 2] = CONSTANT, -CONSTANT
    norm = torch.zeros(width)
    norm[: units + 1] = CONSTANT * math.sqrt(spare / width)  # the standard deviation that is divided by
    return {
        "proj.weight": weight.repeat(TOKENS, 1),
        "proj.bias": bias.repeat(TOKENS),
        "norm.weight": norm,
        "norm.bias": torch.zeros(width),
    }


def attention(adapter: AUAdapter) -> dict[str, torch.Tensor]:
    """Keys as published, values for the tokens [aus | 1 | 0]; layer j of the cross-attentions is number 2 j + 1."""
    encoder, units = adapter.projection.au_encoder, len(ACTION_UNITS)
    state: dict[str, torch.Tensor] = {}
    for j, (to_k, to_v) in enumerate(zip(adapter.to_k, adapter.to_v)):
        value = to_v.state_dict()["weight"]
        hidden = value[:, units : units + encoder.out_features].double()
        folded = torch.zeros_like(value)
        folded[:, :units] = (value[:, :units] + hidden @ encoder.weight.double()).to(value)
        folded[:, units] = (hidden @ encoder.bias.double()).to(value)
        state |= {f"{2 * j + 1}.to_k_ip.weight": to_k.state_dict()["weight"], f"{2 * j + 1}.to_v_ip.weight": folded}
    return state


def lora(adapter: AUAdapter, state: dict[str, torch.Tensor], path: Path) -> dict[str, torch.Tensor]:
    """The LoRA under the host's names, numbered as all attention layers; its scale is in the weights."""
    names = [name.replace("attn2", kind) for name in in_order(adapter.widths) for kind in ("attn1", "attn2")]
    numbers = {name: i for i, name in enumerate(names)}
    renamed: dict[str, torch.Tensor] = {}
    for layer, (down, up) in updates(state, path).items():
        projection = next((name for name in _LORA_NAMES if layer.endswith(f".{name}")), "")
        number = numbers.get(layer.removesuffix(f".{projection}"))
        if number is None:
            expected = "the attentions' layers alone"
            raise CheckpointError(f"{path} does not fit the form.", code="keys", expected=expected, actual=layer)
        stem = f"{number}.{_LORA_NAMES[projection]}"
        renamed |= {f"{stem}.down.weight": down, f"{stem}.up.weight": up}
    return renamed
