"""Readers of released weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from common.weights.state_dict import fill, read_state

from .rcn import RCN

Network = TypeVar("Network", bound=nn.Module)

RCN_NAMES = (
    (r"^(rcls\.0|dbl\.0|ebl)\.", "block."),
    (r"^(conv1|stream\d)\.", r"stem.\1."),
    (r"^(fcr?)\.", "classifier."),  # in a later collection of these networks
)
"""Patterns of RCN's released names, and ours."""
RCN_BLOCKS = {"recurrent": "rcls.0.", "dense": "dbl.0.", "embedding": "ebl."}
RCN_UNUSED = "dbl.0.conv3."


def load_released(network: Network, path: Path) -> Network:
    """A network (STSTNet, RCN or the magnifier) with released weights of a `.safetensors` file or a checkpoint of
    torch, whose code is never run, in float32. Raises CheckpointError: the file is damaged, or of another network.
    """
    plain: nn.Module = network
    state = read_state(path)
    if isinstance(plain, RCN):
        state = rcn_names(plain, state)
    fill(plain, state, path)
    return network


def rcn_names(network: RCN, state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Released weights by our names, without the unused parts of the released networks."""
    others = [name for block, name in RCN_BLOCKS.items() if block != network.architecture.block]
    found = {}
    for key, value in state.items():
        if not key.startswith((*others, RCN_UNUSED)):
            for pattern, own in RCN_NAMES:
                key = re.sub(pattern, own, key)
            found[key] = value
    counters = {key: value for key, value in network.state_dict().items() if key.endswith("num_batches_tracked")}
    return {**counters, **found}  # some files lack them, and no output depends on them
