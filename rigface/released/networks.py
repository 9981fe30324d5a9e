"""Networks out of the files in which their authors publish them: tensors only, no key missing and none left over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from common.errors import CheckpointError, MissingCheckpointError
from common.finite import check_weights
from common.weight_files import SAFE
from common.weights import check_keys, plain_names, read_pickled, read_weights, unwrapped

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
        raise MissingCheckpointError(f"The weights of {what} are not at {path}.\n  get them: {source}")
    state = read_weights(path) if path.suffix == SAFE else _part(unwrapped(read_pickled(path)), part, path, source)
    state = plain_names(state, path)
    with torch.device("meta"):
        network = make()
    check_keys(network.state_dict(), state, str(path))
    network.load_state_dict(state, assign=True)
    check_weights(network, path)
    return network.float().eval().requires_grad_(False).to(device)


def _part(content: dict, part: str | None, path: Path, source: str) -> dict[str, Tensor]:
    state = content if part is None else content.get(part)
    if state is None:
        raise CheckpointError(
            f"{path} holds no {part}.\n  expected: {part} among its parts\n"
            f"  got:      {', '.join(map(str, list(content)[:8]))}\n  get it: {source}"
        )
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(
            f"{path} holds something else than the weights of a network.\n  expected: tensors by their names"
            f"{f' in {part}' if part else ''}\n  delete it and get it again: {source}"
        )
    return state
