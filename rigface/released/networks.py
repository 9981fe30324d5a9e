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

    `make` is called where tensors take no memory. The file is one of torch, no code of whose pickle is run, or the same
    tensors as `.safetensors`. `part` names the network's tensors in a file of several networks; None where it holds but
    one, as a `.safetensors` file always does. `what` and `source`, where to get the file, are for errors.

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
