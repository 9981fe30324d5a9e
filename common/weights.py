"""Weights from files: tensors only, nothing missing and nothing left over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file

from .errors import CheckpointError, FaceEditError
from .finite import check_weights
from .texts import check_regular, parse_json, read_text

Module = TypeVar("Module", bound=torch.nn.Module)


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, mapped rather than copied.

    Raises:
        CheckpointError: the file is damaged, for instance by a broken download.
    """
    try:
        check_regular(path)
        return load_file(path)
    except Exception as error:  # a damaged header makes safetensors and torch fail in many ways
        raise CheckpointError(f"Cannot read {path}: {error}.\n  delete it and fetch it again") from error


def read_pickled(path: Path) -> dict[str, Any]:
    """What a `.ckpt` or `.bin` file of torch holds, tensors and plain values only: no code of a pickle is run.

    Raises:
        CheckpointError: the file is damaged, or holds more than that.
    """
    try:
        check_regular(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files fail in many ways; pickles that would run code are refused
        raise CheckpointError(f"Cannot read {path}: {error}\n  delete it and fetch it again") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} must hold a dict of tensors; it holds a {type(content).__name__}.")
    _check_stored(content, path)
    return content


def _check_stored(content: Mapping[str, Any], path: Path) -> None:
    """Raises a CheckpointError for a tensor larger than what is stored of it: a pickle can repeat one number."""
    for key, value in content.items():
        if isinstance(value, dict):
            _check_stored(value, path)
        elif (
            isinstance(value, torch.Tensor) and value.numel() * value.element_size() > value.untyped_storage().nbytes()
        ):
            raise CheckpointError(f"{path} is refused: {key} is {tuple(value.shape)}, of which it stores a part alone.")


@contextmanager
def building(what: object) -> Iterator[None]:
    """Turns whatever the libraries raise while they read or build `what` into a CheckpointError that names it."""
    try:
        yield
    except FaceEditError:
        raise
    except Exception as error:  # damaged files and configs fail in many ways
        reason = f"{type(error).__name__}: {str(error)[:300]}"
        raise CheckpointError(
            f"Cannot build the model from {what}: {reason}\n  delete it and fetch it again"
        ) from error


def read_config(path: Path, cure: str = "delete it and fetch it again") -> dict[str, Any]:
    """A config.json as a dict.

    Args:
        path: of the file.
        cure: what to do where it is damaged, words that follow the message.

    Raises:
        CheckpointError: damaged, or not a JSON object.
    """
    try:
        config = parse_json(read_text(path))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"Cannot read {path}: {error}.\n  {cure}") from error
    if not isinstance(config, dict):
        raise CheckpointError(f"{path} must hold a JSON object; it holds a {type(config).__name__}.\n  {cure}")
    return config


def frozen(network: Module, path: Path) -> Module:
    """The network with the weights of a file, stored in whatever precision, as float32 that learns nothing.

    Raises:
        CheckpointError: the file is damaged, or is of another network.
    """
    state = read_weights(path)
    check_keys(network.state_dict(), state, str(path))
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    check_weights(network, path)
    return network.eval().requires_grad_(False)


def check_keys(expected: Mapping[str, torch.Tensor], got: Mapping[str, torch.Tensor], what: str) -> None:
    """Raises a CheckpointError that names what is missing, what is too much, and what has another shape."""
    if odd := [key for key, value in got.items() if not isinstance(key, str) or not isinstance(value, torch.Tensor)]:
        raise CheckpointError(f"{what} must hold tensors by their names; {str(odd[0])[:80]!r} is none.")
    missing, unexpected = sorted(expected.keys() - got.keys()), sorted(got.keys() - expected.keys())
    reshaped = [
        f"{key}: expected {tuple(expected[key].shape)}, got {tuple(got[key].shape)}"
        for key in sorted(expected.keys() & got.keys())
        if expected[key].shape != got[key].shape
    ]
    parts = (("missing", missing), ("unexpected", unexpected), ("of another shape", reshaped))
    found = [f"  {len(keys)} {title}: {'; '.join(keys[:8])}{' ...' * (len(keys) > 8)}" for title, keys in parts if keys]
    if found:
        raise CheckpointError("\n".join([f"The weights of {what} do not fit the network:", *found]))


def own_copy(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A weight in the network's dtype, free of the file it was mapped from, so that no second copy stays resident.

    Convolutions in half precision are laid out channels-last, which is faster. Not those in float32: torch's
    channels-last group norm on the CPU is less exact, and moved golden latents by 1e-2.
    """
    channels_last = tensor.ndim == 4 and dtype != torch.float32
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return torch.empty(tensor.shape, dtype=dtype, memory_format=layout).copy_(tensor)
