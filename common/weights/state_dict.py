"""Weights from files: tensors only, nothing missing and nothing left over."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file

from ..core.errors import CheckpointError, FaceEditError, MissingCheckpointError
from ..core.finite import check_weights
from ..core.jsonio import check_regular
from .files import SAFE, WEIGHTS, find_weights, whats_there

_WRAPPERS = ("state_dict", "model_state_dict", "model")
_LFS = b"version https://git-lfs"
Module = TypeVar("Module", bound=torch.nn.Module)


def read_network(
    folder: Path, dtype: torch.dtype = torch.float32, *, expected: str = WEIGHTS
) -> tuple[dict[str, torch.Tensor], Path]:
    """The weights of a network's folder, whole or in shards (`common.weights.files`), and where they were found.

    The `dtype` that it will run in chooses among precisions; the tensors come as they are stored. `expected` is asked
    for where there is nothing. Raises MissingCheckpointError: no weights, or not all shards; the message says what is
    there; CheckpointError: damaged files, or a tensor that two shards hold.
    """
    found = find_weights(folder, dtype=str(dtype).removeprefix("torch."))
    if found is None:
        raise MissingCheckpointError(
            f"There are no weights in {folder}.",
            expected=f"{expected} (or .bin, .fp16, shards with an index)",
            actual=whats_there(folder),
        )
    where = found.shards()
    state: dict[str, torch.Tensor] = {}
    for file in found.files():
        part = read_weights(file) if file.suffix == SAFE else _unwrapped(read_pickled(file))
        if twice := state.keys() & part.keys():
            raise CheckpointError(f"{found.path} is refused: two of its shards hold {min(twice)}.", code="keys")
        if lacking := [key for key, name in where.items() if name == file.name and key not in part]:
            raise CheckpointError(
                f"{file} lacks {lacking[0]}, which {found.path.name} says it holds; fetch it again.", code="keys"
            )
        state |= part
    return _plain_names(state, found.path), found.path


def read_state(path: Path, part: str | None = None) -> dict[str, torch.Tensor]:
    """The tensors of one file by the network's own names: safetensors, or a file of torch.

    What trainers wrap around them is taken off: `state_dict` of Lightning, `module.` of data parallelism, `_orig_mod.`
    of compiling.

    `part` is the network to take from a file of torch that holds several by name; safetensors hold one. Raises
    CheckpointError: damaged, without the part, or not of tensors alone; no code of a pickle is run.
    """
    if path.suffix == SAFE:
        return _plain_names(read_weights(path), path)
    state: Any = _unwrapped(read_pickled(path))
    if part is not None:
        if not isinstance(state.get(part), dict):
            raise CheckpointError(
                f"{path} lacks {part}.",
                code="keys",
                expected=f"the weights of {part}",
                actual=", ".join(sorted(map(str, state))[:8]),
            )
        state = state[part]
    return _plain_names(state, path)


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, mapped rather than copied. Raises CheckpointError: the file is damaged, for
    instance by a broken download.
    """
    try:
        check_regular(path)
        return load_file(path)
    except Exception as error:  # a damaged header makes safetensors and torch fail in many ways
        raise _unreadable(path, error) from error


def read_pickled(path: Path) -> dict[str, Any]:
    """What a `.ckpt` or `.bin` file of torch holds, tensors and plain values only: no code of a pickle is run. Raises
    CheckpointError: damaged (code "unreadable"), or it holds more than that ("refused").
    """
    try:
        check_regular(path)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if sum(record.file_size for record in archive.infolist()) > path.stat().st_size:
                    raise ValueError("its records are compressed, which torch never does")
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if named := re.search(r"GLOBAL `?([\w.]+)", str(error)):
            raise CheckpointError(
                f"Cannot read {path}: it is a pickle that needs code to be run ({named[1]}), which is refused.",
                code="refused",
                actual=named[1],
                hint="get the weights as .safetensors, or as a file of torch that holds tensors alone",
            ) from error
        raise _unreadable(path, error) from error
    except Exception as error:  # damaged files fail in many ways
        raise _unreadable(path, error) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} must hold a dict of tensors; it holds a {type(content).__name__}.", code="keys")
    _check_stored(content, path)
    return content


def _unwrapped(content: dict[str, Any]) -> dict[str, Any]:
    """The `state_dict` in what a trainer saved next to its own state, else the content itself."""
    inner = [content[key] for key in _WRAPPERS if isinstance(content.get(key), dict)]
    return inner[0] if inner and not any(isinstance(value, torch.Tensor) for value in content.values()) else content


