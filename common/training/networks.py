"""Networks before the first step: built from a config's tables, initialised from other weights, with low-rank
adapters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from torch import nn

from ..core.errors import InputError, MissingDependencyError
from ..weights.vae import load_vae
from .command import check_known

BASE = ".base_layer."
DOWN = ".lora_A.default.weight"
UP = ".lora_B.default.weight"


def built(network: Any, table: str, options: Mapping[str, Any]) -> Any:
    """A diffusers network with random weights.

    `table` is the config's name for the options, for messages. Raises InputError: an unknown option (the message names
    the nearest), or options that make no network.
    """
    known = network._get_init_keys(network) - {"self"}
    for key in options:
        check_known(key, known, f"[{table}]")
    try:
        return network(**options)
    except (TypeError, ValueError) as error:
        raise InputError(f"[{table}] does not make a {network.__name__}: {error}", code="conflict") from error


def autoencoder(vae: str, table: Mapping[str, Any]) -> Any:
    """The autoencoder of a config: that of the folder `vae`, or one with random weights from [autoencoder]."""
    return load_vae(Path(vae).expanduser()) if vae else built(AutoencoderKL, "autoencoder", table)


def begin_with(network: nn.Module, other: nn.Module) -> None:
    """Copies the weights of another network that have the same name and shape.

    Where only the inputs are more here (the second dimension), the first ones are copied, and the others are zero: the
    network begins by not seeing them.
    """
    own = network.state_dict()
    for key, value in other.state_dict().items():
        if key not in own:
            continue
        shape = own[key].shape
        alike = value.ndim == len(shape) and value.shape[:1] + value.shape[2:] == shape[:1] + shape[2:]
        if value.shape == shape:
            own[key] = value
        elif alike and value.shape[1] < shape[1]:
            own[key] = own[key].new_zeros(shape)
            own[key][:, : value.shape[1]] = value
    network.load_state_dict(own)


def add_adapter(network: Any, rank: int, alpha: float, targets: Sequence[str]) -> None:
    """Puts low-rank adapters (Hu et al. 2021) beside the layers `targets` of a network, which is frozen.

    The adapters begin as zero. Raises MissingDependencyError: peft is not installed; InputError: no layer has such a
    name.
    """
    if not targets:
        raise InputError("lora_targets is empty.", code="empty", expected='names of layers, such as ["to_q", "to_v"]')
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise MissingDependencyError("peft", "lora_rank", 'pip install "face-rig[train]"') from error
    try:
        # peft's annotation has a whole number, its arithmetic takes any
        network.add_adapter(LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(targets)))  # type: ignore[arg-type]
    except ValueError as error:
        raise InputError(
            f"lora_targets {list(targets)} name no layer that can be adapted: {error}", code="unknown"
        ) from error


def merged(state: Mapping[str, torch.Tensor], scale: float) -> dict[str, torch.Tensor]:
    """A network's weights without adapters: W + scale B A in place of W, under the names that it had before.

    A state dict without adapters comes back as it is; `scale` is alpha / rank.
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


def part(state: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors of a part of a module, under the names that they have in it."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
