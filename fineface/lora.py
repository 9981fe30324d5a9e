"""The release's LoRA (Hu et al. 2021) on the attention projections, merged into the base's weights.

Merged, it costs nothing in a step, and peft need not be installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from common.core.errors import CheckpointError
from common.core.finite import check_weights

PREFIX, DOWN, UP, ALPHA = "unet.", ".lora_A.weight", ".lora_B.weight", ".alpha"

# The release was trained with peft's default, and its file does not say so. What loads it with an alpha equal to the
# rank, as diffusers does for files that are silent, makes the update four times too strong at rank 32.
RELEASED_ALPHA = 8.0


def updates(lora: Mapping[str, torch.Tensor], path: Path) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Layer of the UNet -> (down (r, in), up (out, r)), whose product up @ down is the update as trained.

    Keys are `unet.<layer>.lora_A.weight` and `unet.<layer>.lora_B.weight`, as peft saves them, and `unet.<layer>.alpha`
    where it is not the release's. Raises CheckpointError: keys of another kind, or half a layer.
    """
    found: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for name in sorted({key.removesuffix(DOWN).removesuffix(UP).removesuffix(ALPHA) for key in lora}):
        down, up = lora.get(name + DOWN), lora.get(name + UP)
        if down is None or up is None or not name.startswith(PREFIX):
            raise CheckpointError(
                f"{path} is no LoRA of a UNet's attention: {name!r}.\n"
                f"  expected: pairs of {PREFIX}<layer>{DOWN} and {PREFIX}<layer>{UP}"
            )
        if down.ndim != 2 or up.ndim != 2 or up.shape[1] != len(down) or not len(down):
            raise CheckpointError(
                f"{path} is no LoRA: of {name!r}, {tuple(up.shape)} @ {tuple(down.shape)} is no update."
            )
        alpha = float(lora[name + ALPHA].mean() if name + ALPHA in lora else RELEASED_ALPHA)
        found[name.removeprefix(PREFIX)] = down.float(), up.float() * (alpha / len(down))
    return found


@torch.no_grad()
def merge_lora(unet: UNet2DConditionModel, lora: Mapping[str, torch.Tensor], scale: float, path: Path) -> None:
    """W + scale * up @ down in place of W, for every layer of the LoRA; a scale of 0 leaves the base as it is.

    The UNet is changed in place; `lora` is that of `updates`. Raises CheckpointError: see `updates`; or layers that
    this base does not have, or has in another size.
    """
    check_weights(lora, path)
    weights = dict(unet.named_parameters())
    for name, (down, up) in updates(lora, path).items():
        weight = weights.get(f"{name}.weight")
        if weight is None or tuple(weight.shape) != (len(up), down.shape[1]):
            here = "does not have it" if weight is None else f"has {tuple(weight.shape)}"
            raise CheckpointError(
                f"The LoRA {path} does not fit the base: its {name} is {(len(up), down.shape[1])}, the base {here}."
            )
        if scale:
            update = up.to(weight.device) @ down.to(weight.device)
            weight.copy_((weight.float() + scale * update).to(weight.dtype))