def _plain_names(state: dict[str, Any], path: Path) -> dict[str, Any]:
    """Keys without what data parallelism puts before all of them, and compiling before those of some modules."""
    names = {key: ".".join(part for part in str(key).split(".") if part != "_orig_mod") for key in state}
    while names and all(name.startswith("module.") for name in names.values()):
        names = {key: name.removeprefix("module.") for key, name in names.items()}
    if len(set(names.values())) < len(names):
        raise CheckpointError(f"{path} is refused: it holds some weights twice, compiled and plain.", code="keys")
    return {names[key] if isinstance(key, str) else key: value for key, value in state.items()}


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    """The error for a damaged file; a Git LFS pointer in its place is named as that."""
    with suppress(OSError), open(path, "rb") as file:
        if path.is_file() and file.read(len(_LFS)) == _LFS:
            return CheckpointError(
                f"{path} is a Git LFS pointer, not the weights.", code="unreadable", hint="fetch them: git lfs pull"
            )
    return CheckpointError.unreadable(path, error)


def _check_stored(content: Mapping[str, Any], path: Path) -> None:
    """Raises a CheckpointError for a tensor larger than what is stored of it: a pickle can repeat one number."""
    for key, value in content.items():
        if isinstance(value, dict):
            _check_stored(value, path)
        elif isinstance(value, torch.Tensor) and value.nbytes > value.untyped_storage().nbytes():
            raise CheckpointError.refused(path, f"{key} is {tuple(value.shape)}, of which it stores a part alone")


@contextmanager
def building(what: object) -> Iterator[None]:
    """Turns whatever the libraries raise while they read or build `what` into a CheckpointError that names it."""
    try:
        yield
    except FaceEditError:
        raise
    except Exception as error:  # damaged files and configs fail in many ways
        raise CheckpointError(
            f"Cannot build the model from {what}: {type(error).__name__}: {str(error)[:300]}",
            code="unreadable",
            hint="delete it and fetch it again",
        ) from error


def fill(
    network: Module, state: Mapping[str, torch.Tensor], what: object, dtype: torch.dtype = torch.float32
) -> Module:
    """The network, made on any device, with these weights in `dtype`, all finite and free of their file; to evaluate.

    `what` is their file or folder, for errors. Raises CheckpointError: keys missing or left over, other shapes (code
    "keys"), NaN or infinity ("values").
    """
    check_keys(network.state_dict(), state, str(what))
    network.load_state_dict({key: own_copy(value, dtype) for key, value in state.items()}, assign=True)
    check_weights(network, what)
    return network.eval()


def frozen(network: Module, path: Path) -> Module:
    """The network with the weights of a file, stored in whatever precision, as float32 that learns nothing. Raises
    CheckpointError: the file is damaged, or is of another network.
    """
    return fill(network, read_state(path), path).requires_grad_(False)


def check_keys(expected: Mapping[str, torch.Tensor], got: Mapping[str, torch.Tensor], what: str) -> None:
    """Raises a CheckpointError that names what is missing, what is too much, and what has another shape."""
    if odd := [key for key, value in got.items() if not isinstance(key, str) or not isinstance(value, torch.Tensor)]:
        raise CheckpointError(f"{what} must hold tensors by their names; {str(odd[0])[:80]!r} is not one.", code="keys")
    missing, unexpected = sorted(expected.keys() - got.keys()), sorted(got.keys() - expected.keys())
    reshaped = [
        f"{key}: expected {tuple(expected[key].shape)}, got {tuple(got[key].shape)}"
        for key in sorted(expected.keys() & got.keys())
        if expected[key].shape != got[key].shape
    ]
    parts = (("missing", missing), ("unexpected", unexpected), ("of another shape", reshaped))
    found = [f"  {len(keys)} {title}: {'; '.join(keys[:8])}{' ...' * (len(keys) > 8)}" for title, keys in parts if keys]
    if found:
        raise CheckpointError("\n".join([f"The weights of {what} do not fit the network:", *found]), code="keys")


def own_copy(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A weight in the network's dtype, free of the file it was mapped from, so that no second copy stays resident.

    Convolutions in half precision are laid out channels-last, which is faster. Not those in float32: torch's
    channels-last group norm on the CPU is less exact, and moved golden latents by 1e-2.
    """
    dtype = dtype if tensor.is_floating_point() else tensor.dtype
    channels_last = tensor.ndim == 4 and dtype in (torch.float16, torch.bfloat16)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return torch.empty(tensor.shape, dtype=dtype, memory_format=layout).copy_(tensor)
