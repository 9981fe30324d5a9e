"""Networks out of the files in which their authors publish them: tensors only, no key missing and none left over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from common.core.errors import MissingCheckpointError
from common.weights.state_dict import fill, read_state

Network = TypeVar("Network", bound=nn.Module)


def load(
    make: Callable[[], Network],
    path: str | Path,
    what: str,
    source: str,
    part: str | None = None,
    device: str | torch.device = "cpu",
) -> Network:
    """Build a network and give it a file's weights.

    Args:
        make: builds the network; called where tensors take no memory.
        path: a file of torch, or the same tensors as `.safetensors`. No code of a pickle is run.
        what: what the errors call the network: "DECA's encoder".
        source: where to get the file.
        part: the name of the network's tensors in a file of several networks; None where it holds but one. A
            `.safetensors` file always holds but one.
        device: where the network runs.

    Returns:
        The network in float32, for evaluation.

    Raises:
        CheckpointError: the file cannot be read, lacks the part, or its keys or shapes are not the network's.
        MissingCheckpointError: there is no such file.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise MissingCheckpointError(f"The weights of {what} are not at {path}.", hint=f"get them: {source}")
    with torch.device("meta"):
        network = make()
    return fill(network, read_state(path, part), path).requires_grad_(False).to(device)
