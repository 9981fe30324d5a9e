"""Low-rank adapters (Hu et al. 2021) on the attention of networks, through peft, and their merging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..errors import InputError, MissingDependencyError
from .twin import TwinUNet

BASE, DOWN, UP = ".base_layer.", ".lora_A.default.weight", ".lora_B.default.weight"
TRAINED_WHOLE = ("class_embedding.",)


def add_adapter(network: Any, rank: int, alpha: float, targets: Sequence[str]) -> None:
    """Puts adapters beside the layers `targets` of a network, which is frozen; they begin as zero.

    Raises:
        MissingDependencyError: peft is not installed.
        InputError: no layer has such a name.
    """
    if not targets:
        raise InputError('lora_targets must name layers, such as ["to_q", "to_v"]; it is empty.')
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise MissingDependencyError("peft", "lora_rank", 'pip install "face-rig[train]"') from error
    try:
        # peft's annotation has a whole number, its arithmetic takes any
        network.add_adapter(LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(targets)))  # type: ignore[arg-type]
    except ValueError as error:
        raise InputError(f"lora_targets {list(targets)} name no layer that can be adapted: {error}") from error


def add_lora(twin: TwinUNet, rank: int, alpha: float, targets: Sequence[str]) -> None:
    """Puts adapters beside the layers `targets`, and freezes all other weights but the vector's projection.

    The adapters begin as zero, so that the prediction does not change. Where a layer of the ID encoder gets no
    gradient, neither does its adapter.

    Raises:
        MissingDependencyError: peft is not installed.
        InputError: no layer has such a name.
    """
    reached = {name for name, p in twin.named_parameters() if p.requires_grad}
    networks = [twin.unet, twin.id_encoder]
    for network in networks[: 1 + any(name.startswith("id_encoder.") for name in reached)]:
        add_adapter(network, rank, alpha, targets)
    for name, parameter in twin.named_parameters():
        layer, adapter, _ = name.partition(".lora_")
        whole = any(f".{part}" in name for part in TRAINED_WHOLE)
        parameter.requires_grad_(f"{layer}.weight" in reached if adapter else whole and name in reached)


def merged(state: Mapping[str, torch.Tensor], scale: float) -> dict[str, torch.Tensor]:
    """A network's weights without adapters: W + scale B A in place of W, under the names that it had before.

    Args:
        state: a state dict; one without adapters comes back as it is.
        scale: alpha / rank.
    """
    plain: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        if ".lora_" in name:
            continue
        layer = name.partition(BASE)[0]
        if name == f"{layer}{BASE}weight" and layer + UP in state:
            update = state[layer + UP].float().flatten(1) @ state[layer + DOWN].float().flatten(1)
            value = (value.float() + scale * update.view(value.shape)).to(value.dtype)
        plain[name.replace(BASE, ".")] = value
    return plain
